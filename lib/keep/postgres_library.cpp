// postgres_library: see postgres_library.h.
#include "keep/postgres_library.h"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <string>
#include <utility>

namespace b24 {
namespace {

std::unexpected<Error> no_libpq(std::string why) {
  return std::unexpected(Error{ErrorKind::settings, "libpq_missing",
                               "[data] store: libpq cannot be used: " + std::move(why),
                               "install it (Debian: apt install libpq5), then restart the pages; "
                               "the programs of the folder for shared hosting cannot use it"});
}

std::string dl_fault() {
  return dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it per thread
}

Result<Libpq> load_libpq() {
  if (getauxval(AT_BASE) == 0) return no_libpq("this program is a static one");
  void* library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return no_libpq(dl_fault());
  Libpq libpq{};
#define B24_FIND(name)                                                             \
  libpq.name = reinterpret_cast<decltype(libpq.name)>(dlsym(library, "PQ" #name)); \
  if (libpq.name == nullptr) return no_libpq(dl_fault());
  B24_POSTGRES_FUNCTIONS(B24_FIND)
#undef B24_FIND
  return libpq;
}

}  // namespace

const Result<Libpq>& postgres_library() {
  static const Result<Libpq> loaded = load_libpq();
  return loaded;
}

}  // namespace b24
