// delivery: takes from the store the leads that are due and gets each into the portal exactly once.
//
// The outcome of an attempt decides (webhook.h: Verdict). Certainly not executed: sent again later.
// Unknown: looked up by ORIGINATOR_ID and ORIGIN_ID first, and sent again only when it is not there
// and cannot be on its way any more. Refused for good: failed, kept for the owner. Blocked until
// the owner acts: tried gently. Several due leads go by one batch. Any number of processes deliver
// side by side: a claim in the store keeps them apart, the gate keeps them polite.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "app.h"
#include "clock.h"
#include "error.h"
#include "store.h"

namespace b24 {

// 1 s after the first attempt, doubling to 15 min, less up to half of it at random so that
// processes do not march in step.
Millis backoff(int attempts);

class Delivery {
 public:
  Delivery(AppSource& app, Mode mode) : app_(app), mode_(mode) {}

  // FastCGI: delivers until a stop is asked for, by several threads of its own; idle ones cost
  // nothing. Calls under way are given up soon after the stop (and looked up later).
  void work(std::stop_token stop);
  // Delivers what is due now, and what becomes due within seconds, at most for `time_limit`: how
  // many attempts were made. For --deliver: cron, and CGI after its answer.
  Result<int> deliver_due(Millis time_limit);

  // Wakes a worker: an item was accepted.
  void wake();
  // Waits until the item is done or failed, at most `limit`; the item as it is then, nothing when
  // there is no such item. Whichever process delivers it.
  Result<std::optional<Item>> wait(std::int64_t number, Millis limit);

 private:
  // Delivers once what is due; how many items were dealt with.
  Result<int> pass(class LeadSender& sender);
  void run_worker(std::stop_token stop);
  void finished(std::int64_t number);
  void look_after_store();

  AppSource& app_;
  Mode mode_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable finished_;
  int woken_ = 0;                        // wakes that no worker has taken yet
  std::map<std::int64_t, bool> waited_;  // items that somebody waits for: finished?
  Millis looked_after_at_ = 0;
};

}  // namespace b24
