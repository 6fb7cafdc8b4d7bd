// claimant: see claimant.h.
#include "keep/claimant.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/secret.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

// Gets the lock only when nobody has it; then nobody needs the file any more.
bool is_held(const fs::path& file) {
  const FileHandle claim(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (claim.get() < 0) return errno != ENOENT;
  if (::flock(claim.get(), LOCK_EX | LOCK_NB) != 0) return true;
  ::unlink(file.c_str());
  return false;
}

}  // namespace

Result<Claimant> Claimant::make(const fs::path& data_dir) {
  const fs::path dir = data_dir / "claims";
  if (auto made = make_private_directory(dir); !made) return std::unexpected(made.error());
  const std::string id = secret::new_id();
  auto file = open_locked(dir / id);
  if (!file) return std::unexpected(file.error());
  return Claimant(dir / id, id, std::move(*file));
}

Claimant::~Claimant() {
  if (lock_.get() >= 0) ::unlink(file_.c_str());
}

bool is_alive(const fs::path& data_dir, const std::string& id) {
  return is_held(data_dir / "claims" / id);
}

void sweep_claims(const fs::path& data_dir) {
  std::error_code fault;
  for (const auto& entry : fs::directory_iterator(data_dir / "claims", fault)) {
    is_held(entry.path());
  }
}

}  // namespace b24
