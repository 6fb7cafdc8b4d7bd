// gate_book: the rules by which calls are let through.
#include "portal/gate_book.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "base/text.h"

namespace b24 {
namespace {

constexpr Millis kCallTime = 70 * kSecond;      // longer than a call may take
constexpr Millis kLongestReset = 20 * kMinute;  // operating time is counted over ten
constexpr Millis kForgotten = 60 * kMinute;     // longer than anything is closed
constexpr double kOperatingLimit = 480;         // seconds in ten minutes
constexpr int kFailuresToOpen = 3;

// 1 .. 1.5
double jitter() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(1.0, 1.5)(generator);
}

// `first` for the first time, doubling to `most`.
Millis doubling(Millis first, std::int64_t times_before, Millis most) {
  return std::min(first << std::min<std::int64_t>(times_before, 20), most);
}

Millis jittered(Millis time) {
  return static_cast<Millis>(static_cast<double>(time) * jitter());
}

bool is(const CallError& error, std::string_view code) {
  return text::equal_ignoring_case(error.error.code, code);
}

// Something that stands before the portal, or in its place, refused the request in its own form.
bool is_foreign_refusal(const CallError& error) {
  return error.verdict == Verdict::blocked && error.status >= 400 && error.status < 500 &&
         (error.error.code == "not_json" || error.error.code == "no_result");
}

// Whether a failure closes the method alone, and why.
enum class Closes { nothing, used_up, refused };
Closes closes(const CallError& error) {
  if (is(error, "QUERY_LIMIT_EXCEEDED") || is(error, "OVERLOAD_LIMIT")) return Closes::nothing;
  if (is(error, "OPERATION_TIME_LIMIT") || error.status == 429) return Closes::used_up;
  const bool all = error.status == 401 || is(error, "PORTAL_DELETED") || is_foreign_refusal(error);
  return error.verdict == Verdict::blocked && !all ? Closes::refused : Closes::nothing;
}

struct NumberRow {
  const char* name;
  std::int64_t GateBook::*number;
};
constexpr NumberRow kNumbers[] = {
    {"updated_at", &GateBook::at},
    {"machines", &GateBook::machines},
    {"apart", &GateBook::apart},
    {"bucket_until", &GateBook::bucket_until},
    {"bucket_refusals", &GateBook::bucket_refusals},
    {"failures", &GateBook::failures},
    {"openings", &GateBook::openings},
    {"open_until", &GateBook::open_until},
    {"probe_until", &GateBook::probe_until},
};

}  // namespace

GateBook::GateBook(const Value& value)
    : level(value["level"].real()), last_error(value["last_error"].text()) {
  for (const NumberRow& row : kNumbers) this->*row.number = value[row.name].integer();
  for (const auto& [place, entered] : value["under_way"].members())
    under_way.push_back(entered.integer());
  for (const auto& [name, known] : value["methods"].members())
    methods[name.text()] = {known[0].integer(), known[1].integer(), known[2].integer()};
}

Value GateBook::value() const {
  Value calls = Value::array(), known_methods = Value::array();
  for (const Millis entered : under_way) calls.append(entered);
  for (const auto& [name, known] : methods)
    known_methods.set(name, Value::list({known.blocked_until, known.refusals, known.reset_at}));
  Value value = Value::map({{"level", level},
                            {"last_error", last_error},
                            {"under_way", std::move(calls)},
                            {"methods", std::move(known_methods)}});
  for (const NumberRow& row : kNumbers) value.set(row.name, this->*row.number);
  return value;
}

bool GateBook::is_forgotten(Millis now) const {
  return at > now || now - at > kForgotten;
}

void GateBook::catch_up(Millis now, double drain) {
  if (is_forgotten(now)) {
    const GateBook known = std::exchange(*this, {});
    machines = known.machines;
    apart = known.apart;
  }
  const Millis passed = at == 0 ? 0 : now - at;
  at = now;
  level = std::max(0.0, level - drain * static_cast<double>(passed) / 1000);
  // Whoever made it has died.
  std::erase_if(under_way, [&](Millis entered) { return entered + kCallTime <= now; });
  std::erase_if(methods, [&](const auto& entry) {
    const Method& known = entry.second;
    return known.blocked_until <= now && known.reset_at <= now && known.refusals == 0;
  });
}

Millis GateBook::closed_for(std::string_view method) const {
  const auto known = methods.find(method);
  return known == methods.end() ? 0 : std::max<Millis>(0, known->second.blocked_until - at);
}

Millis GateBook::held_back() const {
  if (open_until > at) return open_until - at;
  return probe_until > at ? std::min(probe_until - at, kSecond) : 0;
}

Millis GateBook::ask() {
  const Millis wait = held_back();
  if (wait == 0 && open_until != 0) probe_until = at + kCallTime;
  return wait;
}

