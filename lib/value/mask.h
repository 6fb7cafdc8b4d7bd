// mask: a tree without its secrets.
#pragma once

#include "base/secret.h"
#include "value/value.h"

namespace b24::secret {

// The same tree with the scalars under secret names (secret.h) replaced by "***"; with `all` each.
Value mask_tree(const Value& value, bool all = false);

}  // namespace b24::secret
