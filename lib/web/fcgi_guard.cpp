// fcgi_guard: collects one FastCGI request and checks each record, so that libfcgi only ever reads
// what is sound.
#include "web/fcgi_guard.h"

#include <fastcgi.h>

#include <charconv>
#include <optional>

#include "web/response.h"

namespace b24 {
namespace {

constexpr std::size_t kMaxContent = 0xfff8;  // of the records that we make; a multiple of eight

std::uint8_t byte(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

void append_record(std::string& records, int type, std::uint16_t id, std::string_view content) {
  for (int value : {FCGI_VERSION_1, type, id >> 8, id & 0xff, static_cast<int>(content.size() >> 8),
                    static_cast<int>(content.size() & 0xff), 0, 0})
    records += static_cast<char>(value);
  records += content;
}

// A stream: its content in as many records as it takes, and the empty one that ends it.
void append_stream(std::string& records, int type, std::uint16_t id, std::string_view content) {
  while (!content.empty()) {
    std::string_view part = content.substr(0, kMaxContent);
    append_record(records, type, id, part);
    content.remove_prefix(part.size());
  }
  append_record(records, type, id, {});
}

// Takes the length of a name or value off the front: one byte, or four with the first bit set.
std::optional<std::size_t> take_length(std::string_view& params) {
  if (params.empty()) return std::nullopt;
  std::size_t length = byte(params, 0);
  std::size_t size = 1;
  if ((length & 0x80) != 0) {
    if (params.size() < 4) return std::nullopt;
    length = (length & 0x7f) << 24 | std::size_t{byte(params, 1)} << 16 |
             std::size_t{byte(params, 2)} << 8 | byte(params, 3);
    size = 4;
  }
  params.remove_prefix(size);
  return length;
}

}  // namespace

FcgiGuard::Header FcgiGuard::header_of(std::string_view record) {
  return {byte(record, 0), byte(record, 1),
          static_cast<std::uint16_t>(byte(record, 2) << 8 | byte(record, 3)),
          std::size_t{byte(record, 4)} << 8 | byte(record, 5), byte(record, 6)};
}

FcgiGuard::State FcgiGuard::take(std::string_view bytes) {
  if (state_ == State::broken || cut_) return state_;
  pending_ += bytes;
  std::size_t checked = check_records();
  if (state_ == State::whole && !cut_ && checked < pending_.size())
    fail("bytes behind the request");
  pending_.erase(0, state_ == State::partial ? checked : pending_.size());
  return state_;
}

std::size_t FcgiGuard::check_records() {
  std::string_view rest = pending_;
  while (state_ == State::partial && rest.size() >= FCGI_HEADER_LEN) {
    Header header = header_of(rest);
    if (const char* fault = misfit(header)) {
      fail(fault);
      break;
    }
    std::size_t size = FCGI_HEADER_LEN + header.content + header.padding;
    if (rest.size() < size) break;
    accept(header, rest.substr(FCGI_HEADER_LEN, header.content));
    rest.remove_prefix(size);
  }
  return pending_.size() - rest.size();
}

const char* FcgiGuard::misfit(const Header& header) const {
  static constexpr int kWanted[] = {FCGI_BEGIN_REQUEST, FCGI_PARAMS, FCGI_STDIN};
  if (header.version != FCGI_VERSION_1) return "not FastCGI version 1";
  if (header.type != kWanted[static_cast<int>(step_)]) return "a record out of place";
  if (header.id == FCGI_NULL_REQUEST_ID) return "a record without a request";
  if (step_ != Step::begin && header.id != id_) return "a record of another request";
  if (step_ == Step::begin && header.content != sizeof(FCGI_BeginRequestBody))
    return "a begin record of a wrong size";
  if (step_ == Step::params && params_.size() + header.content > kMaxFcgiParams)
    return "too many parameters";
  return nullptr;
}

void FcgiGuard::accept(const Header& header, std::string_view content) {
  switch (step_) {
    case Step::begin:
      begin(header, content);
      break;
    case Step::params:
      params_ += content;
      if (content.empty()) check_params();
      break;
    case Step::body:
      body_ += content;
      cut_ = body_.size() > body_limit_;
      if (content.empty() || cut_) state_ = State::whole;
      break;
  }
}

void FcgiGuard::begin(const Header& header, std::string_view content) {
  int role = byte(content, 0) << 8 | byte(content, 1);
  if (role != FCGI_RESPONDER) {
    fail("not for a responder");
    return;
  }
  id_ = header.id;
  step_ = Step::params;
}

void FcgiGuard::check_params() {
  step_ = Step::body;
  std::string_view rest = params_;
  while (!rest.empty() && state_ != State::broken) {
    auto name = take_length(rest);
    auto value = take_length(rest);
    if (!name || !value || *name > rest.size() || *value > rest.size() - *name) {
      fail("a parameter longer than what was sent");
      return;
    }
    check_pair(rest.substr(0, *name), rest.substr(*name, *value));
    rest.remove_prefix(*name + *value);
  }
}

void FcgiGuard::check_pair(std::string_view name, std::string_view value) {
  if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos)
    fail("a parameter with an impossible name");
  else if (value.find('\0') != value.npos)
    fail("a parameter with a NUL");
  if (state_ == State::broken || name != "CONTENT_LENGTH") return;
  std::size_t length = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  bool too_long =
      error == std::errc::result_out_of_range || (error == std::errc() && length > body_limit_);
  if (end != value.data() + value.size() || !too_long) return;
  // It will be refused by this number; no need to wait for the body.
  cut_ = true;
  state_ = State::whole;
}

void FcgiGuard::fail(const char* fault) {
  fault_ = fault;
  state_ = State::broken;
}

std::string FcgiGuard::records() const {
  // The flag keeps libfcgi from closing what it reads from.
  static constexpr char kBegin[] = {0, FCGI_RESPONDER, FCGI_KEEP_CONN, 0, 0, 0, 0, 0};
  std::string records;
  records.reserve(params_.size() + body_.size() + 64 + body_.size() / 1024);
  append_record(records, FCGI_BEGIN_REQUEST, id_, {kBegin, sizeof kBegin});
  append_stream(records, FCGI_PARAMS, id_, params_);
  append_stream(records, FCGI_STDIN, id_, body_);
  return records;
}

std::string FcgiGuard::refusal() const {
  if (step_ == Step::begin) return {};
  static constexpr char kEnd[8] = {};  // status 0, FCGI_REQUEST_COMPLETE
  std::string records;
  append_stream(records, FCGI_STDOUT, id_,
                to_cgi(text_response(400, "This request cannot be read.\n")));
  append_record(records, FCGI_END_REQUEST, id_, {kEnd, sizeof kEnd});
  return records;
}

}  // namespace b24
