// gate_book: the rules by which calls are let through.
#include "portal/gate_book.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "base/text.h"

namespace b24 {
namespace {

constexpr Millis kSecond = 1'000;
constexpr Millis kMinute = 60'000;
constexpr Millis kCallTime = 70 * kSecond;      // longer than a call may take
constexpr Millis kLongestReset = 20 * kMinute;  // operating time is counted over ten
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

// What a failure says about the portal and the method.
enum class Meaning {
  nothing,  // it is about us alone
  unclear,  // it may be about what was in the request
  refused,  // the portal is well, it only did not like the request
  bucket_full,
  method_used_up,
  method_closed,
  portal_overload,
  portal_closed,
  portal_down,
};

// Something that stands before the portal, or in its place, refused the request in its own form.
bool is_foreign_refusal(const CallError& error) {
  return error.verdict == Verdict::blocked && error.status >= 400 && error.status < 500 &&
         (error.error.code == "not_json" || error.error.code == "no_result");
}

Meaning meaning_of(std::string_view method, const CallError& error) {
  const auto is = [&](std::string_view code) {
    return text::equal_ignoring_case(error.error.code, code);
  };
  if (is("gate") || is("not_run") || is("curl_missing")) return Meaning::nothing;
  if (is("QUERY_LIMIT_EXCEEDED")) return Meaning::bucket_full;
  if (is("OVERLOAD_LIMIT")) return Meaning::portal_overload;
  if (is("OPERATION_TIME_LIMIT") || error.status == 429) return Meaning::method_used_up;
  if (is_foreign_refusal(error)) return method == "batch" ? Meaning::unclear : Meaning::portal_down;
  if (error.verdict == Verdict::blocked) {
    const bool whole = error.status == 401 || is("PORTAL_DELETED");
    return whole ? Meaning::portal_closed : Meaning::method_closed;
  }
  if (error.status >= 500 || (error.status == 0 && error.error.kind == ErrorKind::network))
    return Meaning::portal_down;
  return Meaning::refused;
}

}  // namespace

void Gate::Book::catch_up(Millis time, double drain) {
  now = time;
  const Millis passed = time - std::exchange(portal.updated_at, time);
  if (passed >= 0) {
    portal.level = std::max(0.0, portal.level - drain * static_cast<double>(passed) / 1000);
  } else {
    for (Millis* until : {&portal.bucket_until, &portal.open_until, &portal.probe_until})
      if (*until != 0) *until += passed;
    for (auto& [name, known] : methods) known.blocked_until += passed;
    for (Millis& entered : portal.under_way) entered += passed;
  }
  // Whoever made it has died.
  std::erase_if(portal.under_way, [&](Millis entered) { return entered + kCallTime <= now; });
}

Millis Gate::Book::closed_for(std::string_view method) const {
  const auto known = methods.find(method);
  return known == methods.end() ? 0 : std::max<Millis>(0, known->second.blocked_until - now);
}

Millis Gate::Book::enter(std::string_view method, double room, double drain) {
  if (const Millis closed = closed_for(method); closed > 0) return closed;
  if (portal.open_until > now) return portal.open_until - now;
  const bool probing = portal.open_until != 0;
  if (probing && portal.probe_until > now) return std::min(portal.probe_until - now, kSecond);
  if (portal.bucket_until > now) return portal.bucket_until - now;
  const double over = portal.level + static_cast<double>(portal.under_way.size()) + 1 - room;
  constexpr double kRounding = 1e-6;  // what sums of reals are off by
  if (over > kRounding)
    return std::max<Millis>(1, std::llround(std::ceil(over * 1000 / drain - kRounding)));
  portal.under_way.push_back(now);
  if (probing) portal.probe_until = now + kCallTime;
  return 0;
}

void Gate::Book::land(Millis entered) {
  portal.level += 1;
  if (entered == 0 || portal.under_way.empty()) return;
  auto mark = std::ranges::find(portal.under_way, entered);
  if (mark == portal.under_way.end()) mark = portal.under_way.begin();  // the clock was set back
  portal.under_way.erase(mark);
}

void Gate::Book::answered(std::string_view method, const Answer& answer) {
  close_breaker();
  if (portal.bucket_until <= now) portal.bucket_refusals = 0;
  learn(method, answer);
}

void Gate::Book::ran(std::string_view method, const std::expected<Answer, CallError>& outcome) {
  if (outcome) return learn(method, *outcome);
  const Meaning meaning = meaning_of(method, outcome.error());
  if (meaning == Meaning::method_used_up || meaning == Meaning::method_closed)
    close_method(method, meaning == Meaning::method_used_up);
}

void Gate::Book::reopen() {
  close_breaker();
  // A method that waits for its reset is closed until exactly then.
  std::erase_if(methods, [](const auto& entry) {
    return entry.second.blocked_until != entry.second.reset_at;
  });
}

void Gate::Book::learn(std::string_view method, const Answer& answer) {
  const auto known = methods.find(method);
  if (known != methods.end() && known->second.blocked_until <= now) methods.erase(known);
  const Millis reset = answer.operating_reset_at * 1000;
  if (reset > now) of(method).reset_at = reset;
  if (answer.operating >= kOperatingLimit * 0.9) close_method(method, true);
}

void Gate::Book::close_method(std::string_view method, bool used_up) {
  Method& known = of(method);
  if (used_up && known.reset_at > now) {
    known.blocked_until = std::min(known.reset_at, now + kLongestReset);
  } else if (known.blocked_until <= now) {
    const Millis most = (used_up ? 10 : 15) * kMinute;
    known.blocked_until = now + doubling(kMinute, known.refusals++, most);
  }
}

void Gate::Book::failed(std::string_view method, const CallError& error, int size) {
  const Meaning meaning = meaning_of(method, error);
  if (meaning == Meaning::nothing) return;
  portal.last_error = error.error.code;
  switch (meaning) {
    case Meaning::portal_down:
      ++portal.failures;
      // Calls that were under way together fail together: that is one failure of the portal.
      if (portal.failures >= kFailuresToOpen && portal.open_until <= now)
        open_breaker(jittered(doubling(5 * kSecond, portal.openings, 200 * kSecond)));
      return;
    case Meaning::portal_overload:
      open_breaker(15 * kMinute);
      return;
    case Meaning::portal_closed:
      if (portal.open_until <= now) open_breaker(doubling(kMinute, portal.openings, 15 * kMinute));
      return;
    case Meaning::bucket_full:
      close_breaker();
      portal.level = size;  // what is refused does not count
      if (portal.bucket_until <= now)
        portal.bucket_until =
            now + jittered(doubling(kSecond, portal.bucket_refusals++, 40 * kSecond));
      return;
    case Meaning::method_used_up:
    case Meaning::method_closed:
      close_breaker();
      close_method(method, meaning == Meaning::method_used_up);
      return;
    case Meaning::unclear:
      portal.probe_until = 0;
      return;
    case Meaning::refused:
    case Meaning::nothing:
      close_breaker();
  }
}

void Gate::Book::open_breaker(Millis time) {
  portal.open_until = std::max(portal.open_until, now + time);
  portal.probe_until = 0;
  ++portal.openings;
}

// The portal answered.
void Gate::Book::close_breaker() {
  portal.failures = 0;
  portal.openings = 0;
  portal.open_until = 0;
  portal.probe_until = 0;
}

}  // namespace b24
