// webdriver: a real browser for tests: chromium without a window, driven by chromedriver over HTTP.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process.h"
#include "value/value.h"

namespace b24::test {

inline constexpr std::string_view kTabKey = "\uE004";
inline constexpr std::string_view kEnterKey = "\uE007";

// A browser with one window. Elements are named by CSS selectors; what is done to one waits until
// it is there. Everything throws, with chromedriver's words, when it cannot be done.
class Browser {
 public:
  // `language`: what it says it accepts, "en" or "ru"; `switches`: further ones of chromium.
  explicit Browser(const std::string& language, const std::vector<std::string>& switches = {});
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  // As new: an empty page, no cookies, 1280 x 900, light, with scripts, online, an empty log.
  void reset();

  void open(const std::string& url);  // returns when the page is loaded
  void reload();                      // posts again what was posted, as F5 does once confirmed
  void back();
  std::string url() const;

  bool has(const std::string& css) const;    // at this moment
  bool comes(const std::string& css) const;  // within the deadline
  bool goes(const std::string& css) const;
  std::string text(const std::string& css) const;                                // as it is seen
  std::string attribute(const std::string& css, const std::string& name) const;  // empty: none
  void fill(const std::string& css, const std::string& text);  // instead of what is in it
  void click(const std::string& css);
  void double_click(const std::string& css);
  void press(std::string_view key);  // on what has the focus
  bool focus_comes(const std::string& id) const;

  // The body of a function: "return 1;", with `arguments`.
  Value script(const std::string& body, const Value& arguments = Value::array()) const;

  void resize(int width, int height);
  void set_dark(bool dark);
  void set_print(bool print);      // the look on paper
  void set_scripts(bool allowed);  // for pages that are opened from now on; script() always works
  void set_offline(bool offline);

  // Pictures: PNG of the whole page, PDF as printed on A4.
  std::string screenshot() const;
  std::string pdf() const;

  // What the browser complained of since last asked: scripts' faults and what the page's
  // Content-Security-Policy forbids. Answers with an HTTP error are not among them.
  std::string complaints();

 private:
  Value ask(const std::string& method, const std::string& path,
            const Value& params = Value::array()) const;
  Value cdp(const std::string& command, const Value& params) const;
  Value elements(const std::string& css) const;
  std::string element(const std::string& css) const;
  void emulate_media();

  TempDir home_;  // outlives the driver, whose browser writes there
  std::unique_ptr<Process> driver_;
  int port_ = 0;
  std::string session_;
  bool dark_ = false;
  bool print_ = false;
};

}  // namespace b24::test
