// secret: see secret.h. SHA-256 is done by OpenSSL's plain functions, not EVP: EVP first loads
// configuration and providers, which costs a CGI process 2 ms; these need no initialisation at all
// (0.07 ms for the first use).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/text.h"

namespace b24::secret {
namespace {

unsigned char* octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// The names that the portal, CRest and our own pages use for secrets.
constexpr std::string_view kSecretNames[] = {"access_token",  "api_key",       "application_token",
                                             "auth",          "auth_id",       "auth_token",
                                             "authorization", "client_secret", "cookie",
                                             "key",           "passwd",        "password",
                                             "refresh_id",    "refresh_token", "robot",
                                             "secret",        "sessid",        "token",
                                             "x-b24hooks-key"};

}  // namespace

bool equal(std::string_view a, std::string_view b) {
  const std::string hash_a = sha256(a), hash_b = sha256(b);
  return CRYPTO_memcmp(hash_a.data(), hash_b.data(), hash_a.size()) == 0;
}

std::string sha256(std::string_view bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256_Final(octets(digest), &context);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string inner, outer;
  inner.reserve(SHA256_CBLOCK + bytes.size());  // growing would leave a copy of the key behind
  outer.reserve(SHA256_CBLOCK + SHA256_DIGEST_LENGTH);
  inner.append(key.size() > SHA256_CBLOCK ? sha256(key) : key);
  inner.resize(SHA256_CBLOCK, '\0');
  outer.append(inner);
  for (char& byte : inner) byte = static_cast<char>(byte ^ 0x36);
  for (char& byte : outer) byte = static_cast<char>(byte ^ 0x5c);
  std::string result = sha256(outer.append(sha256(inner.append(bytes))));
  for (std::string* copy : {&inner, &outer}) OPENSSL_cleanse(copy->data(), copy->size());
  return result;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    // A predictable secret would be worse than no process.
    if (got < 0 && errno != EINTR) std::abort();
    filled += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  return bytes;
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
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(octets(text), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return text;
}

std::string base64_url(std::string_view bytes) {
  std::string text = base64(bytes);
  std::erase(text, '=');
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::string decode_base64(std::string_view text) {
  std::string digits(text.substr(0, text.find_last_not_of('=') + 1));
  std::string bytes(digits.size() * 3 / 4 + 3, '\0');
  std::ranges::replace(digits, '-', '+');
  std::ranges::replace(digits, '_', '/');
  const std::size_t size = digits.size() * 3 / 4;
  digits.resize((digits.size() + 3) / 4 * 4, '=');
  EVP_DecodeBlock(octets(bytes), octets(digits), static_cast<int>(digits.size()));
  bytes.resize(size);
  return base64(bytes) == digits ? bytes : "";
}

bool is_secret_name(std::string_view name) {
  return std::ranges::binary_search(kSecretNames, std::string_view(text::lower(name)));
}

}  // namespace b24::secret
