// item_link: see item_link.h.
#include "portal/item_link.h"

#include "base/text.h"
#include "portal/webhook.h"

namespace b24 {

std::string item_link(const Settings& settings, const Value& payload, std::string_view result) {
  const std::string portal =
      Webhook::portal_of(called_portal(settings, payload["portal"].text()).url);
  const std::size_t colon = result.find(':');
  std::string entity =
      colon == result.npos ? payload["entity"].text() : std::string(result.substr(0, colon));
  const std::string_view number = colon == result.npos ? result : result.substr(colon + 1);
  if (portal.empty() || !text::is_number(number)) return {};
  if (entity.empty()) entity = "lead";
  // Smart processes have no name of their own there.
  if (text::is_digit(entity.front())) entity.insert(0, "type/");
  return "https://" + portal + "/crm/" + entity + "/details/" + std::string(number) + "/";
}

}  // namespace b24
