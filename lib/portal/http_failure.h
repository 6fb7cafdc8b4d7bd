// http_failure: what a failed exchange is called, and what a person can do about it. For http.cpp.
#pragma once

#include <string>
#include <string_view>

#include "portal/curl_library.h"
#include "portal/http.h"

namespace b24 {

// Kind network; secrets in the cause are masked.
HttpFailure failure(const char* code, std::string_view cause, const char* remedy, bool sent);
// The same for a result of libcurl: "where: detail"; an empty detail is libcurl's own name of it.
HttpFailure failure(CURLcode result, const std::string& where, std::string_view detail, bool sent);

}  // namespace b24
