// lead_intake: takes a lead in: into the journal first, then into the portal if that goes fast
// enough to wait for. There is no other way in.
#pragma once

#include <string>

#include "base/error.h"
#include "delivery.h"
#include "keep/ingest.h"
#include "keep/store.h"

namespace b24 {

enum class LeadState {
  saved,     // in the portal; or taken for spam and kept
  accepted,  // on the disk, on its way
  rejected,  // refused by the portal for good; kept for the owner
  lost,      // not on the disk: the visitor has to know
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
  LeadIntake(AppSource& app, StoreSource& stores, GateSource& gates, FormSource& forms,
             const Launch& launch);

  // One lead under the record's key: the same key again is the same lead, whenever it comes. Waits
  // `wait` for the portal at the most.
  TakenLead take(const App& app, const Record& record, Millis wait);
  // The key for a lead that came without one of its own: an equal one (the same `fingerprint`) that
  // was taken in within the last minute is this one.
  std::string key_of_equal(const std::string& fingerprint);

  // FastCGI, until a stop is asked for: fills the store and delivers.
  void work(std::stop_token stop);
  // The same once, for what is due, at most for `time_limit`: how many attempts were made.
  Result<int> work_due(Millis time_limit);

 private:
  void wake(const App& app);

  StoreSource& stores_;
  const Launch& launch_;
  Ingester ingester_;
  Delivery delivery_;
};

}  // namespace b24
