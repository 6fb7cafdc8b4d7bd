// delivery: takes from the store the leads that are due and gets each into the portal exactly once.
//
// The outcome of an attempt decides (webhook.h: Verdict): certainly not executed -> sent again
// later; unknown -> looked up by ORIGINATOR_ID and ORIGIN_ID first, and sent again only when it is
// not there and cannot be on its way any more; refused for good -> failed, kept for the owner;
// blocked until the owner acts -> tried gently. Several due leads go by one batch. Any number of
// processes deliver side by side: a claim in the store keeps them apart, the gate keeps them
// polite.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "app.h"
#include "clock.h"
#include "error.h"
#include "gate.h"
#include "store.h"
#include "webhook.h"

namespace b24 {

// The payload of a lead in the store: what is called, and with what; ORIGINATOR_ID and ORIGIN_ID
// are in it already.
//   {"method": "crm.lead.add", "params": {...}, "lookup": {"method": "crm.lead.list", "params":
//   {...}}, "duplicates": {"PHONE": [...], "EMAIL": [...]} or absent}
namespace lead {
inline constexpr std::string_view kOriginator = "b24hooks";
}

// How long to wait before attempt number `attempts` + 1: 1 s doubling to 15 min, with jitter
// (50..100 %).
Millis backoff(int attempts);

class Delivery {
 public:
  explicit Delivery(AppSource& app) : app_(app) {}

  // FastCGI: delivers until a stop is asked for, by several threads of its own; an idle one costs
  // nothing. Calls under way are given up a few seconds after the stop (and looked up later).
  void work(std::stop_token stop);
  // Delivers what is due now and returns: how many items were dealt with. The shell's --deliver,
  // cron, and CGI after its answer.
  Result<int> deliver_due(Millis time_limit);

  // Wakes the workers: an item was accepted.
  void wake();
  // Waits until the item is done or failed, at most `limit`; gives the item as it is then. In a CGI
  // process another process delivers; here the workers do.
  Result<std::optional<Item>> wait(std::int64_t number, Millis limit);

 private:
  AppSource& app_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t accepted_ = 0;  // grows with each wake
  std::uint64_t finished_ = 0;  // grows with each finished item
};

}  // namespace b24
