// form_answer: how a submission ended, as scripts and programs are told.
#pragma once

#include <string>
#include <string_view>

#include "form_view.h"
#include "value/value.h"
#include "web/response.h"

namespace b24 {

struct Ending {
  int status = 200;
  std::string_view name;  // "saved", ...
  Notice notice;
  std::string id;
  std::string lead_id;
  std::string token;       // for the form that is shown now
  std::string next_token;  // for the next submission, where that is another one
};

// {"status", "id", "lead_id", "message", "errors": {field: message}, "token", "redirect"}
Response json_answer(const Ending& ending, const Value& errors, const std::string& success_url);

// What Tilda's webhook wants: 200 and "ok" for whatever was taken, else the status and the notice.
Response tilda_answer(const Ending& ending);

}  // namespace b24
