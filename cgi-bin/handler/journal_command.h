// journal_command: what an owner asks of the journal in the shell.
#pragma once

#include <string>

#include "keep/journal.h"

namespace b24 {

// "list": a line for each record: its place, time, id, key and size, and a line for each damage.
// "verify": a line for each segment, and what of it cannot be read. The process's exit code: 0, 1
// (damaged, or it cannot be read), EX_USAGE (neither word).
int journal_command(const Journal& journal, const std::string& what);

}  // namespace b24
