// mask: see mask.h.
#include "value/mask.h"

#include "base/text.h"

namespace b24::secret {

Value mask_tree(const Value& value, bool all) {
  if (!value.is_array()) return all && !value.text().empty() ? "***" : value;
  Value result = Value::array();
  for (const Value::Member& member : value.members()) {
    const std::string name = member.key.text();
    // "auth" is the portal's group of fields, most of them no secrets.
    const bool secret =
        is_secret_name(name) && !(member.value.is_array() && text::lower(name) == "auth");
    result.set(member.key, mask_tree(member.value, all || secret));
  }
  return result;
}

}  // namespace b24::secret
