// exec: runs a program without a shell: input, a small environment, a time limit, its output
// captured.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace b24 {

struct ProgramRun {
  std::vector<std::string> arguments;    // the program's absolute path first
  std::vector<std::string> environment;  // "NAME=value"; the whole of it: nothing is inherited
  std::string input;                     // for its stdin
  Millis time_limit = 30'000;            // then it and its children are killed
  std::stop_token stop = {};             // so they are when a stop is asked for
};

struct ProgramResult {
  int exit_code = 0;   // 128 + signal when a signal ended it
  std::string output;  // stdout and stderr together, the first 64 KiB
  bool timed_out = false;
  bool stopped = false;
};

// Returns when the program has ended, though children of its may go on and hold its output. Errors
// (kind input): the program is not an absolute path or cannot be started. A program that fails is a
// result.
Result<ProgramResult> run_program(const ProgramRun& run);

// Starts a program that goes on by itself, in a session of its own, with all its descriptors on
// /dev/null.
Status start_detached(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment);

}  // namespace b24
