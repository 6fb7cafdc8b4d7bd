// secret: what keeps secrets secret: comparison, signing, random ids, masking of names.

// SHA-256 by OpenSSL's plain functions, not EVP: EVP first loads configuration and providers, which
// costs a CGI process 2 ms; these need no initialisation at all (0.07 ms for the first use).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>

#include "base/clock.h"
#include "base/text.h"

namespace b24::secret {
namespace {

class Sha256 {
 public:
  Sha256() { SHA256_Init(&context_); }
  Sha256& add(std::string_view bytes) {
    SHA256_Update(&context_, bytes.data(), bytes.size());
    return *this;
  }
  std::string digest() {
    std::string result(SHA256_DIGEST_LENGTH, '\0');
    SHA256_Final(reinterpret_cast<unsigned char*>(result.data()), &context_);
    return result;
  }

 private:
  SHA256_CTX context_;
};

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64(std::string_view bytes, std::string_view alphabet) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (unsigned char byte : bytes) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) result += alphabet[buffer >> (bits - 6) & 63];
  }
  if (bits > 0) result += alphabet[buffer << (6 - bits) & 63];
  return result;
}

int base64_digit(char digit) {
  for (std::string_view alphabet : {kBase64, kBase64Url}) {
    const std::size_t at = alphabet.find(digit);
    if (at != std::string_view::npos) return static_cast<int>(at);
  }
  return -1;
}

// One call of the system for many ids; what was given away is wiped.
thread_local std::array<char, 1024> block;
thread_local std::size_t fresh_bytes = 0;  // at the start of the block

void fill_random(std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // A predictable secret would be worse than no process.
    if (got <= 0) std::abort();
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

// The names that the portal, CRest and our own pages use for secrets.
constexpr std::string_view kSecretNames[] = {
    "access_token", "api_key",       "application_token", "auth",          "auth_id",
    "auth_token",   "authorization", "client_secret",     "cookie",        "key",
    "passwd",       "password",      "refresh_id",        "refresh_token", "secret",
    "sessid",       "token",         "x-b24hooks-key"};

}  // namespace

bool equal(std::string_view a, std::string_view b) {
  const std::string hash_a = sha256(a), hash_b = sha256(b);
  return CRYPTO_memcmp(hash_a.data(), hash_b.data(), hash_a.size()) == 0;
}

std::string sha256(std::string_view bytes) {
  return Sha256().add(bytes).digest();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string block = key.size() > SHA256_CBLOCK ? sha256(key) : std::string(key);
  block.resize(SHA256_CBLOCK, '\0');
  std::string inner = block, outer = block;
  for (char& byte : inner) byte = static_cast<char>(byte ^ 0x36);
  for (char& byte : outer) byte = static_cast<char>(byte ^ 0x5c);
  const std::string result =
      Sha256().add(outer).add(Sha256().add(inner).add(bytes).digest()).digest();
  for (std::string* copy : {&block, &inner, &outer}) OPENSSL_cleanse(copy->data(), copy->size());
  return result;
}

std::string random_bytes(std::size_t count) {
  // A child of fork must not give out the same.
  static const int at_fork = pthread_atfork(nullptr, nullptr, [] { fresh_bytes = 0; });
  if (count > block.size() || at_fork != 0) {
    std::string result(count, '\0');
    fill_random(result);
    return result;
  }
  if (fresh_bytes < count) {
    fill_random(block);
    fresh_bytes = block.size();
  }
  fresh_bytes -= count;
  const std::string result(block.data() + fresh_bytes, count);
  OPENSSL_cleanse(block.data() + fresh_bytes, count);
  return result;
}

std::string new_id() {
  // Crockford's alphabet in lower case: no i, l, o, u, which are misread.
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  const std::string noise = random_bytes(16);
  std::string id(26, '0');
  auto time = static_cast<std::uint64_t>(now_ms());
  for (std::size_t i = 10; i-- > 0; time >>= 5) id[i] = kDigits[time & 31];
  for (std::size_t i = 0; i < 16; ++i)
    id[10 + i] = kDigits[static_cast<unsigned char>(noise[i]) & 31];
  return id;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  result.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

std::string base64(std::string_view bytes) {
  std::string result = encode_base64(bytes, kBase64);
  result.resize((result.size() + 3) / 4 * 4, '=');
  return result;
}

std::string base64_url(std::string_view bytes) {
  return encode_base64(bytes, kBase64Url);
}

std::string decode_base64(std::string_view text) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return {};
  std::string result;
  result.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char character : text) {
    const int digit = base64_digit(character);
    if (digit < 0) return {};
    buffer = buffer << 6 | static_cast<std::uint32_t>(digit);
    if ((bits += 6) >= 8) {
      bits -= 8;
      result += static_cast<char>(buffer >> bits & 0xff);
    }
  }
  // Left-over bits that are not zero: not the encoding of anything.
  if ((buffer & ((1U << bits) - 1)) != 0) return {};
  return result;
}

bool is_secret_name(std::string_view name) {
  return std::ranges::binary_search(kSecretNames, std::string_view(text::lower(name)));
}

}  // namespace b24::secret
