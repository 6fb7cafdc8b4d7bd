// standard_webhooks: see standard_webhooks.h.
#include "standard_webhooks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace b24::test {

std::string webhook_signature(const std::string& key, const std::string& signed_text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac,
       &length);
  unsigned char base64[EVP_MAX_MD_SIZE * 2];
  EVP_EncodeBlock(base64, mac, static_cast<int>(length));
  return "v1," + std::string(reinterpret_cast<char*>(base64));
}

}  // namespace b24::test
