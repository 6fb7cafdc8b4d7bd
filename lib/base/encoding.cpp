// encoding: text in other encodings than UTF-8.
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/encoding_table.h"
#include "base/text.h"

namespace b24::text {
namespace {

// The row of an encoding that has one byte for a character; null for any other.
const SingleByte* single_byte(std::string_view encoding) {
  std::string name = lower(encoding);
  if (name == "cp866") name = "ibm866";
  if (name.starts_with("cp125")) name.replace(0, 2, "windows-");
  const auto* row = std::ranges::find(kSingleByte, name, &SingleByte::name);
  return row == std::end(kSingleByte) ? nullptr : row;
}

std::optional<std::string> from_single_byte(std::string_view bytes, const SingleByte& encoding) {
  constexpr char16_t kUnused = u'\uFFFD';
  const std::size_t first = 0x100 - encoding.last.size();
  std::string result;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const char32_t point = byte < first ? byte : encoding.last[byte - first];
    if (point == kUnused) return std::nullopt;
    append_utf8(result, point);
  }
  return result;
}

}  // namespace

bool known_encoding(const std::string& name) {
  return to_utf8("", name).has_value();
}

std::optional<std::string> to_utf8(std::string_view bytes, const std::string& encoding) {
  if (const SingleByte* row = single_byte(encoding)) return from_single_byte(bytes, *row);
  const iconv_t handle = iconv_open("UTF-8", encoding.c_str());
  if (handle == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  const std::unique_ptr<void, int (*)(iconv_t)> closed_at_the_end(handle, iconv_close);
  char* from = const_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  std::string result;
  for (;;) {
    std::array<char, 4096> buffer;
    char* to = buffer.data();
    std::size_t space = buffer.size();
    const bool done = iconv(handle, &from, &left, &to, &space) != static_cast<std::size_t>(-1);
    const int fault = errno;
    result.append(buffer.data(), buffer.size() - space);
    if (done) return result;
    if (fault != E2BIG) return std::nullopt;
  }
}

}  // namespace b24::text
