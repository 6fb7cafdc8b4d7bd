// prepared: see prepared.h.
#include "prepared.h"

#include <utility>

#include "action_text.h"
#include "base/secret.h"
#include "base/text.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

std::unexpected<Error> broken(const ActionSettings& action, const char* key, Error error) {
  error.cause = "[on " + name_of(action) + "] " + key + ": " + error.cause;
  error.remedy = std::string("mend ") + key + " in this section";
  return std::unexpected(std::move(error));
}

// A column of append_row: "Title: {result.TITLE}".
std::pair<std::string, std::string> column_of(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = text::trim(text.substr(0, colon));
  const std::string_view value = text::trim(text.substr(std::min(colon + 1, text.size())));
  return {std::string(name), std::string(value)};
}

constexpr Step kSteps[] = {
    {"call", [](const ActionSettings& action) { return !action.call.empty(); }},
    {"forward", [](const ActionSettings& action) { return !action.forward.empty(); }},
    {"exec", [](const ActionSettings& action) { return !action.exec.empty(); }},
    {"mail", [](const ActionSettings& action) { return !action.mail.empty(); }},
    {"append", [](const ActionSettings& action) { return !action.append.empty(); }},
};

}  // namespace

std::span<const Step> steps() {
  return kSteps;
}

Result<HttpRequest> request_of(const ActionSettings& action, const Item& event, const Value& own) {
  const Value more = more_of(action, own);
  const bool as_form = action.forward_as == "form";
  HttpRequest request;
  request.url = action.forward;
  if (!as_form) request.content_type = "application/json";
  if (action.forward_body.empty()) {
    const Value body = handed_over(event, own["call"], more);
    request.body = as_form ? php::build_query(body) : json::print(body);
    return request;
  }
  auto body =
      render_text(action.forward_body, as_form ? TextKind::form : TextKind::json, event, own, more);
  if (!body) return broken(action, "forward_body", body.error());
  // A value outside of quotes could else become more than a value.
  if (const auto read = json::parse(*body); !as_form && !read) {
    return broken(action, "forward_body",
                  {ErrorKind::settings, "forward_body", "what comes out is no JSON", ""});
  }
  request.body = *std::move(body);
  return request;
}

Result<ProgramRun> program_of(const ActionSettings& action, const Item& event, const Value& own) {
  const Value more = more_of(action, own);
  ProgramRun run;
  for (const std::string& argument : text::split(action.exec, " \t")) {
    run.arguments.push_back(
        run.arguments.empty() ? argument : fill_in(argument, event.payload, own["call"], more));
    // What somebody writes into the portal must not become an option of the owner's program.
    if (run.arguments.back().starts_with('-') && !argument.starts_with('-')) {
      return std::unexpected(Error{
          ErrorKind::input, "exec_argument",
          "[on " + name_of(action) + "] exec: " + argument + " would begin with a dash",
          "write the dash yourself, as in --title=" + argument + ", or read it from the input"});
    }
  }
  run.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                     "B24_EVENT=" + text::for_log(event.name),
                     "B24_ID=" + text::for_log(event.payload.path("data.FIELDS.ID").text()),
                     "B24_ITEM=" + std::to_string(event.number)};
  run.input = json::print(handed_over(event, own["call"], more)) + "\n";
  run.time_limit = action.exec_time;
  return run;
}

Result<Mail> mail_of(const ActionSettings& action, const Item& event, const Value& own) {
  const Value more = more_of(action, own);
  Mail mail;
  mail.subject = fill_in(action.mail_subject, event.payload, own["call"], more);
  if (action.mail_text.empty()) {
    mail.text = php::print_r(handed_over(event, own["call"], more));
    return mail;
  }
  std::string lines = action.mail_text;
  text::replace_all(lines, "\\n", "\n");
  auto text = render_text(lines, TextKind::plain, event, own, more);
  if (!text) return broken(action, "mail_text", text.error());
  mail.text = *text + "\n";
  return mail;
}

std::string row_of(const ActionSettings& action, const Item& event, const Value& own) {
  const Value more = more_of(action, own);
  std::string row = text::csv_cell(event.id) + "," + iso_time(event.received_at);
  for (const std::string& column : text::split(action.append_row, "|")) {
    const std::string value = fill_in(column_of(column).second, event.payload, own["call"], more);
    row += "," + text::csv_cell(text::to_valid_utf8(value));
  }
  return row + "\n";
}

std::string heading_of(const ActionSettings& action) {
  std::string heading = "id,received_at";
  for (const std::string& column : text::split(action.append_row, "|"))
    heading += "," + text::csv_cell(column_of(column).first);
  return heading + "\n";
}

std::vector<std::string> signature_headers(std::string_view secret, std::string_view id, Millis at,
                                           std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  const std::string key = secret.starts_with(kPrefix)
                              ? secret::decode_base64(secret.substr(kPrefix.size()))
                              : std::string(secret);
  const std::string timestamp = std::to_string(at / 1000);
  const std::string signed_text = std::string(id) + "." + timestamp + "." + std::string(body);
  return {"webhook-id: " + std::string(id), "webhook-timestamp: " + timestamp,
          "webhook-signature: v1," + secret::base64(secret::hmac_sha256(key, signed_text))};
}

}  // namespace b24
