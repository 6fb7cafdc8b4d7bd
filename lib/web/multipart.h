// multipart: the parts of a multipart/form-data body, found where PHP finds them.
//
// As in PHP: header lines may be folded; a header that is not "Name: value" goes on with the one
// before; parameters may be quoted by " or '; a part without Content-Disposition is passed over;
// what stands before the first boundary is ignored, and what follows the closing one is searched
// for further parts. Unlike PHP, a body without its closing boundary is refused (it was cut), and
// so is one with a part that has neither a name nor a file name (PHP ignores everything from there
// on). Linear in the body's size.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/request.h"

namespace b24 {

struct Part {
  std::optional<std::string> name;
  std::optional<std::string> filename;  // a file field; empty when the visitor chose no file
  std::string_view content;             // points into the body
};

// A parameter of a Content-Type, as PHP finds its boundary: without regard to case, quoted or not;
// empty when there is none.
std::string_view content_parameter(std::string_view content_type, std::string_view name);

// `content_type`: the whole header, for its boundary of 1 to 70 characters. At most 64 parts, with
// headers of at most 8192 bytes each. A Refusal: too_many_fields, bad_multipart.
std::expected<std::vector<Part>, Refusal> parse_multipart(std::string_view body,
                                                          std::string_view content_type);

}  // namespace b24
