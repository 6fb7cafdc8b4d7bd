// crm: what the older and the newer methods of the CRM share.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "portal.h"

namespace sandbox {

// An e-mail that is none is the one thing that the portal refuses in a phone or an address.
std::optional<Reply> fault_of_contacts(const std::vector<Contact>& contacts);

Reply find_duplicates(Portal& portal, const Caller& caller, const Value& params);
Reply list_statuses(Portal& portal, const Caller& caller, const Value& params);

// The page of `rows` that `params` asks for by start; start=-1 leaves out the counting.
template <class Row>
Reply page_of(const std::vector<const Record*>& rows, const Value& params, Row row) {
  const std::int64_t asked = param(params, "start").integer();
  const auto size = static_cast<std::int64_t>(rows.size());
  const std::int64_t start = std::clamp<std::int64_t>(asked, 0, size);
  const std::int64_t end = std::min(size, start + kPageSize);
  Reply reply = Reply::good(Value::array());
  for (std::int64_t i = start; i < end; ++i)
    reply.result.append(row(*rows[static_cast<std::size_t>(i)]));
  if (asked < 0) return reply;
  reply.total = size;
  if (end < size) reply.next = end;
  return reply;
}

}  // namespace sandbox
