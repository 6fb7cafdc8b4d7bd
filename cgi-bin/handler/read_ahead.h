// read_ahead: one batch for the reading calls that follow many waiting events, so that a thousand
// changed deals are twenty requests to the portal.
//
// A batch and not crm.item.list by ids: it serves every reading method, and each event gets the
// answer that its own call would have had. What was read ahead for an event was read after that
// came, and is good for some seconds.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "keep/store.h"
#include "portal/webhook.h"
#include "settings/settings.h"

namespace b24 {

// For all threads of a process.
class ReadAhead {
 public:
  // What the section's call answers for the event; nothing: it has to be called by itself, since no
  // other waits for the like, or the portal has refused this one.
  std::optional<CallResult> call(const ActionSettings& action, const Item& event, Store& store,
                                 Webhook& webhook);

 private:
  struct Read {
    Millis at = 0;                      // steady
    std::optional<CallResult> outcome;  // nothing: refused
  };
  using Key = std::pair<std::int64_t, std::string>;  // the event's number, the section

  std::mutex mutex_;
  std::map<Key, Read> read_;
};

}  // namespace b24
