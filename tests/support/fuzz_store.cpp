// fuzz_store: what the journal makes of damaged bytes, and events on their way into the store.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event_fixture.h"
#include "fuzz_targets.h"
#include "handler/event.h"
#include "keep/ingest.h"
#include "keep/journal_format.h"
#include "raw_request.h"
#include "value/json.h"
#include "value/value.h"

namespace b24::test {

namespace {

namespace format = journal_format;

constexpr format::SegmentHead kHead = {.salt = 0x0123456789abcdef, .made_at = 1'800'000'000'000};

std::uint8_t take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

std::string sealed(std::string_view key, std::string_view body) {
  Record record;
  record.key = key;
  record.body = body;
  return format::seal(encode(record), kHead.salt);
}

// Bytes as they are, whole records, and records that are cut or have another bit.
std::string made_segment(std::string_view input) {
  std::string bytes = format::print(kHead);
  while (!input.empty()) {
    const std::uint8_t what = take_byte(input);
    const std::string_view text = input.substr(0, take_byte(input));
    input.remove_prefix(std::min(text.size(), input.size()));
    std::string record = sealed(what & 8 ? "" : "key", text);
    const std::size_t at = (take_byte(input) << 3 | what >> 5) % record.size();
    switch (what & 3) {
      case 0:
        bytes += text;
        continue;
      case 1:
        record[at] = static_cast<char>(record[at] ^ (1 << (what >> 2 & 7)));
        break;
      case 2:
        record.resize(at);
        break;
      default:
        break;
    }
    bytes += record;
  }
  return bytes;
}

// The CRC-32 of ISO 3309, bit by bit.
std::uint32_t crc(std::string_view bytes) {
  std::uint32_t sum = ~0u;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
  }
  return ~sum;
}

// The content of the record that begins here, by journal.h alone.
std::optional<std::string_view> content_at(std::string_view bytes) {
  if (bytes.size() < 16 || !bytes.starts_with("b24r")) return std::nullopt;
  const std::uint64_t size = format::get(bytes, 4, 4);
  if (size > bytes.size() - 16 || format::get(bytes, 12 + size, 4) != size) return std::nullopt;
  const std::string_view content = bytes.substr(12, size);
  std::string summed;
  format::put(summed, kHead.salt, 8);
  format::put(summed, size, 4);
  if (format::get(bytes, 8, 4) != crc(summed.append(content))) return std::nullopt;
  return content;
}

struct Expected {
  std::vector<std::string> contents;  // of records that are there for somebody
  std::uint64_t damaged = 0;          // bytes
};
Expected expected_of(std::string_view bytes) {
  Expected expected;
  for (std::size_t at = format::kSegmentHead; at < bytes.size();) {
    const auto content = content_at(bytes.substr(at));
    const auto record = content ? format::decode(*content) : std::nullopt;
    if (record && !record->key.empty()) expected.contents.emplace_back(*content);
    if (!record) ++expected.damaged;
    at += record ? content->size() + 16 : 1;
  }
  return expected;
}

// A receiver that is asked in this process.
class Receiver {
 public:
  void take(std::string_view type, std::string_view body) {
    const auto request = read_raw(raw_post(type, body, kQuery));
    if (!request) return;
    const App app = source_.current().value();
    if (verify(request->params, *app.settings) != TokenCheck::right) return;
    const Record record = make_record(*request, now_ms());
    const std::string promise = encode(record);
    must(ingester_.journal(app)->append({&promise, 1}).has_value(), "it is kept");
    must(ingester_.run(kMinute).value() == 1, "it is taken in, once");
    const std::optional<Item> item =
        stores_.current().value()->find(Kind::event, record.id).value();
    must(item && item->error_code.empty(), "it is in the store");
    check(*item, request->params, body);
  }

 private:
  static constexpr std::string_view kQuery =
      "auth[application_token]=0123456789abcdef0123456789abcdef";

  static void check(const Item& item, const Value& params, std::string_view body) {
    const std::string kept = json::print(item.payload);
    // JSON takes bytes that are no UTF-8 for one character.
    const std::string sent = json::print(mask_tree(params));
    must(kept == json::print(json::parse(sent).value()), "it is what was sent");
    must(body.contains(kToken) || !kept.contains(kToken), "the token is masked");
  }

  EventSettings settings_;
  AppSource source_{settings_.launch(), "handler"};
  StoreSource stores_{source_};
  Ingester ingester_{source_, stores_, Kind::event, event_of, event_followers};
};

}  // namespace

void fuzz_journal(std::string_view input) {
  static const TempDir dir;
  static const Journal journal(dir.path(), "", Kind::event);
  std::filesystem::create_directory(journal.dir());
  const std::string bytes = made_segment(input);
  write_file(journal.dir() / "event-00000001.journal", bytes);
  write_file(journal.dir() / "event-00000002.journal", format::print(kHead) + sealed("last", ""));

  const Expected expected = expected_of(bytes);
  const JournalRead whole = journal.read({}, bytes.size() + 1000).value();
  std::vector<std::string> contents;
  for (const Record& record : whole.records) contents.push_back(encode(record));
  must(!contents.empty() && whole.records.back().key == "last", "the next segment is read");
  contents.pop_back();
  must(contents == expected.contents, "what is whole is read, and nothing else");
  std::uint64_t damaged = 0;
  for (const JournalDamage& damage : whole.damage) damaged += damage.size;
  must(damaged == expected.damaged, "each byte that is no record's is told");

  std::size_t count = 0;
  for (JournalPosition end;;) {
    const JournalRead piece = journal.read(end, 1).value();
    count += piece.records.size();
    if (!piece.more) break;
    end = piece.end;
  }
  must(count == whole.records.size(), "the same in pieces");
}

void fuzz_event(std::string_view input) {
  constexpr int kMost = 2'000;  // so that the store stays small
  static std::unique_ptr<Receiver> receiver;
  static int taken = 0;
  if (taken++ % kMost == 0) receiver = std::make_unique<Receiver>();
  const std::string_view type = take_line(input);
  receiver->take(type, input);
}

}  // namespace b24::test
