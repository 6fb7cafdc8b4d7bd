// browsers: what the suites of a real browser share.
#pragma once

#include <string>

#include "site.h"
#include "web/page.h"
#include "webdriver.h"

namespace b24::test {

inline constexpr const char* kLanguages[] = {"en", "ru"};

// A browser of that language, as new; started when first asked for.
Browser& fresh_browser(const std::string& language);

// A page of a site, by the name that the browser knows it by.
std::string address(const Site& site, const std::string& path);

// A text of the catalogue.
std::string message(const std::string& language, const std::string& key);

}  // namespace b24::test
