// form_guard: see form_guard.h.
#include "form_guard.h"

#include <algorithm>

#include "base/text.h"

namespace b24 {
namespace {

bool is_allowed(const Request& request, const FormSettings& settings) {
  return !request.origin.empty() &&
         std::ranges::any_of(settings.allowed_origins, [&](const std::string& allowed) {
           return text::equal_ignoring_case(allowed, request.origin);
         });
}

}  // namespace

bool is_foreign_post(const Request& request, const FormSettings& settings) {
  if (is_allowed(request, settings)) return false;
  // The browser's own word, where it gives one; scripts and proxies cannot change it.
  const std::string_view site = request.sec_fetch_site;
  if (!site.empty()) return site != "same-origin" && site != "none";
  // "null" is also what older browsers send for a form of ours under a strict referrer policy.
  if (request.origin.empty() || request.origin == "null") return false;
  const std::size_t scheme = request.origin.find("://");
  if (scheme == std::string::npos) return true;
  return !text::equal_ignoring_case(std::string_view(request.origin).substr(scheme + 3),
                                    request.host);
}

void allow_origin(Response& response, const Request& request, const FormSettings& settings) {
  response.set("Vary", "Accept, Accept-Language, Origin");
  if (is_allowed(request, settings)) {
    response.set("Access-Control-Allow-Origin", request.origin);
  }
}

Response preflight(const Request& request, const FormSettings& settings) {
  Response response;
  response.status = 204;
  response.set("Allow", "GET, HEAD, POST, OPTIONS");
  allow_origin(response, request, settings);
  if (is_allowed(request, settings)) {
    response.set("Access-Control-Allow-Methods", "GET, POST");
    response.set("Access-Control-Allow-Headers", "Content-Type");
  }
  return response;
}

}  // namespace b24
