// delivery: takes from the store the leads that are due and gets each into the portal exactly once.
//
// The outcome of an attempt decides (webhook.h: Verdict). Certainly not executed: sent again later.
// Unknown: looked up by ORIGINATOR_ID and ORIGIN_ID first, and sent again only when it is not there
// and cannot be on its way any more. That goes for a lead whose process was killed as well: it is
// looked up at once and every few seconds, but sent again only delivery.settle after its death was
// noticed, since the portal may go on with a call whose caller is gone. Refused for good: failed,
// kept for the owner. Blocked until the owner acts: tried gently. Several due leads go by one
// batch. Any number of processes deliver side by side: a claim in the store keeps them apart, the
// gate keeps them polite.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "form_source.h"
#include "keep/store.h"
#include "keep/work_loop.h"
#include "portal/gate.h"

namespace b24 {

class LeadSender;

class Delivery {
 public:
  // A lead that a pass is through with, and its number in the portal when it has one.
  struct Finished {
    std::string id;
    std::string number;
  };

  // All must outlive this.
  Delivery(AppSource& app, StoreSource& stores, GateSource& gates, FormSource& forms);

  // FastCGI: delivers until a stop is asked for, by threads of its own. Calls under way are given
  // up soon after the stop (and looked up later).
  void work(std::stop_token stop);
  // Delivers what is due now and what becomes due within seconds, at most for `time_limit`: how
  // many attempts were made. For --deliver: cron, and CGI after its answer.
  Result<int> deliver_due(Millis time_limit, const std::function<Status()>& ingest) {
    return loop_.work_due(time_limit, ingest);
  }
  // A lead was accepted.
  void wake() { loop_.wake(); }
  void ingested(int taken) { loop_.ingested(taken); }
  // Waits until the lead is done or failed or the portal is known to be closed to us, at most
  // `limit`; the lead as it is then, nothing when there is no such. `begin` is called once when
  // there is something to wait for. Whichever process delivers it.
  Result<std::optional<Item>> wait(const std::string& id, Millis limit,
                                   const std::function<void()>& begin);

 private:
  WorkLoop::Pass make_pass(std::stop_token stop);
  bool is_complete(const App& app, Store& store, Item& item);
  void deliver_all(Store& store, LeadSender& sender, Log& log, const std::vector<Item>& items);
  void finished(std::span<const Finished> leads);

  AppSource& app_;
  StoreSource& stores_;
  GateSource& gates_;
  FormSource& forms_;
  const Store::Held held_;
  WorkLoop loop_;

  // A visitor's thread, woken by nothing but its own lead's end.
  struct Waiting {
    std::condition_variable wake;
    bool over = false;
    std::string number;  // of the saved lead
  };
  std::mutex mutex_;
  std::multimap<std::string, std::shared_ptr<Waiting>> waiting_;  // by the lead's id
};

}  // namespace b24
