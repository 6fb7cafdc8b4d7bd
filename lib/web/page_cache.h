// page_cache: pages that were rendered before; what differs from visitor to visitor is put in.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "web/response.h"

namespace b24 {

// Safe from all threads.
class PageCache {
 public:
  using Sources = std::vector<std::shared_ptr<const void>>;
  // Stands in a rendered page for the text of that number (below 1,000). No visitor can know it.
  static std::string mark(std::size_t number);

  // The page of this key, with each mark replaced by its text, escaped as mustache does. `make`
  // renders it when it is not there. When `made_from` is not what it was, no page is there.
  Response page(const Sources& made_from, const std::string& key,
                const std::vector<std::string>& texts, const std::function<Response()>& make);

 private:
  struct Rendered {
    Response response;
    std::vector<std::pair<std::size_t, std::size_t>> places;  // of marks in the body; their numbers
  };
  std::shared_ptr<const Rendered> rendered(const Sources& made_from, const std::string& key,
                                           const std::function<Response()>& make);
  std::mutex mutex_;
  Sources made_from_;
  std::map<std::string, std::shared_ptr<const Rendered>> pages_;
};

}  // namespace b24
