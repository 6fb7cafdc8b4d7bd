// form_guard: who may post to the form: its own pages and the sites that the owner allows.
#pragma once

#include <string>

#include "settings/settings.h"
#include "web/request.h"
#include "web/response.h"

namespace b24 {

// A page of another site, one that form.allowed_origins does not name, makes the browser post.
// Programs, which say nothing of an origin, pass: the form's token is for them.
bool is_foreign_post(const Request& request, const FormSettings& settings);

// Lets scripts of an allowed origin read the answer; nothing for anybody else.
void allow_origin(Response& response, const Request& request, const FormSettings& settings);

// The answer to an OPTIONS request.
Response preflight(const Request& request, const FormSettings& settings);

}  // namespace b24
