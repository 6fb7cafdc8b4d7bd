// event_command: what an owner asks of the events in the shell: look, follow, replay, export, test.
#pragma once

#include <string>

#include "keep/ingest.h"
#include "keep/store.h"
#include "portal/gate.h"
#include "settings/app.h"
#include "web/server.h"

namespace b24 {

struct EventTools {
  AppSource& app;
  StoreSource& stores;
  GateSource& gates;
  Ingester& ingester;
};

// Carries out the options on stdout (--list, --show and --retry by outbox_command), for the events
// of --since and --event alone; the process's exit code: 0, 1 (not found, or it did not work),
// EX_USAGE (not understood).
int event_command(const EventTools& tools, const Arguments& arguments);

// A line of --export csv.
std::string csv_line(const Item& event);

}  // namespace b24
