// fcgi_guard_fuzz: any bytes from a peer, in any pieces: what passes is sound, and passes again.
#include "web/fcgi_guard.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::size_t kBodyLimit = 1000;

using State = b24::FcgiGuard::State;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  b24::FcgiGuard at_once(kBodyLimit);
  State state = at_once.take(bytes);

  // The pieces in which the bytes come make no difference, except that less is held of a cut one.
  b24::FcgiGuard in_pieces(kBodyLimit);
  for (std::string_view rest = bytes; !rest.empty();) {
    std::size_t piece = 1 + static_cast<std::uint8_t>(rest.front()) % 9;
    in_pieces.take(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  require(in_pieces.state() == state);
  require(at_once.size() <= size);

  if (state == State::broken) require(!at_once.fault().empty());
  static_cast<void>(at_once.refusal());
  if (state != State::whole) return 0;
  require(at_once.records() == in_pieces.records());
  b24::FcgiGuard again(kBodyLimit);
  require(again.take(at_once.records()) == State::whole);
  require(again.is_cut() == at_once.is_cut());
  if (!at_once.is_cut()) require(again.records() == at_once.records());
  return 0;
}
