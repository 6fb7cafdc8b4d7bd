// claimant: who works on an item. A claim belongs to a lock that the kernel drops when its owner
// dies, so that it neither lapses while the owner lives nor outlives it by a moment.
//
// Each claimant holds the lock on a file of its own, <data>/claims/<id>. On a data directory that
// several machines share nothing more can be known than what the file system's locks tell.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/files.h"

namespace b24 {

// Lets go of all its claims when it goes away.
class Claimant {
 public:
  static Result<Claimant> make(const std::filesystem::path& data_dir);
  Claimant(Claimant&&) noexcept = default;
  ~Claimant();

  const std::string& id() const { return id_; }

 private:
  Claimant(std::filesystem::path file, std::string id, FileHandle lock)
      : file_(std::move(file)), id_(std::move(id)), lock_(std::move(lock)) {}
  std::filesystem::path file_;
  std::string id_;
  FileHandle lock_;
};

// Whether the claimant of that id still holds its lock.
bool is_alive(const std::filesystem::path& data_dir, const std::string& id);
// Removes what dead claimants have left.
void sweep_claims(const std::filesystem::path& data_dir);

}  // namespace b24
