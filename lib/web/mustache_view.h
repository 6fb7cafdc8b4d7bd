// mustache_view: one compiled template, and how a Value is seen by it; the only place that knows
// the mustache library.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "value/value.h"

namespace b24 {

class MustacheView {
 public:
  // Texts that need no conversion at each rendering: names ("t.title", "style") -> text.
  class Constants {
   public:
    explicit Constants(const std::vector<std::pair<std::string, std::string>>& texts);
    ~Constants();
    Constants(Constants&&) noexcept;

   private:
    friend class MustacheView;
    struct Data;
    std::unique_ptr<Data> data_;
  };

  // `text` has no partials. What the parser said is in `fault` when it could not read it.
  explicit MustacheView(const std::string& text);
  ~MustacheView();
  MustacheView(MustacheView&&) noexcept;
  const std::string& fault() const;

  // A name is looked up in `data`, then in each of `constants`. Safe from all threads.
  std::string render(const Value& data, const std::vector<const Constants*>& constants) const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace b24
