// store_source: the store in the settings' data directory, opened when it is first asked for, since
// a CGI process pays for each thing that it opens.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "keep/store.h"
#include "settings/app.h"

namespace b24 {

// Safe from all threads.
class StoreSource {
 public:
  // `app` must outlive this.
  explicit StoreSource(AppSource& app) : app_(app) {}
  // After a failure it is tried again, at most once a second.
  Result<std::shared_ptr<Store>> current();

 private:
  AppSource& app_;
  std::mutex mutex_;
  std::shared_ptr<Store> store_;
  std::filesystem::path dir_;
  std::optional<Error> error_;
  Millis tried_at_ = 0;
};

}  // namespace b24
