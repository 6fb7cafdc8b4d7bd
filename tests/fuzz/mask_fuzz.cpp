// mask_fuzz: whatever stands before and behind it, the secret of a webhook URL is masked.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/secret.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string half = text.substr(0, size / 2), rest = text.substr(size / 2);
  if (text.find("sEkReT") != std::string::npos) return 0;
  const std::string masked =
      b24::secret::mask(half + "\nhttps://p/rest/1/sEkReT/m " + rest + "\npassword=sEkReT");
  if (masked.find("sEkReT") != std::string::npos) std::abort();
  return 0;
}
