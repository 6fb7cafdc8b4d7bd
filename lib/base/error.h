// error: the one failure value of the suite: what kind, what happened, what to do.
//
// Failures that can happen travel as std::expected<T, Error>. Exceptions are for programming errors
// and start-up.
#pragma once

#include <expected>
#include <string>

namespace b24 {

enum class ErrorKind {
  settings,  // the owner's configuration; `cause` names file, line and key
  storage,   // the data directory, SQLite, a log file
  network,   // no answer from the other side
  portal,    // the portal answered, and refused
  input,     // what a caller gave us
};

struct Error {
  ErrorKind kind = ErrorKind::input;
  std::string
      code;  // a stable name: the portal's own code, or ours in lower_snake_case; may be empty
  std::string cause;   // one line: "context: detail"; never holds a secret
  std::string remedy;  // what a person can do about it; empty where nobody can do anything
};

template <class T>
using Result = std::expected<T, Error>;

using Status = std::expected<void, Error>;

// "settings", "storage", ...
const char* name(ErrorKind kind);

// An error for a failed system call: "context: strerror(number)", with a remedy for the usual
// numbers (EACCES, ENOSPC, EROFS, ENOENT, EMFILE).
Error system_error(ErrorKind kind, const std::string& context, int number);

}  // namespace b24
