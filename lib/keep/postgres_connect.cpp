// postgres_connect: which of the hosts is the one to work with.
#include <poll.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "keep/postgres.h"

namespace b24 {
namespace {

constexpr Millis kConnectTime = 2'500;
constexpr Millis kOthersTime = 500;  // that the others get, once one can be written to

constexpr const char* kWho =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
    " CASE WHEN pg_is_in_recovery() THEN ''"
    "  ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,"
    " (SELECT system_identifier FROM pg_control_system()), pg_backend_pid()";

using ConnectOptions = std::map<std::string, std::string>;

Error url_fault(std::string why) {
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return {ErrorKind::settings, "bad_store_url", "[data] store: " + std::move(why),
          "write it as postgres://USER@HOST1,HOST2/DATABASE?passfile=FILE"};
}

Result<ConnectOptions> options_of(const Libpq& pq, const std::string& url) {
  char* fault = nullptr;
  PQconninfoOption* const parsed = pq.conninfoParse(url.c_str(), &fault);
  if (parsed == nullptr) {
    std::string why = fault != nullptr ? fault : "it cannot be read";
    pq.freemem(fault);
    return std::unexpected(url_fault(std::move(why)));
  }
  ConnectOptions options;
  for (const PQconninfoOption* each = parsed; each->keyword != nullptr; ++each)
    if (each->val != nullptr) options[each->keyword] = each->val;
  pq.conninfoFree(parsed);
  // A dead machine is to be noticed in seconds, not in hours.
  for (const auto& [name, value] : ConnectOptions{{"application_name", "b24hooks"},
                                                  {"client_encoding", "UTF8"},
                                                  {"tcp_user_timeout", "3000"},
                                                  {"keepalives_idle", "2"},
                                                  {"keepalives_interval", "1"},
                                                  {"keepalives_count", "3"}})
    options.emplace(name, value);
  options.erase("target_session_attrs");  // all are asked
  return options;
}

// Parted by commas, with the empty ones.
std::vector<std::string> entries_of(const std::string& list) {
  std::vector<std::string> entries(1);
  for (const char c : list) {
    if (c == ',')
      entries.emplace_back();
    else
      entries.back() += c;
  }
  return entries;
}

// For each of the hosts.
std::vector<ConnectOptions> by_host(const ConnectOptions& options) {
  std::size_t count = 1;
  for (const char* name : {"host", "hostaddr"})
    if (options.contains(name)) count = std::max(count, entries_of(options.at(name)).size());
  std::vector<ConnectOptions> all(count, options);
  for (std::size_t i = 0; i < count; ++i) {
    for (const char* name : {"host", "hostaddr", "port"}) {
      if (!options.contains(name)) continue;
      const auto entries = entries_of(options.at(name));
      all[i][name] = entries.size() == 1 ? entries[0] : i < entries.size() ? entries[i] : "";
    }
  }
  return all;
}

// A host on its way to saying who it is.
class Candidate {
 public:
  Candidate(const Libpq& pq, const ConnectOptions& options)
      : pq_(pq), connection_(start(pq, options), pq.finish) {
    if (connection_ == nullptr || pq.status(connection_.get()) == CONNECTION_BAD) fail();
  }

  bool is_under_way() const { return step_ == Step::connecting || step_ == Step::asking; }
  bool is_writable() const { return step_ == Step::known && !read_only_; }
  bool lacks_password() const {
    return connection_ != nullptr && pq_.connectionNeedsPassword(connection_.get()) != 0;
  }
  pollfd waits_for() const { return {pq_.socket(connection_.get()), events_, 0}; }

  void go_on() {
    if (step_ == Step::connecting) {
      const auto state = pq_.connectPoll(connection_.get());
      events_ = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
      if (state == PGRES_POLLING_FAILED) fail();
      if (state != PGRES_POLLING_OK) return;
      step_ = Step::asking;
      events_ = POLLIN;
      if (pq_.sendQuery(connection_.get(), kWho) == 0) fail();
      return;
    }
    if (pq_.consumeInput(connection_.get()) == 0) return fail();
    while (step_ == Step::asking && pq_.isBusy(connection_.get()) == 0) take_answer();
  }

  std::string timeline, system, pid, fault;
  auto release() { return std::move(connection_); }

 private:
  enum class Step { connecting, asking, known, failed };

  static PGconn* start(const Libpq& pq, const ConnectOptions& options) {
    std::vector<const char*> names, values;
    for (const auto& [name, value] : options) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    return pq.connectStartParams(names.data(), values.data(), 0);
  }
  void fail() {
    step_ = Step::failed;
    if (fault.empty()) fault = connection_ ? pq_.errorMessage(connection_.get()) : "no memory";
  }
  void take_answer() {
    PGresult* const row = pq_.getResult(connection_.get());
    if (row == nullptr) {
      if (step_ == Step::asking) step_ = system.empty() ? Step::failed : Step::known;
      return;
    }
    if (pq_.resultStatus(row) == PGRES_TUPLES_OK) {
      read_only_ = *pq_.getvalue(row, 0, 0) == 't';
      timeline = pq_.getvalue(row, 0, 1);
      system = pq_.getvalue(row, 0, 2);
      pid = pq_.getvalue(row, 0, 3);
    } else {
      fault = pq_.resultErrorMessage(row);
    }
    pq_.clear(row);
  }

