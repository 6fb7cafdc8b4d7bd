// journal_format: the bytes of journal.h, for journal*.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keep/journal.h"

namespace b24::journal_format {

inline constexpr std::string_view kMark = "b24r";
inline constexpr std::size_t kSegmentHead = 24;
inline constexpr std::size_t kRecordHead = 12;  // mark, length, CRC
inline constexpr std::size_t kRecordFoot = 4;   // the length again
inline constexpr std::size_t kLongest = 64 << 20;

struct SegmentHead {
  std::uint64_t salt = 0;
  Millis made_at = 0;
};

void put(std::string& bytes, std::uint64_t number, int size);
std::uint64_t get(std::string_view bytes, std::size_t at, int size);

std::string print(const SegmentHead& head);
// Nothing when it is no segment of this version.
std::optional<SegmentHead> parse_head(std::string_view bytes);

// Up to `count` bytes of an open file, fewer at its end; false, with errno set and what there is in
// `bytes`, when they cannot be read.
bool read_at(int file, std::uint64_t offset, std::size_t count, std::string& bytes);

// The whole record around a content.
std::string seal(std::string_view content, std::uint64_t salt);
// Its length with head and foot, when `head` may be the first kRecordHead bytes of a record.
std::optional<std::size_t> length_of(std::string_view head);
// The content of a record of exactly these bytes; nothing when it is not whole.
std::optional<std::string_view> open(std::string_view record, std::uint64_t salt);

std::optional<Record> decode(std::string_view content);

}  // namespace b24::journal_format
