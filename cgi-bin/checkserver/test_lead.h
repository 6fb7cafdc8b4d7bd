// test_lead: a lead of the owner's own, to see the way that a visitor's goes; for desk and shell.
//
// It is taken in as every lead is, by the journal, and sent by the program for leads. Its title and
// its source begin with "TEST", and its id and name tell it from others (keep/store.h).
#pragma once

#include <cstdint>
#include <string>

#include "keep/store.h"
#include "portal/gate.h"
#include "settings/settings.h"

namespace b24 {

// Accepts one, with something in each field of the form that takes any text; its id. Errors: those
// of make_form and of the journal.
Result<std::string> send_test_lead(const Settings& settings);
// Waits some seconds for its end; as it is then, nothing while it is not in the store.
Result<std::optional<Item>> wait_for_test_lead(Store& store, const std::string& id);
// The newest one that the store has.
Result<std::optional<Item>> newest_test_lead(Store& store);

// Deletes those that are done or failed, in the portal first (crm.lead.delete or crm.item.delete,
// by which method they came there), then here with all traces; how many. One that the portal does
// not have any more is gone. Errors: the portal's; "in_work" when there is one that is on its way,
// "no_such_item" when there is none.
Result<std::int64_t> clean_up_test_leads(const Settings& settings, Store& store, GateSource& gates);

}  // namespace b24
