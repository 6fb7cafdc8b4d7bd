// form_client: see form_client.h.
#include "form_client.h"

#include "value/json.h"
#include "value/php.h"

namespace b24::test {
namespace {

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  const std::size_t after = begin + from.size();
  return text.substr(after, text.find(to, after) - after);
}

const std::string kUrlEncoded = "application/x-www-form-urlencoded";

// "Content-Type" -> "CONTENT_TYPE", any other header -> "HTTP_..."
std::string variable(const std::string& header) {
  const std::size_t colon = header.find(": ");
  std::string name = header.substr(0, colon);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  if (name != "CONTENT_TYPE") name.insert(0, "HTTP_");
  return name + "=" + header.substr(colon + 2);
}

}  // namespace

std::string input_value(const std::string& page, std::string_view name) {
  return between(page, "name=\"" + std::string(name) + "\" value=\"", "\"");
}

std::string notice(const std::string& page) {
  const std::string tail = between(page, "<div id=\"notice\"", "</div>");
  return tail.substr(tail.find('>') + 1);
}

std::string field_error(const std::string& page, std::string_view field) {
  return between(page, "<p class=\"error\" id=\"e-" + std::string(field) + "\">", "</p>");
}

Value body_json(const HttpReply& reply) {
  Result<Value> parsed = json::parse(reply.body);
  return parsed ? *parsed : Value();
}

Value person(std::string_view first_name) {
  return Value::map({{"first_name", first_name},
                     {"last_name", "O'Neil"},
                     {"phone", "+1 202 555 0100"},
                     {"email", "anna@example.com"},
                     {"saved", "yes"}});
}

Value submit(const Site& site, const std::string& path, Value params) {
  params.set("form_token", input_value(site.get(path).body, "form_token"));
  return body_json(http(site.port(), {"POST",
                                      path,
                                      {"Content-Type: " + kUrlEncoded, "Accept: application/json"},
                                      php::build_query(params)}));
}

CgiForm::CgiForm(const Site& site, std::vector<std::string> settings)
    : environment_(std::move(settings)) {
  write_file(
      dir_ / "settings.conf",
      "C_REST_WEB_HOOK_URL = " + site.webhook_url() + "\n[data]\ndir = data\n[page]\ntemplates = " +
          (std::filesystem::current_path() / "templates").string() + "\n[portal_call]\nca_file = " +
          (site.run_dir() / "sandbox-ca.pem").string() + "\n[spam]\nper_address = 0\n");
  environment_.push_back("B24HOOKS_SETTINGS=" + (dir_ / "settings.conf").string());
}

HttpReply ask_cgi(const std::vector<std::string>& command, std::vector<std::string> environment,
                  const HttpCall& call) {
  const std::size_t question = call.path.find('?');
  const std::string script = call.path.substr(0, question);
  for (const std::string& line :
       {std::string("GATEWAY_INTERFACE=CGI/1.1"), std::string("SERVER_PROTOCOL=HTTP/1.1"),
        "REQUEST_METHOD=" + call.method, "SCRIPT_NAME=" + script,
        "QUERY_STRING=" + (question == std::string::npos ? "" : call.path.substr(question + 1)),
        std::string("HTTP_HOST=localhost"), std::string("REMOTE_ADDR=127.0.0.1"),
        "CONTENT_LENGTH=" + (call.method == "POST" ? std::to_string(call.body.size()) : "")}) {
    environment.push_back(line);
  }
  for (const std::string& header : call.headers) environment.push_back(variable(header));
  const Ran ran = run({command, environment, call.body, {}, {}});
  std::string raw = ran.out;
  if (raw.starts_with("Status: ")) raw.replace(0, 8, "HTTP/1.1 ");
  return parse_reply(raw);
}

HttpReply CgiForm::request(const HttpCall& call, const std::vector<std::string>& more) const {
  std::vector<std::string> environment = environment_;
  environment.insert(environment.end(), more.begin(), more.end());
  std::vector<std::string> command = under;
  command.push_back(built("cgi-bin/index.fcgi"));
  return ask_cgi(command, environment, call);
}

HttpReply CgiForm::post(const std::string& body, std::vector<std::string> headers) const {
  const bool typed = std::ranges::any_of(
      headers, [](const std::string& header) { return header.starts_with("Content-Type:"); });
  if (!typed) headers.push_back("Content-Type: " + kUrlEncoded);
  return request({"POST", "/index.php", std::move(headers), body});
}

HttpReply CgiForm::post(const Value& params, std::vector<std::string> headers) const {
  return post(php::build_query(params), std::move(headers));
}

HttpReply CgiForm::submit(Value params, std::vector<std::string> headers) const {
  params.set("form_token", input_value(get().body, "form_token"));
  return post(params, std::move(headers));
}

Ran CgiForm::shell(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), built("cgi-bin/index.fcgi"));
  return run({std::move(arguments), environment_, "", {}, {}});
}

}  // namespace b24::test
