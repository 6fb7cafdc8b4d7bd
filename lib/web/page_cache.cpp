// page_cache: see page_cache.h.
#include "web/page_cache.h"

#include <kainjow/mustache.hpp>

#include "base/secret.h"

namespace b24 {
namespace {

constexpr std::size_t kMostPages = 64;  // visitors can ask for many, by what they type
constexpr std::size_t kDigits = 3;

const std::string& common_mark() {
  static const std::string mark = secret::new_id();
  return mark;
}

}  // namespace

std::string PageCache::mark(std::size_t number) {
  return common_mark() + std::to_string(number + 1'000).substr(1);
}

Response PageCache::page(const Sources& made_from, const std::string& key,
                         const std::vector<std::string>& texts,
                         const std::function<Response()>& make) {
  const auto known = rendered(made_from, key, make);
  const std::string_view all = known->response.body;
  Response response{known->response.status, known->response.headers, {}};
  response.body.reserve(all.size() + 64 * texts.size());
  std::size_t copied = 0;
  for (const auto& [at, number] : known->places) {
    response.body += all.substr(copied, at - copied);
    response.body += kainjow::mustache::html_escape(texts[number]);
    copied = at + common_mark().size() + kDigits;
  }
  response.body += all.substr(copied);
  return response;
}

std::shared_ptr<const PageCache::Rendered> PageCache::rendered(
    const Sources& made_from, const std::string& key, const std::function<Response()>& make) {
  const std::lock_guard lock(mutex_);
  if (made_from != made_from_ || pages_.size() > kMostPages) pages_.clear();
  made_from_ = made_from;
  auto& page = pages_[key];
  if (page) return page;
  Rendered fresh{make(), {}};
  const std::string& mark = common_mark();
  for (std::size_t at = 0; (at = fresh.response.body.find(mark, at)) != std::string::npos; ++at)
    fresh.places.emplace_back(at,
                              std::stoul(fresh.response.body.substr(at + mark.size(), kDigits)));
  return page = std::make_shared<const Rendered>(std::move(fresh));
}

}  // namespace b24
