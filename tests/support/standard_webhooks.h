// standard_webhooks: signs as the Standard Webhooks say, by OpenSSL alone: the oracle of our own
// signatures.
#pragma once

#include <string>

namespace b24::test {

// "v1," and the base64 of the HMAC-SHA256 of "ID.TIMESTAMP.BODY".
std::string webhook_signature(const std::string& key, const std::string& signed_text);

}  // namespace b24::test
