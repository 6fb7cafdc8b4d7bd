// pages: every page in every state that looks different, for the tests of looks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "browsers.h"

namespace b24::test {

struct ShownPage {
  std::string name;  // of its pictures
  std::function<void(Browser&)> show;
};

const std::vector<ShownPage>& all_pages();

// A site where much is wrong: an administrator's webhook, and a stage and a field that the portal
// lacks. Its form has a field of each type, two days of traffic are behind it, and its owner's key
// opens the self-check.
const Site& troubled_site();
inline constexpr const char* kOwnersKey = "key-of-the-owner-0123456789";

// A lead that the portal refused, with this last name; its number in the site's store.
std::int64_t add_failed_lead(const Site& site, const std::string& id, const std::string& last_name);

}  // namespace b24::test
