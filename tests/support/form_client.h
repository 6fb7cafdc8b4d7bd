// form_client: a visitor of the lead form, for tests: reads the page, fills it, sends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process.h"
#include "raw_http.h"
#include "site.h"
#include "value/value.h"

namespace b24::test {

// The value of a hidden input of a page; empty when there is none.
std::string input_value(const std::string& page, std::string_view name);
// The text of the page's notice, as it stands in the HTML.
std::string notice(const std::string& page);
// The text of a field's error.
std::string field_error(const std::string& page, std::string_view field);
// The JSON of a body; null when it is none.
Value body_json(const HttpReply& reply);

// The form's four fields, for one person.
Value person(std::string_view first_name = "Anna");

// A visitor of a site's form at this address: opens it, then posts these fields with its token,
// by a script: the JSON of the answer.
Value submit(const Site& site, const std::string& path, Value params);

// A request to a CGI program that is run by this command.
HttpReply ask_cgi(const std::vector<std::string>& command, std::vector<std::string> environment,
                  const HttpCall& call);

// The form as a CGI program: every request is a process of its own, with these settings by the
// environment.
class CgiForm {
 public:
  // Settings: "B24HOOKS_FORM_WAIT=1s"; without a B24HOOKS_DATA_DIR: a directory of its own.
  explicit CgiForm(const Site& site, std::vector<std::string> settings = {});

  HttpReply request(const HttpCall& call, const std::vector<std::string>& more = {}) const;
  HttpReply get(const std::string& path = "/index.php") const {
    return request({"GET", path, {}, ""});
  }
  HttpReply post(const Value& params, std::vector<std::string> headers = {}) const;
  HttpReply post(const std::string& body, std::vector<std::string> headers = {}) const;
  // Opens the form, then posts these fields with its token.
  HttpReply submit(Value params, std::vector<std::string> headers = {}) const;
  // The program from the shell.
  Ran shell(std::vector<std::string> arguments) const;

  std::filesystem::path data_dir() const { return dir_ / "data"; }
  std::vector<std::string> under = {};  // the command that requests run under: strace, ...

 private:
  TempDir dir_;
  std::vector<std::string> environment_;
};

}  // namespace b24::test
