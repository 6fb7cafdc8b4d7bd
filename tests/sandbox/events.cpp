// events: sending.
#include "events.h"

#include "portal/http.h"
#include "value/php.h"

namespace sandbox {

namespace {

constexpr std::size_t kMostEvents = 20'000;

// The portal numbers the subscriptions; one for each event's name is near enough.
std::string handler_id(std::string_view name) {
  unsigned sum = 0;
  for (char c : name) sum = sum * 31 + static_cast<unsigned char>(c);
  return std::to_string(100 + sum % 900);
}

b24::HttpOptions options() {
  b24::HttpOptions options;
  options.total_time = 10'000;
  options.user_agent = "Bitrix24 Webhook Engine";
  return options;
}

}  // namespace

std::string event_body(const Event& event, const Target& target, Millis now) {
  const std::string rest = "https://" + target.domain + "/rest/";
  return b24::php::build_query(Value::map({
      {"event", event.name},
      {"event_handler_id", handler_id(event.name)},
      {"data", event.data},
      {"ts", std::to_string(now / 1000)},
      {"auth", Value::map({{"domain", target.domain},
                           {"client_endpoint", rest},
                           {"server_endpoint", "https://oauth.bitrix.info/rest/"},
                           {"member_id", "5a7d0b0c5f0e4a3b9c8d7e6f50123456"},
                           {"application_token", event.token}})},
  }));
}

void Events::set_target(const std::string& url, const std::string& token) {
  const std::lock_guard lock(mutex_);
  target_.url = url;
  if (!token.empty()) target_.token = token;
}

Target Events::target() {
  const std::lock_guard lock(mutex_);
  return target_;
}

std::int64_t Events::push(std::string_view name, Value data, std::string token) {
  const std::lock_guard lock(mutex_);
  Event event;
  event.number = ++last_number_;
  event.name = name;
  event.data = std::move(data);
  event.token = token.empty() ? target_.token : std::move(token);
  event.queued_at = b24::now_ms();
  events_.push_back(std::move(event));
  if (events_.size() > kMostEvents) events_.pop_front();
  changed_.notify_all();
  return last_number_;
}

std::vector<Event> Events::sent_and_waiting() {
  const std::lock_guard lock(mutex_);
  return {events_.begin(), events_.end()};
}

void Events::clear() {
  const std::lock_guard lock(mutex_);
  events_.clear();
  next_to_send_ = last_number_ + 1;
}

Event Events::send(Event event, const Target& target) {
  event.sent_at = b24::now_ms();
  if (target.url.empty()) {
    event.error = "no handler is set";
    return event;
  }
  b24::HttpRequest request;
  request.url = target.url;
  request.body = event_body(event, target, event.sent_at);
  // A client of its own for each, as if each came from another machine of the portal.
  const auto answer = b24::Http(options()).send(request);
  event.took = b24::now_ms() - event.sent_at;
  if (answer)
    event.status = answer->status;
  else
    event.error = answer.error().error.cause;
  return event;
}

void Events::send_all(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!changed_.wait(lock, stop, [this] { return next_to_send_ <= last_number_; })) return;
    const std::int64_t number = next_to_send_++;
    const auto find = [&]() -> Event* {
      const std::int64_t index = events_.empty() ? -1 : number - events_.front().number;
      return index < 0 ? nullptr : &events_[static_cast<std::size_t>(index)];
    };
    const Event* waiting = find();
    if (waiting == nullptr) continue;
    const Event event = *waiting;
    const Target target = target_;
    lock.unlock();
    Event sent = send(event, target);
    lock.lock();
    // It may have been cleared away meanwhile.
    if (Event* place = find()) *place = std::move(sent);
  }
}

}  // namespace sandbox
