// gate_file: see gate_file.h.
#include "portal/gate_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/files.h"

namespace b24 {
namespace {

constexpr char kMagic[8] = "b24gate";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kMostBytes = 16 << 20;  // a hundred thousand calls under way, and more
constexpr Millis kLockTime = 1'000;

struct Header {
  char magic[8];
  std::uint32_t version;
  char boot[36];
  std::uint32_t destinations, methods, calls, unused;
  std::uint64_t checksum;
};
struct DestinationRecord {
  char name[kMostDestination + 1];
  char last_error[kMostCode + 1];
  GateNumbers numbers;
};
struct MethodRecord {
  std::uint64_t destination;  // which of them: 0, 1, ...
  char name[kMostMethod + 1];
  GateBook::Method method;
};
struct CallRecord {
  std::uint64_t destination;
  Millis entered;
};
// No padding: every byte is one that was written.
static_assert(sizeof(Header) == 72 && sizeof(DestinationRecord) == 400);
static_assert(sizeof(MethodRecord) == 160 && sizeof(CallRecord) == 16);

template <std::size_t size>
void put(char (&field)[size], std::string_view text) {
  std::memset(field, 0, size);
  std::memcpy(field, text.data(), std::min(text.size(), size));
}
template <std::size_t size>
std::string get(const char (&field)[size]) {
  return {field, strnlen(field, size)};
}

template <class Record>
void append(std::string& image, const Record& record) {
  static_assert(std::is_trivially_copyable_v<Record>);
  image.append(reinterpret_cast<const char*>(&record), sizeof record);
}
// REQUIRES: `image` holds one.
template <class Record>
Record take(std::string_view& image) {
  Record record;
  std::memcpy(&record, image.data(), sizeof record);
  image.remove_prefix(sizeof record);
  return record;
}

std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325) {
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}
std::uint64_t checksum(std::string_view image) {
  return fnv1a(image.substr(sizeof(Header)), fnv1a(image.substr(0, offsetof(Header, checksum))));
}

std::string print(const GateBooks& books) {
  Header header{};
  std::string destinations, methods, calls;
  for (const auto& [name, book] : books) {
    DestinationRecord record{.name = {}, .last_error = {}, .numbers = book};
    put(record.name, name);
    put(record.last_error, book.last_error);
    append(destinations, record);
    for (const auto& [method, known] : book.methods) {
      MethodRecord of{.destination = header.destinations, .name = {}, .method = known};
      put(of.name, method);
      append(methods, of);
      ++header.methods;
    }
    for (const Millis entered : book.under_way)
      append(calls, CallRecord{header.destinations, entered});
    header.calls += static_cast<std::uint32_t>(book.under_way.size());
    ++header.destinations;
  }
  put(header.magic, std::string_view(kMagic, sizeof kMagic));
  header.version = kFormat;
  put(header.boot, boot_id());
  std::string image;
  append(image, header);
  image += destinations + methods + calls;
  header.checksum = checksum(image);
  std::memcpy(image.data(), &header, sizeof header);
  return image;
}

// What is in an image; nothing when it is damaged or of another version.
std::optional<GateBooks> parse(std::string_view image) {
  if (image.empty()) return GateBooks();
  if (image.size() < sizeof(Header)) return {};
  std::string_view rest = image;
  const auto header = take<Header>(rest);
  const bool whole = std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 &&
                     header.version == kFormat && header.checksum == checksum(image) &&
                     rest.size() == header.destinations * sizeof(DestinationRecord) +
                                        header.methods * sizeof(MethodRecord) +
                                        header.calls * sizeof(CallRecord);
  if (!whole) return {};
  GateBooks books;
  if (get(header.boot) != boot_id()) return books;
  std::vector<GateBook*> order;
  for (std::uint32_t i = 0; i < header.destinations; ++i) {
    const auto record = take<DestinationRecord>(rest);
    GateBook& book = books[get(record.name)];
    static_cast<GateNumbers&>(book) = record.numbers;
    book.last_error = get(record.last_error);
    order.push_back(&book);
  }
  for (std::uint32_t i = 0; i < header.methods; ++i) {
    const auto record = take<MethodRecord>(rest);
    if (record.destination >= order.size()) return {};
    order[record.destination]->methods[get(record.name)] = record.method;
  }
  for (std::uint32_t i = 0; i < header.calls; ++i) {
    const auto record = take<CallRecord>(rest);
    if (record.destination >= order.size()) return {};
    order[record.destination]->under_way.push_back(record.entered);
  }
  return books;
}

Result<std::string> read_all(const FileHandle& open, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(open.get(), &status) != 0) return file_failure(file, "fstat");
  std::string image(std::min(static_cast<std::size_t>(status.st_size), kMostBytes), '\0');
  const ssize_t got = ::pread(open.get(), image.data(), image.size(), 0);
  if (got < 0) return file_failure(file, "read");
  image.resize(static_cast<std::size_t>(got));
  return image;
}

struct Opened {
  FileHandle file;
  GateBooks books;
};

// Whatever lies there: if it is none of ours, a fresh file.
Result<Opened> open_and_read(const std::filesystem::path& file,
                             const std::function<void(const Error&)>& tell) {
  for (;;) {
    auto open = open_locked(file, kLockTime);
    if (!open) return std::unexpected(open.error());
    const auto image = read_all(*open, file);
    if (!image) return std::unexpected(image.error());
    if (auto books = parse(*image)) return Opened{*std::move(open), *std::move(books)};
    const std::filesystem::path aside =
        file.parent_path() / ("gate-" + iso_time(now_ms()) + ".broken");
    if (::rename(file.c_str(), aside.c_str()) != 0) return file_failure(file, "rename");
    tell({ErrorKind::storage, "gate_damaged",
          file.string() + ": damaged or of another version; put aside as " +
              aside.filename().string() + ", and begun anew",
          "nothing to do once; when it happens again, look after the disk"});
  }
}

}  // namespace

GateFile::GateFile(std::filesystem::path dir, std::function<void(const Error&)> tell)
    : file_(std::move(dir) / "gate.bin"), tell_(std::move(tell)) {}

Result<GateBooks> GateFile::read() const {
  auto opened = open_and_read(file_, tell_);
  if (!opened) return std::unexpected(opened.error());
  return std::move(opened->books);
}

Status GateFile::change(const std::function<void(GateBooks&)>& work) const {
  auto opened = open_and_read(file_, tell_);
  if (!opened) return std::unexpected(opened.error());
  work(opened->books);
  const std::string image = print(opened->books);
  auto written = write_at(opened->file, file_, image, 0);
  // A longer one from before must lose its end; half of one, all.
  const off_t size = written ? static_cast<off_t>(image.size()) : 0;
  if (::ftruncate(opened->file.get(), size) != 0 && written) return file_failure(file_, "truncate");
  return written;
}

}  // namespace b24
