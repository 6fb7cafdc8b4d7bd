// secret: what keeps secrets secret: comparison, signing, random ids, masking.
#pragma once

#include <string>
#include <string_view>

namespace b24::secret {

// True when equal; the time taken tells nothing of where they differ nor, since both are hashed
// first, of their lengths.
bool equal(std::string_view a, std::string_view b);

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string random_bytes(std::size_t count);                            // from the system
// A fresh identifier: 26 characters, digits and lower-case letters, sortable by time to the
// millisecond, 80 random bits.
std::string new_id();

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);        // with padding
std::string base64_url(std::string_view bytes);    // "-" and "_", no padding
std::string decode_base64(std::string_view text);  // both alphabets; empty when malformed

// "https://p.bitrix24.com/rest/1/abcdef/crm.lead.add" -> ".../rest/1/***/crm.lead.add": masks,
// anywhere in a text, the secret part of a webhook URL and the values of the names in
// `is_secret_name` written as name=value, name":"value or [name] => value.
std::string mask(std::string_view text);
// application_token, access_token, refresh_token, client_secret, secret, password, auth (as a
// scalar), key...: compared without case.
bool is_secret_name(std::string_view name);

}  // namespace b24::secret
