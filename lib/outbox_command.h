// outbox_command: what an owner asks of the store in the shell: --list, --show, --retry.
#pragma once

#include "app.h"
#include "server.h"
#include "store.h"

namespace b24 {

// Carries out the first of the options on stdout; the process's exit code: 0, 1 (not found, or the
// store cannot be used), 2 (not understood). --list and --retry all keep to the name and time of
// `only`. --retry makes what failed or waits due now, and the portal's gate forget what it was
// closed for.
int outbox_command(AppSource& app, Kind kind, const Arguments& arguments,
                   const ListFilter& only = {});

}  // namespace b24
