// php_parity: where real PHP and ours write other bytes of the same request or value.
#pragma once

#include <string>
#include <string_view>

#include "php_cgi.h"
#include "value/value.h"

namespace b24::test {

class PhpParity {
 public:
  PhpParity();
  // Of $_REQUEST, or of print_r and http_build_query: empty when both are equal; begins with
  // "refused" when ours does not take the request.
  std::string difference(const PhpRequest& request) const;
  std::string difference(const Value& value) const;

 private:
  PhpCgi php_;
};

}  // namespace b24::test
