// form_guard: see form_guard.h.
#include "form_guard.h"

#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "submission.h"

namespace b24 {
namespace {

bool is_allowed(const Request& request, const FormSettings& settings) {
  return !request.origin.empty() &&
         std::ranges::any_of(settings.allowed_origins, [&](const std::string& allowed) {
           return text::equal_ignoring_case(allowed, request.origin);
         });
}

// Of "https://host:port/path"; empty when there is none.
std::string_view host_of(std::string_view url) {
  const std::string_view origin = text::origin_of(url);
  return origin.empty() ? origin : origin.substr(origin.find("://") + 3);
}

}  // namespace

Sender sender_of(const Request& request, const FormSettings& settings) {
  if (!settings.post_key.empty() && secret::equal(settings.post_key, request.get["key"].text()))
    return Sender::key_holder;
  if (is_allowed(request, settings)) return Sender::allowed_page;
  // The browser's own word, where it gives one; scripts and proxies cannot change it.
  const std::string_view site = request.sec_fetch_site;
  if (site == "same-origin") return Sender::own_page;
  if (!site.empty() && site != "none") return Sender::foreign_page;
  // "null" is also what older browsers send for a form of ours under a strict referrer policy.
  const bool named = !request.origin.empty() && request.origin != "null";
  const std::string& page = named ? request.origin : request.referer;
  if (page.empty()) return Sender::unknown;
  const std::string_view host = host_of(page);
  const bool own = !host.empty() && text::equal_ignoring_case(host, request.host);
  return own ? Sender::own_page : Sender::foreign_page;
}

std::string_view refusal_of(const Request& request, const FormSettings& settings, Sender sender) {
  const auto accepts = [&](std::string_view way) {
    return std::ranges::find(settings.accept, way) != settings.accept.end();
  };
  if (is_tilda(request)) {
    if (!accepts("tilda")) return "tilda";
    return sender == Sender::key_holder ? "" : "key";
  }
  if (request.is_json() && !accepts("json")) return "json";
  const bool taken = request.is_json() || sender == Sender::allowed_page || accepts("site") ||
                     (accepts("json") && request.accepts_json());
  if (!taken) return "token_missing";
  return sender == Sender::unknown ? "key" : "";
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
