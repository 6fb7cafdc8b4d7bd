// store_source: see store_source.h.
#include "keep/store_source.h"

namespace b24 {
namespace {

constexpr Millis kTryAgain = 1'000;

}  // namespace

Result<std::shared_ptr<Store>> StoreSource::current() {
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  const std::lock_guard lock(mutex_);
  const std::filesystem::path& dir = app->settings->data.dir;
  if (store_ && dir_ == dir) return store_;
  if (error_ && dir_ == dir && now_ms() < tried_at_ + kTryAgain) return std::unexpected(*error_);
  dir_ = dir;
  tried_at_ = now_ms();
  Result<std::shared_ptr<Store>> opened = Store::open(dir, app_.document_root());
  if (opened) {
    store_ = *opened;
    error_.reset();
  } else {
    store_.reset();
    error_ = opened.error();
  }
  return opened;
}

}  // namespace b24
