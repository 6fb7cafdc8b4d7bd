// webhook_answer_fuzz: any bytes as the portal's answer to a call and to a batch. Seeds:
// webhook_answer/.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <vector>

#include "portal/webhook.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

// The first byte chooses the status, the rest is the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr int kStatuses[] = {200, 200, 200, 0,   201, 302, 400,
                                      401, 403, 404, 429, 500, 503};
  static const std::vector<b24::Command> commands = {
      {"a", "crm.lead.add", b24::Value::array()},
      {"b", "crm.lead.list", b24::Value::array()},
      {"0", "profile", b24::Value::array()},
  };
  if (size == 0) return 0;
  const int status = kStatuses[(data[0] >> 1) % std::size(kStatuses)];
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);

  const auto answer = b24::read_answer(status, body);
  if (answer) {
    require(status == 200);
  } else {
    require(!answer.error().error.cause.empty() && answer.error().error.cause.size() < 1000);
    require(answer.error().error.cause.find('\n') == std::string::npos);
    require(answer.error().verdict != b24::Verdict::retry || answer.error().status == 429 ||
            !answer.error().error.code.empty());
  }
  const auto results = b24::read_batch(answer, commands);
  require(results.size() == commands.size());
  for (const b24::BatchResult& result : results) require(answer || !result.outcome);
  return 0;
}
