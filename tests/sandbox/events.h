// events: the outbound webhooks: a queue, its sender, and what the handler answered.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "value/value.h"

namespace sandbox {

using b24::Millis;
using b24::Value;

struct Target {
  std::string url;     // of the handler; empty: events are not sent
  std::string token;   // application_token
  std::string domain;  // of this portal, "localhost:8443"
};

struct Event {
  std::int64_t number = 0;
  std::string name;  // "ONCRMDEALUPDATE"
  Value data = Value::array();
  std::string token;  // what it is sent with
  Millis queued_at = 0;
  Millis sent_at = 0;  // 0: waits
  Millis took = 0;
  int status = 0;     // what the handler answered; 0: nothing
  std::string error;  // why there was no answer
};

// Safe from all threads.
class Events {
 public:
  explicit Events(Target target) : target_(std::move(target)) {}

  void set_target(const std::string& url, const std::string& token);
  Target target();
  // `token` empty: the target's. The event's number.
  std::int64_t push(std::string_view name, Value data, std::string token = "");
  std::vector<Event> sent_and_waiting();
  void clear();

  // Sends what is queued, one after the other, each once, until a stop is asked for.
  void send_all(std::stop_token stop);

 private:
  Event send(Event event, const Target& target);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Target target_;
  std::deque<Event> events_;  // the newest kMostEvents
  std::int64_t last_number_ = 0;
  std::int64_t next_to_send_ = 1;
};

// The body of an outbound webhook, as the portal writes it.
std::string event_body(const Event& event, const Target& target, Millis now);

}  // namespace sandbox
