// fcgi_guard: collects one FastCGI request and checks each record, so that libfcgi only ever reads
// what is sound.
//
// A request is BEGIN_REQUEST (responder), then PARAMS ended by an empty one, then STDIN ended by an
// empty one, all of one id, and nothing behind it. Everything else is broken: management records,
// ABORT_REQUEST, unknown types or versions, foreign ids, names or values longer than what is there,
// a "=" or NUL in a name, a NUL in a value, parameters over kMaxFcgiParams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace b24 {

inline constexpr std::size_t kMaxFcgiParams = 128 << 10;  // bytes, lengths included

class FcgiGuard {
 public:
  enum class State { partial, whole, broken };

  // `body_limit`: more than this of a body is not kept; the request is whole then, and too large
  // for whoever reads it by the same limit.
  explicit FcgiGuard(std::size_t body_limit) : body_limit_(body_limit) {}

  // Takes what the peer has sent next; time and memory are linear in it.
  State take(std::string_view bytes);
  State state() const { return state_; }
  // What is wrong; REQUIRES: broken.
  std::string_view fault() const { return fault_; }
  // Whether the peer may still be sending a body that nobody wants.
  bool is_cut() const { return cut_; }
  // How many bytes are held.
  std::size_t size() const { return pending_.size() + params_.size() + body_.size(); }

  // The request in records of our own making; REQUIRES: whole.
  std::string records() const;
  // Records that answer "400 Bad Request"; empty when no request was begun.
  std::string refusal() const;

 private:
  enum class Step { begin, params, body };
  struct Header {
    int version;
    int type;
    std::uint16_t id;
    std::size_t content;
    std::size_t padding;
  };

  std::size_t check_records();
  static Header header_of(std::string_view record);
  const char* misfit(const Header& header) const;
  void accept(const Header& header, std::string_view content);
  void begin(const Header& header, std::string_view content);
  void check_params();
  void check_pair(std::string_view name, std::string_view value);
  void fail(const char* fault);

  std::size_t body_limit_;
  State state_ = State::partial;
  Step step_ = Step::begin;
  const char* fault_ = "";
  bool cut_ = false;
  std::uint16_t id_ = 0;
  std::string pending_;  // the record that is not whole yet
  std::string params_;
  std::string body_;
};

}  // namespace b24
