// spill: where an event goes when the store cannot take it: an append-only file in the data
// directory, synced, taken into the store later.
//
// Some room is reserved for it while there is room, so that it works on a full disk. A record is a
// line "event LENGTH CHECK" (CHECK: the first 16 hex digits of the text's SHA-256) and that many
// bytes of php::serialize, then a line break. A record that is not whole was never answered with
// 200 (its process was killed, the disk was full) and is passed over; those after it count. Safe
// from all threads and processes.
#pragma once

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "keep/store.h"

namespace b24 {

class Spill {
 public:
  explicit Spill(const std::filesystem::path& dir) : file_(dir / "spill.events") {}

  // Sees that the reserve is there (cheap when it is); what fails is no error: a full disk has none
  // to give.
  void reserve();
  // The item is on the disk when this returns.
  Status keep(const NewItem& item);
  // Cheap; whether there is anything to take in.
  bool holds_any() const;
  // Hands everything to `keep`, which has it on the disk when it returns, and empties the file: how
  // many. The first Error of `keep` ends it and leaves the file as it is. Items keep their ids, so
  // that nothing is doubled when it is handed over again after that, or after a crash.
  Result<int> take_in(const std::function<Status(const NewItem&)>& keep);

 private:
  std::filesystem::path file_;
};

}  // namespace b24
