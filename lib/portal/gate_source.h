// gate_source: the shared politeness towards the settings' portal, opened when first asked for.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "portal/gate.h"
#include "settings/app.h"

namespace b24 {

// Safe from all threads.
class GateSource {
 public:
  // `app` must outlive this.
  explicit GateSource(AppSource& app) : app_(app) {}
  // `reserve`: places in the bucket that this user leaves to others (event actions leave room for
  // leads).
  Result<std::shared_ptr<Gate>> current(int reserve = 0);

 private:
  AppSource& app_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Gate>> gates_;  // by reserve
  std::string gates_for_;                       // portal and directory they belong to
};

}  // namespace b24
