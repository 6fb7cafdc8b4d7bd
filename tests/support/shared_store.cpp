// shared_store: see shared_store.h.
#include "shared_store.h"

#include <cstdlib>
#include <stdexcept>

#include "keep/store_postgres.h"
#include "postgres.h"

namespace b24::test {

bool on_postgres() {
  const char* store = std::getenv("STORE");
  return store != nullptr && std::string_view(store) == "postgres";
}

SharedStore new_shared_store() {
  if (!on_postgres()) return {};
  Postgres& postgres = shared_postgres();
  const std::string name = postgres.new_database(), url = postgres.url(name);
  const auto made = migrate_shared(postgres.owner_url(name), url);
  if (!made) throw std::runtime_error(made.error().cause);
  return {url, true};
}

}  // namespace b24::test
