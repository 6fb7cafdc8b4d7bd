// mask: see mask.h.
#include "value/mask.h"

#include <string>

#include "base/text.h"

namespace b24::secret {
namespace {

Value mask_below(const Value& value, bool hide) {
  if (!value.is_array()) return hide && !value.text().empty() ? Value("***") : value;
  Value result = Value::array();
  for (const Value::Member& member : value.members()) {
    const std::string name = member.key.text();
    // "auth" is the portal's group of fields, most of them no secrets.
    const bool secret =
        is_secret_name(name) && !(member.value.is_array() && text::lower(name) == "auth");
    result.set(member.key, mask_below(member.value, hide || secret));
  }
  return result;
}

}  // namespace

Value mask(const Value& value) {
  return mask_below(value, false);
}

}  // namespace b24::secret
