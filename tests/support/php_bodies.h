// php_bodies: made-up requests, fair and foul, whose $_REQUEST is worth comparing with PHP's.
//
// The same seed gives the same requests. They keep within what both sides accept: at most 64 levels
// of brackets, fewer than 1000 fields, multipart bodies that are closed and whose parts have names.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "value/value.h"

namespace b24::test {

struct PhpRequest {  // a POST
  std::string query;
  std::string content_type;  // empty: no body
  std::string body;
};

class PhpBodies {
 public:
  explicit PhpBodies(std::uint32_t seed) : random_(seed) {}

  PhpRequest event();       // what a portal sends, with other values
  PhpRequest urlencoded();  // query and body of names and values of every kind
  PhpRequest multipart();
  PhpRequest next();  // one of these

  Value value(int depth = 3);  // scalars of every type and arrays of them

 private:
  std::size_t below(std::size_t end) { return random_() % end; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class List>
  auto pick(const List& list) {
    return list[below(std::size(list))];
  }
  std::string name();
  std::string text();
  std::string encoded(std::string_view text);
  std::string fields(std::size_t most);
  std::string disposition();
  std::string part(const std::string& line_end);

  std::mt19937 random_;
};

}  // namespace b24::test
