// mask: a tree without its secrets.
#pragma once

#include "base/secret.h"
#include "value/value.h"

namespace b24::secret {

// The same tree with the scalars under secret names (secret.h) replaced by "***".
Value mask(const Value& value);

}  // namespace b24::secret
