// fuzz_targets: properties of everything that reads hostile bytes.
#include "fuzz_targets.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "base/secret.h"
#include "base/text.h"
#include "index/form_token.h"
#include "index/import_settings.h"
#include "portal/webhook.h"
#include "raw_request.h"
#include "settings/settings.h"
#include "value/json.h"
#include "value/php.h"
#include "web/template_view.h"

namespace b24::test {

namespace {

bool is_clean(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

void check_values(const Value& value) {
  must(text::is_valid_utf8(json::print(value)), "JSON is valid UTF-8");
  php::print_r(value);
}

// As the environment has it: up to a zero byte.
std::string request_variable(const RawRequest& raw, std::string_view name) {
  for (const auto& [given, value] : raw.variables)
    if (given == name) return value.substr(0, value.find('\0'));
  return {};
}

std::size_t arrays_and_texts(const Value& value) {
  std::size_t count = 0;
  for (const Value::Member& member : value.members()) count += 1 + arrays_and_texts(member.value);
  return count;
}

// A file in memory, so that the disk is left alone.
class MemoryFile {
 public:
  void write(std::string_view text) const {
    if (::fchmod(file_, 0600) != 0 || ::ftruncate(file_, 0) != 0 ||
        ::pwrite(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      throw std::system_error(errno, std::generic_category(), "memfd");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  const int file_ = ::memfd_create("fuzz", MFD_CLOEXEC);
};

Result<Settings> settings_of(std::string_view text) {
  static const MemoryFile file;
  static const char* const no_environment[] = {nullptr};
  file.write(text);
  return load_settings(file.path(), no_environment);
}

bool is_line(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

void fuzz_query(std::string_view input) {
  const auto value = php::parse_query(input);
  if (!value) return;
  check_values(*value);
  const std::string query = php::build_query(*value);
  const auto again = php::parse_query(query);
  must(again && php::build_query(*again) == query, "build_query writes what parse_query reads");
}

void fuzz_names(std::string_view input) {
  constexpr php::Limits kLimits = {.fields = 30, .depth = 5, .nodes = 40};
  php::Limits left = kLimits;
  Value all = Value::array();
  while (!input.empty()) {
    const std::string_view name = take_line(input);
    const std::string before = php::print_r(all);
    const php::Limits had = left;
    const auto added = php::add_variable(all, name, "text", left);
    if (!added && added.error() == php::ParseFault::too_many_nodes) return;
    must(added || php::print_r(all) == before, "what is refused leaves no trace");
    must(!added || left.fields + 1 == had.fields, "each field is counted");
    must(arrays_and_texts(all) <= kLimits.nodes, "the tree stays within its limit");
  }
  check_values(all);
}

void fuzz_multipart(std::string_view input) {
  const std::string_view type = take_line(input);
  RawRequest raw = raw_post("multipart/form-data" + std::string(type), input);
  const auto request = read_raw(raw);
  if (!request) return;
  check_values(request->params);
  std::size_t bytes = 0;
  for (const Upload& upload : request->uploads) bytes += upload.content.size();
  must(bytes <= input.size(), "files are parts of the body");
}

void fuzz_json(std::string_view input) {
  const auto value = json::parse(input, 64);
  if (!value) return;
  // Only now all names are valid UTF-8 and different from each other.
  const auto clean = json::parse(json::print(*value), 64);
  must(clean.has_value(), "print writes what parse reads");
  const std::string text = json::print(*clean);
  must(text.find('\n') == text.npos, "compact JSON is one line");
  const auto again = json::parse(text, 64);
  must(again && json::print(*again) == text, "print and parse are inverse");
}

void fuzz_request(std::string_view input) {
  RawRequest raw;
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    if (line.empty()) break;
    const std::size_t equals = std::min(line.find('='), line.size());
    raw.variables.emplace_back(line.substr(0, equals),
                               line.substr(std::min(equals + 1, line.size())));
  }
  raw.body = input;
  const auto request = read_raw(raw);
  if (!request) {
    must(request.error().status >= 400 && !request.error().code.empty(), "a refusal says why");
    must(is_clean(request.error().code), "codes are words");
    return;
  }
  check_values(request->params);
  parse_wishes(request->accept_language);
  request->accepts_json();
  must(is_clean(request->host), "the host is a host");
  must(!request->body.empty() || request->post.size() == 0, "fields come from a body");
  must(request->body.empty() || request->body == raw.body, "a body is whole");
  const std::string length = request_variable(raw, "CONTENT_LENGTH");
  must(length.empty() || std::stoull(length) == raw.body.size(), "the length is the body's");
  const std::string client = request->client({*Network::parse("0.0.0.0/0")});
  must(client == request->remote_address || Address::parse(client), "a client has an address");
}

void fuzz_settings(std::string_view input) {
  const Result<Settings> settings = settings_of(input);
  if (settings) return;
  const Error& error = settings.error();
  must(error.kind == ErrorKind::settings && !error.code.empty(), "the settings are refused");
  must(is_line(error.cause) && is_line(error.remedy), "an error is a clean line");
}

void fuzz_settings_php(std::string_view input) {
  const ImportedSettings imported = import_settings(input, "/var/www");
  for (const std::string& why : imported.not_understood)
    must(is_line(why) && why.starts_with("line "), "what is not understood is told in a line");
  std::string_view rest = imported.lines;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    must(is_line(line) && (line.starts_with("C_REST_") || line.starts_with("# ")),
         "each line is one of CRest's or a comment");
  }
  const Result<Settings> settings = settings_of(imported.lines);
  must(settings || settings.error().code == "bad_value", "what is imported is read");
}

void fuzz_answer(std::string_view input) {
  static constexpr int kStatuses[] = {200, 200, 200, 0,   201, 302, 400,
                                      401, 403, 404, 429, 500, 503};
  static const std::vector<b24::Command> commands = {{"a", "crm.lead.add", Value::array()},
                                                     {"b", "crm.lead.list", Value::array()},
                                                     {"0", "profile", Value::array()}};
  if (input.empty()) return;
  const int status = kStatuses[(static_cast<unsigned char>(input[0]) >> 1) % std::size(kStatuses)];
  const CallResult answer = read_answer(status, input.substr(1));
  if (answer) {
    must(status == 200, "only 200 is a success");
  } else {
    const CallError& call = answer.error();
    must(is_line(call.error.cause) && call.error.cause.size() < 1000, "a cause is a short line");
    must(call.verdict != Verdict::retry || call.status == 429 || !call.error.code.empty(),
         "what is sent again has a code");
  }
  const auto results = read_batch(answer, commands);
  must(results.size() == commands.size(), "each command has its result");
  for (const BatchResult& result : results) must(answer || !result.outcome, "a failure is of all");
}

void fuzz_mask(std::string_view input) {
  if (input.contains("sEkReT")) return;
  const std::string half(input.substr(0, input.size() / 2)), rest(input.substr(input.size() / 2));
  const std::string masked =
      secret::mask(half + "\nhttps://p/rest/1/sEkReT/m " + rest + "\npassword=sEkReT");
  must(!masked.contains("sEkReT"), "secrets are masked");
}

void fuzz_token(std::string_view input) {
  static const std::string key(32, 'k');
  constexpr Millis kNow = 1'800'000'000'000, kDay = 86'400'000;
  if (check_token(key, input, kNow, kDay)) {
    const std::string_view body = input.substr(0, input.rfind('.'));
    const std::string mac = secret::hmac_sha256(key, "token:" + std::string(body));
    must(input.substr(body.size() + 1) == secret::base64_url(mac), "only ours are taken");
  }
  const std::string made = make_token(key, kNow);
  must(check_token(key, made, kNow, kDay).has_value(), "ours are taken");
  for (std::size_t at = 0; at < std::min(made.size(), input.size()); ++at) {
    std::string other = made;
    other[at] = input[at];
    must(other == made || !check_token(key, other, kNow, kDay), "another byte is another token");
  }
  const std::string text = signed_text(key, "purpose", input);
  must(text.empty() || sign(key, "purpose", text) == input, "what is signed was signed");
  must(signed_text(key, "another", sign(key, "purpose", input)).empty(), "for one purpose");
}

void fuzz_template(std::string_view input) {
  static const MemoryFile file;
  const Value data = json::parse(take_line(input)).value_or(Value::array());
  file.write(input);
  // It may include itself.
  const TemplateFiles files = {{"own.mustache", file.path()}};
  if (const auto page = TemplateView::make(files, "own"))
    page->render(data, Value::map({{"own", "constant"}}));
  const auto view = TemplateView::of_text(
      input, [](const std::string& value) { return std::string(value.size(), '.'); });
  if (!view) {
    must(view.error().code == "broken_template" && is_line(view.error().cause), "it says why");
    return;
  }
  const std::string shown = view->render(data, Value::array());
  must(
      input.contains('<') || input.contains("{{{") || input.contains("{{&") || !shown.contains('<'),
      "values are escaped");
}

}  // namespace b24::test