  const Libpq& pq_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
  Step step_ = Step::connecting;
  short events_ = POLLOUT;
  bool read_only_ = true;
};

// Until each has said who it is; those that are silent hold nobody up.
void ask_all(std::vector<Candidate>& hosts) {
  Millis deadline = steady_ms() + kConnectTime;
  bool found = false;
  for (;;) {
    std::vector<pollfd> sockets;
    std::vector<Candidate*> waiting;
    for (Candidate& host : hosts) {
      if (!found && host.is_writable()) {
        found = true;
        deadline = std::min(deadline, steady_ms() + kOthersTime);
      }
      if (!host.is_under_way()) continue;
      sockets.push_back(host.waits_for());
      waiting.push_back(&host);
    }
    const Millis left = deadline - steady_ms();
    if (waiting.empty() || left <= 0) return;
    if (::poll(sockets.data(), sockets.size(), static_cast<int>(left)) < 0 && errno != EINTR)
      return;
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (sockets[i].revents != 0) waiting[i]->go_on();
  }
}

std::string without_breaks(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

Error no_primary(const std::vector<Candidate>& hosts) {
  std::string why;
  for (const Candidate& host : hosts) {
    if (!why.empty()) why += "; ";
    why += host.is_under_way()     ? "no answer in time"
           : !host.fault.empty()   ? without_breaks(host.fault)
           : host.timeline.empty() ? "a standby"
                                   : "read-only";
  }
  const bool unread = std::ranges::any_of(hosts, &Candidate::lacks_password);
  return {ErrorKind::storage, "away", "PostgreSQL: no host can be written to: " + why,
          unread ? "passfile must name a file, closed to others (mode 0600), with a line for this "
                   "host, database and role"
                 : "see checkserver, and the database's own log"};
}

// What was seen newest: "system timeline". Another system is another database.
Status check_timeline(const Candidate& host, const std::filesystem::path& dir) {
  if (dir.empty()) return {};
  const std::filesystem::path file = dir / "timeline";
  const std::string known = read_file(file, 100).value_or("");
  const std::string now = host.system + " " + host.timeline + "\n";
  if (known.starts_with(host.system + " ") && known > now) {
    return std::unexpected(
        Error{ErrorKind::storage, "old_primary",
              "PostgreSQL: an old primary has come back (timeline " + host.timeline +
                  "; there was a newer one)",
              "stop it, and make it a standby of the new one (pg_rewind, or pg_basebackup)"});
  }
  if (known == now) return {};
  auto made = open_private(file);
  if (!made) return std::unexpected(made.error());
  if (auto written = write_at(*made, file, now, 0); !written) return written;
  return sync_file(*made, file);
}

}  // namespace

Result<std::string> role_of(const std::string& url) {
  const auto& pq = postgres_library();
  if (!pq) return std::unexpected(pq.error());
  const auto options = options_of(*pq, url);
  if (!options) return std::unexpected(options.error());
  if (!options->contains("password"))
    return options->contains("user") ? options->at("user") : std::string();
  return std::unexpected(Error{ErrorKind::settings, "password_in_url",
                               "[data] store holds a password, which ends up in logs and lists",
                               "put it into a file (mode 0600; passfile=FILE in the URL)"});
}

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::connect(const PostgresPlace& place) {
  if (auto role = role_of(place.url); !role) return std::unexpected(role.error());
  const Libpq& pq = *postgres_library();
  const auto options = by_host(*options_of(pq, place.url));
  std::vector<Candidate> hosts;
  for (const ConnectOptions& each : options) hosts.emplace_back(pq, each);
  ask_all(hosts);
  Candidate* best = nullptr;
  for (Candidate& host : hosts)
    if (host.is_writable() && (best == nullptr || host.timeline > best->timeline)) best = &host;
  if (best == nullptr) return std::unexpected(no_primary(hosts));
  if (auto newest = check_timeline(*best, place.dir); !newest)
    return std::unexpected(newest.error());
  std::unique_ptr<PostgresDatabase> made(new PostgresDatabase(pq, best->release()));
  made->replicated_ = place.replicated;
  made->pid_ = best->pid;
  Status ready;
  if (made->is_pooled()) {
    std::vector<Candidate> other;
    other.emplace_back(pq, options[static_cast<std::size_t>(best - hosts.data())]);
    ask_all(other);
    ready = other[0].pid == best->pid ? std::unexpected(pooler()) : made->expect_session();
  }
  if (ready) ready = made->open_session();
  if (!ready) return std::unexpected(ready.error());
  return made;
}

// A pooler in between shows by another process's number than the server's own. It does no harm as
// long as the session is one process's; where none is idle, another session may not get this one.
bool PostgresDatabase::is_pooled() const {
  return pid_ != std::to_string(pq_.backendPID(connection_.get()));
}

Status PostgresDatabase::expect_session() {
  constexpr int kTimes = 20;  // on a busy pooler one is soon another
  for (int i = 0; i < kTimes; ++i) {
    const auto now = ask("SELECT pg_backend_pid()");
    if (!now) return std::unexpected(now.error());
    if (pq_.getvalue(now->get(), 0, 0) != pid_) return std::unexpected(pooler());
  }
  return {};
}

Error PostgresDatabase::pooler() {
  return {ErrorKind::settings, "pooler",
          "[data] store: a pooler (pgbouncer) in transaction mode is in between, which parts "
          "what belongs to one session",
          "name PostgreSQL itself, or set pool_mode = session"};
}

}  // namespace b24
