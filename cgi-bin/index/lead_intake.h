// lead_intake: takes a lead in: onto the disk first, then into the portal if that goes fast enough
// to wait for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "delivery.h"
#include "keep/store.h"
#include "value/value.h"

namespace b24 {

enum class LeadState {
  saved,     // in the portal
  accepted,  // on the disk, on its way
  rejected,  // refused by the portal for good; kept for the owner
  lost,      // neither on the disk nor in the portal: the visitor has to know
};

struct TakenLead {
  LeadState state = LeadState::lost;
  std::string id;       // of the submission; of the first one where this is a repetition
  std::string lead_id;  // of a saved one: its number in the portal
  Error error;          // rejected: what the portal said; lost: why
};

// The id for a lead that came without one: that of an equal lead (the same `fingerprint`) that was
// received less than a minute before `now`, else a new one. Two processes that ask at once get the
// same id, and the store takes it once.
Result<std::string> id_of_equal(Store& store, const std::string& fingerprint, Millis now);

// Used by all threads.
class LeadIntake {
 public:
  // All must outlive this.
  LeadIntake(AppSource& app, StoreSource& stores, GateSource& gates, const Launch& launch)
      : app_(app), stores_(stores), gates_(gates), launch_(launch), delivery_(app, stores, gates) {}

  // One lead under its own id: the same id again is the same lead, whenever it comes.
  TakenLead take(const App& app, const NewItem& lead);
  // For a lead that came without an id of its own: an equal one (the same `fingerprint`) that was
  // taken in within the last minute is this one. `with_id` makes the item for an id.
  using MakeLead = std::function<NewItem(const std::string& id)>;
  TakenLead take_equal_once(const App& app, const std::string& fingerprint,
                            const MakeLead& with_id);

  Delivery& delivery() { return delivery_; }

 private:
  TakenLead deliver(const App& app, const NewItem& lead, const Accepted& accepted, Millis begun);
  TakenLead send_directly(const App& app, const NewItem& lead, const Error& not_stored,
                          Millis begun);
  void wake(const App& app);

  AppSource& app_;
  StoreSource& stores_;
  GateSource& gates_;
  const Launch& launch_;
  Delivery delivery_;
};

}  // namespace b24
