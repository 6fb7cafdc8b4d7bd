// browsers: see browsers.h.
#include "browsers.h"

#include <map>
#include <memory>

namespace b24::test {

Browser& fresh_browser(const std::string& language) {
  static std::map<std::string, std::unique_ptr<Browser>> browsers;
  std::unique_ptr<Browser>& browser = browsers[language];
  if (!browser) {
    browser = std::make_unique<Browser>(language);
  } else {
    browser->reset();
  }
  return *browser;
}

std::string address(const Site& site, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(site.port()) + path;
}

std::string message(const std::string& language, const std::string& key) {
  static const auto templates = Templates::load({"templates"}).value();
  return templates->message(language, key);
}

}  // namespace b24::test
