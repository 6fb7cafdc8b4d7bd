// gate_file: see gate_file.h.
#include "portal/gate_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/secret.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::string_view kFormat = "b24gate 2 ";
constexpr std::size_t kMostBytes = 16 << 20;  // a hundred thousand calls under way, and more
constexpr Millis kLockTime = 1'000;

struct NumberRow {
  const char* name;
  std::int64_t GateBook::*number;
};
constexpr NumberRow kNumbers[] = {
    {"updated_at", &GateBook::updated_at},
    {"bucket_until", &GateBook::bucket_until},
    {"bucket_refusals", &GateBook::bucket_refusals},
    {"failures", &GateBook::failures},
    {"openings", &GateBook::openings},
    {"open_until", &GateBook::open_until},
    {"probe_until", &GateBook::probe_until},
};

Value value_of(const GateBook& book) {
  Value under_way = Value::array();
  for (const Millis entered : book.under_way) under_way.append(entered);
  Value methods = Value::array();
  for (const auto& [name, known] : book.methods)
    methods.set(name, Value::list({known.blocked_until, known.refusals, known.reset_at}));
  Value value = Value::map({{"level", book.level},
                            {"last_error", book.last_error},
                            {"under_way", std::move(under_way)},
                            {"methods", std::move(methods)}});
  for (const NumberRow& row : kNumbers) value.set(row.name, book.*row.number);
  return value;
}

GateBook book_of(const Value& value) {
  GateBook book;
  book.level = value["level"].real();
  book.last_error = value["last_error"].text();
  for (const NumberRow& row : kNumbers) book.*row.number = value[row.name].integer();
  for (const auto& [place, entered] : value["under_way"].members())
    book.under_way.push_back(entered.integer());
  for (const auto& [name, known] : value["methods"].members())
    book.methods[name.text()] = {known[0].integer(), known[1].integer(), known[2].integer()};
  return book;
}

std::string print(const GateBooks& books) {
  Value destinations = Value::array();
  for (const auto& [name, book] : books) destinations.set(name, value_of(book));
  const std::string body =
      json::print(Value::map({{"boot", boot_id()}, {"destinations", std::move(destinations)}}));
  return std::string(kFormat) + secret::hex(secret::sha256(body)) + "\n" + body;
}

// What is in an image; nothing when it is damaged or of another version.
std::optional<GateBooks> parse(std::string_view image) {
  GateBooks books;
  if (image.empty()) return books;
  const std::size_t line = std::min(image.find('\n'), image.size() - 1);
  const std::string_view body = image.substr(line + 1);
  const bool whole =
      image.substr(0, line) == std::string(kFormat) + secret::hex(secret::sha256(body));
  const auto known = json::parse(body);
  if (!whole || !known) return std::nullopt;
  if ((*known)["boot"].text() != boot_id()) return books;
  for (const auto& [name, book] : (*known)["destinations"].members())
    books.emplace(name.text(), book_of(book));
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
Result<Opened> open_and_read(const std::filesystem::path& file, const Tell& tell) {
  for (;;) {
    auto open = open_locked(file, kLockTime);
    if (!open) return std::unexpected(open.error());
    const auto image = read_all(*open, file);
    if (!image) return std::unexpected(image.error());
    if (auto books = parse(*image)) return Opened{*std::move(open), *std::move(books)};
    const std::string aside = name_aside(file);
    if (::rename(file.c_str(), (file.parent_path() / aside).c_str()) != 0)
      return file_failure(file, "rename");
    tell({ErrorKind::storage, "gate_damaged",
          file.string() + ": damaged or of another version; put aside as " + aside +
              ", and begun anew",
          "nothing in it is worth saving; when it happens again, look after the disk"});
  }
}

}  // namespace

Result<GateBooks> read_gate(const std::filesystem::path& file, const Tell& tell) {
  auto opened = open_and_read(file, tell);
  if (!opened) return std::unexpected(opened.error());
  return std::move(opened->books);
}

Status change_gate(const std::filesystem::path& file, const Tell& tell,
                   const std::function<void(GateBooks&)>& work) {
  auto opened = open_and_read(file, tell);
  if (!opened) return std::unexpected(opened.error());
  work(opened->books);
  const std::string image = print(opened->books);
  auto written = write_at(opened->file, file, image, 0);
  // A longer one from before must lose its end; half of one, all.
  const off_t size = written ? static_cast<off_t>(image.size()) : 0;
  if (::ftruncate(opened->file.get(), size) != 0 && written) return file_failure(file, "truncate");
  return written;
}

}  // namespace b24
