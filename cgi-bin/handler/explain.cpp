// explain: see explain.h.
#include "explain.h"

#include "action.h"
#include "base/secret.h"
#include "base/text.h"
#include "prepared.h"
#include "value/php.h"

namespace b24 {
namespace {

std::string line(const std::string& text) {
  return "    " + text::escape_controls(secret::mask(text)) + "\n";
}

// Each line of a text, deeper in.
std::string block(const std::string& text) {
  std::string lines;
  for (const std::string& each : text::split(text, "\n")) lines += line("    " + each);
  return lines;
}

std::string fault(const char* step, const Error& error) {
  return line(std::string(step) + ": would fail: " + error.cause);
}

std::string show_call(const ActionSettings& action, const Item& event, const Value&) {
  const Command command = call_of(action, event);
  const std::string query = php::url_decode(php::build_query(command.params));
  return line("call " + command.method + (query.empty() ? "" : "?") + query);
}

std::string show_forward(const ActionSettings& action, const Item& event, const Value& own) {
  const auto request = request_of(action, event, own);
  if (!request) return fault("forward", request.error());
  const std::string how = action.forward_secret.empty() ? "" : ", signed";
  return line("forward to " + Http::origin(action.forward) + how + ", " + request->content_type) +
         block(request->body);
}

std::string show_exec(const ActionSettings& action, const Item& event, const Value& own) {
  const auto program = program_of(action, event, own);
  if (!program) return fault("exec", program.error());
  return line("exec " + text::join(program->arguments, " "));
}

std::string show_mail(const ActionSettings& action, const Item& event, const Value& own) {
  const auto mail = mail_of(action, event, own);
  if (!mail) return fault("mail", mail.error());
  return line("mail to " + action.mail + ": " + mail->subject) + block(mail->text);
}

std::string show_append(const ActionSettings& action, const Item& event, const Value& own) {
  return line("append to " + action.append.string()) + block(row_of(action, event, own));
}

// In the order of steps().
constexpr std::string (*kShown[])(const ActionSettings&, const Item&, const Value& own) = {
    show_call, show_forward, show_exec, show_mail, show_append};

struct Ruling {
  bool runs = false;
  std::string why;  // behind "runs", or "does not run: "
};

Ruling judge(const ActionSettings& action, const Item& event, const Value& own, Millis now) {
  if (!applies(action, event.name)) return {false, "it is for " + action.event};
  if (!is_wanted(action, event.payload)) return {false, why_not(action, event, own)};
  if (!own["joined_by"].is_null()) return {false, "joined with item " + own["joined_by"].text()};
  const bool waits = action.debounce > 0 && now < event.received_at + action.debounce;
  const std::string later = waits ? ", after others of its object were waited for" : "";
  const bool asks = needs_result(action.filter) || !action.changed.empty();
  if (asks && own["call"].is_null()) return {true, " if the call's answer fits" + later};
  const std::string why = why_not(action, event, own);
  return {why.empty(), why.empty() ? later : why};
}

}  // namespace

std::string explain(const Settings& settings, const Item& event, Millis now) {
  std::string out = text::for_log(event.name) + " of " +
                    (event.object.empty() ? "no object" : text::for_log(event.object)) +
                    ", received " + iso_time(event.received_at) + ", " +
                    std::string(name(event.state)) + "\n";
  if (settings.actions.empty()) out += "there is no section [on EVENT]\n";
  for (const ActionSettings& action : settings.actions) {
    const Value& own = event.progress[name_of(action)];
    const auto [runs, why] = judge(action, event, own, now);
    out += "\n[on " + name_of(action) + "] " + (runs ? "runs" : "does not run: ") +
           text::escape_controls(secret::mask(why)) + "\n";
    if (!runs) continue;
    for (std::size_t i = 0; i < steps().size(); ++i) {
      const Step& step = steps()[i];
      if (!step.is_in(action)) continue;
      out += kShown[i](action, event, own);
      if (!own[step.name].is_null()) out += line("    (done)");
    }
  }
  return out;
}

}  // namespace b24
