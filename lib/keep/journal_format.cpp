// journal_format: see journal_format.h.
#include "keep/journal_format.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace b24 {
namespace journal_format {
namespace {

constexpr std::string_view kMagic("b24jrnl\x01", 8);

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320u ^ value >> 1 : value >> 1;
    table[i] = value;
  }
  return table;
}();

std::uint32_t crc_of(std::string_view content, std::uint64_t salt) {
  std::string before;
  put(before, salt, 8);
  put(before, content.size(), 4);
  std::uint32_t crc = ~0u;
  for (const std::string_view part : {std::string_view(before), content}) {
    for (const char byte : part)
      crc = kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ crc >> 8;
  }
  return ~crc;
}

void put_text(std::string& bytes, std::string_view text) {
  put(bytes, text.size(), 4);
  bytes.append(text);
}

bool get_text(std::string_view& rest, std::string& text) {
  if (rest.size() < 4) return false;
  const std::size_t size = get(rest, 0, 4);
  rest.remove_prefix(4);
  if (rest.size() < size) return false;
  text = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

}  // namespace

void put(std::string& bytes, std::uint64_t number, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(number >> 8 * i & 0xff);
}

std::uint64_t get(std::string_view bytes, std::size_t at, int size) {
  std::uint64_t number = 0;
  for (int i = size; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  }
  return number;
}

std::string print(const SegmentHead& head) {
  std::string bytes(kMagic);
  put(bytes, head.salt, 8);
  put(bytes, static_cast<std::uint64_t>(head.made_at), 8);
  return bytes;
}

std::optional<SegmentHead> parse_head(std::string_view bytes) {
  if (bytes.size() < kSegmentHead || !bytes.starts_with(kMagic)) return std::nullopt;
  return SegmentHead{get(bytes, 8, 8), static_cast<Millis>(get(bytes, 16, 8))};
}

bool read_at(int file, std::uint64_t offset, std::size_t count, std::string& bytes) {
  bytes.resize(count);
  std::size_t got = 0;
  ssize_t more = 1;
  while (got < count && more > 0) {
    more = ::pread(file, bytes.data() + got, count - got, static_cast<off_t>(offset + got));
    if (more < 0 && errno == EINTR)
      more = 1;
    else if (more > 0)
      got += static_cast<std::size_t>(more);
  }
  bytes.resize(got);
  return more >= 0;
}

std::string seal(std::string_view content, std::uint64_t salt) {
  std::string record(kMark);
  record.reserve(kRecordHead + content.size() + kRecordFoot);
  put(record, content.size(), 4);
  put(record, crc_of(content, salt), 4);
  record.append(content);
  put(record, content.size(), 4);
  return record;
}

std::optional<std::size_t> length_of(std::string_view head) {
  if (head.size() < kRecordHead || !head.starts_with(kMark)) return std::nullopt;
  const std::size_t content = get(head, 4, 4);
  if (content > kLongest) return std::nullopt;
  return kRecordHead + content + kRecordFoot;
}

std::optional<std::string_view> open(std::string_view record, std::uint64_t salt) {
  const auto length = length_of(record);
  if (!length || *length != record.size()) return std::nullopt;
  const std::string_view content = record.substr(kRecordHead, *length - kRecordHead - kRecordFoot);
  // The foot first: it costs nothing, and no text full of marks makes the search slow.
  if (get(record, *length - kRecordFoot, 4) != content.size()) return std::nullopt;
  if (get(record, 8, 4) != crc_of(content, salt)) return std::nullopt;
  return content;
}

std::optional<Record> decode(std::string_view content) {
  if (content.size() < 8) return std::nullopt;
  Record record;
  record.at = static_cast<Millis>(get(content, 0, 8));
  content.remove_prefix(8);
  for (std::string* text : {&record.id, &record.key, &record.query, &record.content_type,
                            &record.body, &record.address}) {
    if (!get_text(content, *text)) return std::nullopt;
  }
  if (!content.empty()) return std::nullopt;
  return record;
}

}  // namespace journal_format

std::string encode(const Record& record) {
  std::string content;
  journal_format::put(content, static_cast<std::uint64_t>(record.at), 8);
  for (const std::string* text : {&record.id, &record.key, &record.query, &record.content_type,
                                  &record.body, &record.address}) {
    journal_format::put_text(content, *text);
  }
  return content;
}

}  // namespace b24