Millis GateBook::full_for(const Bucket& bucket) const {
  if (bucket_until > at) return bucket_until - at;
  // One second's drain stays free, since the portal's counter falls in steps of a second, and one
  // place, for whoever else has its eye on the portal from here.
  const double room = std::max(1.0, bucket.size - 1 - bucket.drain - bucket.reserve);
  const double over = level + static_cast<double>(under_way.size()) + 1 - room;
  constexpr double kRounding = 1e-6;  // what sums of reals are off by
  if (over <= kRounding) return 0;
  return std::max<Millis>(1, std::llround(std::ceil(over * 1000 / bucket.drain - kRounding)));
}

Millis GateBook::enter(std::string_view method, const Bucket& bucket) {
  const Millis wait = std::max(closed_for(method), full_for(bucket));
  // The probe's place is taken only by what nothing else holds back.
  if (wait > 0) return std::max(wait, held_back());
  const Millis asked = ask();
  if (asked == 0) under_way.push_back(at);
  return asked;
}

void GateBook::land(Millis entered) {
  level += 1;
  if (entered == 0 || under_way.empty()) return;
  auto mark = std::ranges::find(under_way, entered);
  if (mark == under_way.end()) mark = under_way.begin();  // its own was forgotten in time
  under_way.erase(mark);
}

void GateBook::ended(std::string_view method, const CallResult& result, const Bucket& bucket,
                     Millis wall) {
  if (!result) return failed(method, result.error(), bucket);
  close_breaker();
  if (bucket_until <= at) bucket_refusals = 0;
  learn(method, *result, wall);
}

void GateBook::ran(std::string_view method, const CallResult& outcome, Millis wall) {
  if (outcome) return learn(method, *outcome, wall);
  const Closes closed = closes(outcome.error());
  if (closed != Closes::nothing) close_method(method, closed == Closes::used_up);
}

void GateBook::reopen() {
  close_breaker();
  // A method that waits for its reset is closed until exactly then.
  std::erase_if(methods, [](const auto& entry) {
    return entry.second.blocked_until != entry.second.reset_at;
  });
}

void GateBook::learn(std::string_view method, const Answer& answer, Millis wall) {
  const auto known = methods.find(method);
  if (known != methods.end() && known->second.blocked_until <= at) methods.erase(known);
  // Both times by the portal's own clock, when it tells it: ours may be wrong.
  const Millis left = answer.operating_reset_at * 1000 - (answer.at != 0 ? answer.at : wall);
  if (left > 0) methods[std::string(method)].reset_at = at + std::min(left, kLongestReset);
  if (answer.operating >= kOperatingLimit * 0.9) close_method(method, true);
}

void GateBook::close_method(std::string_view method, bool used_up) {
  Method& known = methods[std::string(method)];
  if (used_up && known.reset_at > at) {
    known.blocked_until = known.reset_at;
  } else if (known.blocked_until <= at) {
    const Millis most = (used_up ? 10 : 15) * kMinute;
    known.blocked_until = at + doubling(kMinute, known.refusals++, most);
  }
}

void GateBook::failed(std::string_view method, const CallError& error, const Bucket& bucket) {
  if (is(error, "gate") || is(error, "curl_missing")) return;  // it is about us alone
  if (is(error, "stopped")) {                                  // so is this; the next one probes
    probe_until = 0;
    return;
  }
  last_error = error.error.code;
  if (is(error, "OVERLOAD_LIMIT")) return open_breaker(15 * kMinute);
  if (is_foreign_refusal(error)) {
    if (method != "batch") return down(error.error.code);
    probe_until = 0;  // it may be about what was in the request
    return;
  }
  const Closes closed = closes(error);
  if (closed == Closes::nothing && error.verdict == Verdict::blocked) {
    if (open_until <= at) open_breaker(doubling(kMinute, openings, 15 * kMinute));
    return;
  }
  const bool full = is(error, "QUERY_LIMIT_EXCEEDED");
  const bool broke =
      error.status >= 500 || (error.status == 0 && error.error.kind == ErrorKind::network);
  if (broke && !full && closed == Closes::nothing) return down(error.error.code);
  close_breaker();  // it answered
  if (closed != Closes::nothing) return close_method(method, closed == Closes::used_up);
  if (!full) return;
  level = bucket.size;  // what is refused does not count
  if (bucket_until <= at)
    bucket_until = at + jittered(doubling(kSecond, bucket_refusals++, 40 * kSecond));
}

void GateBook::down(std::string_view code) {
  last_error = code;
  ++failures;
  // Calls that were under way together fail together: that is one failure of the destination.
  if (failures >= kFailuresToOpen && open_until <= at)
    open_breaker(jittered(doubling(5 * kSecond, openings, 200 * kSecond)));
}

void GateBook::open_breaker(Millis time) {
  open_until = std::max(open_until, at + time);
  probe_until = 0;
  ++openings;
}

// It answered.
void GateBook::close_breaker() {
  failures = 0;
  openings = 0;
  open_until = 0;
  probe_until = 0;
}

}  // namespace b24
