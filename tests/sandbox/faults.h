// faults: what goes wrong on purpose, and for how many calls.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox {

// When a faulty call is carried out, and how its answer leaves.
enum class FaultKind {
  none,
  answer,   // not carried out; a wrong answer at once
  close,    // not carried out; the connection is closed without an answer
  gateway,  // not carried out; a proxy's 502, and the connection is closed
  delay,    // carried out; answered late
  cut,      // carried out; the connection breaks in the middle of the answer
  silence,  // carried out; never answered
};

struct FaultMode {
  std::string_view name;
  FaultKind kind;
  int status = 0;  // of a wrong answer
  std::string_view error = "", description = "";
  bool html = false;
  bool creating_only = false;  // only for methods that add something
};

const FaultMode* find_mode(std::string_view name);  // nullptr: no such mode
std::span<const FaultMode> all_modes();
std::string mode_names();  // "ok, down, slow, ..."

struct Fault {
  const FaultMode* mode = nullptr;  // never null in use
  int left = -1;                    // calls; -1: until changed
  std::string method = "";          // only this one (also inside a batch); empty: every one
  int seconds = 10;                 // of a delay
};

// Not safe for several threads.
class Faults {
 public:
  Faults();
  void set(Fault fault) { fault_ = std::move(fault); }
  const Fault& current() const { return fault_; }
  // The fault for a call that runs these methods (one, or a batch and its commands); counts it.
  Fault take(const std::vector<std::string>& methods);

 private:
  Fault fault_;
};

}  // namespace sandbox
