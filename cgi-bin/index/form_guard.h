// form_guard: who may post to the form without its token: the ways that form.accept names, and the
// sites of form.allowed_origins.
//
//   a form, urlencoded or multipart    site; from an allowed origin it needs no name
//   JSON                               json
//   a form that asks for JSON          either of them
//   what Tilda's webhook sends         tilda, and the key
//
// Each has to come from a page of this host or of an allowed origin, by the browser's word, or with
// form.post_key in the address. Programs can say what browsers say: the limits, the trap and the
// captcha are for them.
#pragma once

#include <string_view>

#include "settings/settings.h"
#include "web/request.h"
#include "web/response.h"

namespace b24 {

enum class Sender {
  key_holder,    // ?key=... is form.post_key
  allowed_page,  // of form.allowed_origins
  own_page,      // of this host
  foreign_page,  // of any other: never taken, with a token neither
  unknown        // neither Sec-Fetch-Site nor Origin nor Referer tells
};

Sender sender_of(const Request& request, const FormSettings& settings);

// Why a post without a token is not taken, as the counters "refused.CODE" have it; empty: it is.
//   token_missing  a form, and "site" is not accepted
//   json, tilda    are not accepted
//   key            nobody is known to have sent it
std::string_view refusal_of(const Request& request, const FormSettings& settings, Sender sender);

// Lets scripts of an allowed origin read the answer; nothing for anybody else.
void allow_origin(Response& response, const Request& request, const FormSettings& settings);

// The answer to an OPTIONS request.
Response preflight(const Request& request, const FormSettings& settings);

}  // namespace b24
