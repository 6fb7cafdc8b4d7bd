// webhook: calls to the portal: call, batch, errors with a cause and a remedy.
//
// The webhook's URL is a password: it is in no error, log line or answer. What an error code of the
// portal means is one table (webhook_errors.cpp).
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "portal/http.h"
#include "settings/settings.h"
#include "value/value.h"

namespace b24 {

// What a failed call means for whoever wants it done.
enum class Verdict {
  retry,      // certainly not executed; safe to send again after `retry_at`
  look,       // outcome unknown: look whether it happened before sending again
  permanent,  // the same request will be refused again
  blocked,    // nothing will work until the owner acts (wrong secret, missing rights, manual block,
              // deleted portal)
};

struct CallError {
  Error error;     // kind network or portal; code as the portal spelt it, or ours
  int status = 0;  // HTTP status; 0 when there was no answer
  Verdict verdict = Verdict::permanent;
  Millis retry_at = 0;  // not before this time; 0: the caller's own schedule
};

// Whether the portal may still be at work on a call that failed so: there was no answer, or a proxy
// gave up waiting for it and answered with a page of its own.
bool may_still_run(const CallError& error);

struct Answer {
  Value result;
  double operating = 0;                 // seconds that the method has used in the last ten minutes
  std::int64_t operating_reset_at = 0;  // Unix time, by the portal's clock
  Millis at = 0;                        // when it answered, by the portal's clock; 0: not told
};

using CallResult = std::expected<Answer, CallError>;

struct Command {
  std::string key;  // letters, digits, "_"; of a batch no two are the same
  std::string method;
  Value params = Value::array();
};

struct BatchResult {
  std::string key;
  CallResult outcome;
};

// The politeness that all processes on this machine share (gate.h implements it);
// nothing is sent without asking it.
class CallGate {
 public:
  virtual ~CallGate() = default;
  // Takes a place in the portal's leaky bucket for a call of `method`, held until the call's end is
  // told by `ended`: 0, or the time to wait before asking again.
  virtual Millis enter(std::string_view method) = 0;
  virtual void ended(std::string_view method, const CallResult& result) = 0;
  // How long `method` must not be called, not even inside a batch; 0: it may.
  virtual Millis closed_for(std::string_view method) = 0;
  // What the commands inside a batch came to, one result for each.
  virtual void ran(std::span<const Command> commands, std::span<const BatchResult> results) = 0;
};

class Webhook {
 public:
  // `gate` may be null (no limits: tests); it and the settings' values are used as long as this
  // lives. One thread at a time. `portal`: its name (called_portal).
  // Settings without a usable URL make every call fail with what url_fault says.
  Webhook(const Settings& settings, CallGate* gate, std::string_view portal = {},
          Clock clock = now_ms);

  // Posts http_build_query(params) to <url><method>.json, as CRest does: to the classic address,
  // whichever form the configured URL has. A gate that says "wait" is a CallError with code "gate",
  // verdict retry and retry_at; nothing was sent then.
  CallResult call(std::string_view method, const Value& params);
  // What an owner wrote, for the address that he configured: as JSON to that of REST 3.0
  // (/rest/api/) what belongs there. What the one address does not have is asked for at the other,
  // but for crm.*. `idempotency_key`: 1 to 255 printable ASCII characters; REST 3.0 does what has
  // the same key and parameters once within 24 hours.
  CallResult call_where_it_is(std::string_view method, const Value& params,
                              std::string_view idempotency_key = {});
  // Whether that goes to REST 3.0, so that it may be repeated with its key.
  bool is_idempotent(std::string_view method) const;

  // Any number of commands, in requests of at most 50 and about a megabyte; the results are in the
  // order of the commands, one for each. A command whose method the gate holds back is left out,
  // with the error "gate". When a whole request fails, each of its commands has that error (its
  // `status` is not 200 then).
  std::vector<BatchResult> batch(std::span<const Command> commands);

  // For this and later calls.
  HttpOptions& options() { return http_.options; }
  // A call asks the gate so many times more, when a place gets free within kLongestTurn each time
  // and no stop is asked for (options); without this not at all. Whoever gives up what comes
  // before, such as a look-up, would take each place for that again.
  static constexpr Millis kLongestTurn = 2'000;
  void wait_for_place(std::int64_t turns) { turns_ = turns; }

  // Whether the configured URL has the form of a webhook (https://host/rest/USER/SECRET/, or
  // /rest/api/USER/SECRET/); the fault in words, else nothing.
  static std::optional<Error> url_fault(std::string_view url,
                                        std::string_view setting = "C_REST_WEB_HOOK_URL");
  static std::optional<Error> url_fault(const CalledPortal& portal) {
    return url_fault(portal.url, portal.setting);
  }
  // The portal's host; the key under which its limits are kept. No secret in it.
  const std::string& portal() const { return portal_; }
  // The same for a URL; empty when it is no webhook's.
  static std::string portal_of(std::string_view url);
  // Whether a webhook's URL leads to this host, as events name it: with or without the port.
  static bool is_at(std::string_view url, std::string_view host);

 private:
  Webhook(const Settings& settings, CallGate* gate, const CalledPortal& portal, Clock clock);
  enum class At { classic, rest3 };
  CallResult call_at(At address, std::string_view method, const Value& params,
                     std::string_view key);
  CallResult send(At address, std::string_view method, const Value& params, std::string_view key);
  // One request's worth.
  std::vector<BatchResult> run_together(std::span<const Command> commands);
  Millis enter(std::string_view method);
  CallResult held_back(Millis wait) const;
  void mask(CallResult& outcome) const;
  // When a method whose time is used up may be called again.
  void date(std::string_view method, CallResult& outcome) const;

  std::string url_;                           // the classic address
  std::string rest3_url_;                     // that of REST 3.0
  bool is_rest3_ = false;                     // the configured URL is that
  std::set<std::string, std::less<>> moved_;  // methods that are not where their name says
  std::string secret_;
  std::string portal_;
  std::string setting_;  // that the URL is from
  std::optional<Error> fault_;
  CallGate* gate_;
  Clock clock_;
  std::int64_t turns_ = 0;
  Http http_;
};

// The pure parts, for any bytes whatever: a success only when the whole body is one JSON object
// that has a result and no error.
CallResult read_answer(int status, std::string_view body);
// The outcome of each command of one `batch` request, in their order.
std::vector<BatchResult> read_batch(const CallResult& whole, std::span<const Command> commands);

// One row of the table of the portal's errors.
struct ErrorMeaning {
  std::string_view code;  // as the portal spells it; compared without case
  Verdict verdict;
  std::string_view cause;  // in plain words
  std::string_view remedy;
  int first = std::numeric_limits<int>::min();  // of the statuses that it is for
  int last = std::numeric_limits<int>::max();
};
// The row for an answer: by status, then code, then text; never null.
const ErrorMeaning& error_meaning(int status, std::string_view code, std::string_view description);

}  // namespace b24
