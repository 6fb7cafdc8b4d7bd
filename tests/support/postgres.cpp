// postgres: see postgres.h.
#include "postgres.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "base/text.h"

namespace b24::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServerUser = "nobody";
constexpr const char* kSuperuser = "b24admin";

// The processes that a node's first process has started, and that one itself.
std::vector<pid_t> family(pid_t first) {
  std::vector<pid_t> pids{first};
  const fs::path children =
      "/proc/" + std::to_string(first) + "/task/" + std::to_string(first) + "/children";
  const std::string children_of = read_file(children);
  for (const std::string& pid : text::split(children_of)) pids.push_back(std::atoi(pid.c_str()));
  return pids;
}

}  // namespace

// Debian keeps the servers' programs apart by version, beside no PATH.
fs::path postgres_programs() {
  static const fs::path found = [] {
    const std::string dir{text::trim(run({{"pg_config", "--bindir"}}).out)};
    if (!fs::exists(dir + "/initdb")) throw std::runtime_error("postgres: make deps-test");
    return fs::path(dir);
  }();
  return found;
}

std::vector<std::string> as_server_user(const std::string& program,
                                        const std::vector<std::string>& args, const char* signal) {
  std::vector<std::string> command{"setpriv", "--pdeathsig", signal};
  if (::geteuid() == 0)
    command.insert(command.end(), {"--reuid", kServerUser, "--regid", "nogroup", "--clear-groups"});
  command.push_back(program);
  command.insert(command.end(), args.begin(), args.end());
  return command;
}

void give_to_server_user(const fs::path& path) {
  const passwd* const user = ::getpwnam(kServerUser);
  if (::geteuid() == 0 && ::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("postgres: chown " + path.string());
}

Postgres::Postgres(int nodes, std::vector<std::string> addresses, const OwnNetwork* network)
    : addresses_(std::move(addresses)), network_(network) {
  nodes_.resize(static_cast<std::size_t>(nodes));
  give_to_server_user(dir_.path());
  for (int node = 1; node <= nodes; ++node) {
    fs::create_directory(dir(node));
    give_to_server_user(dir(node));
  }
  must_run(postgres_programs() / "initdb",
           {"-D", data(1), "-U", kSuperuser, "-A", "trust", "--locale=C.UTF-8", "--encoding=UTF8",
            "--no-sync", "--no-instructions"});
  configure(1);
  // A copy of a cluster at rest is as good a beginning of a standby as a base backup.
  for (int node = 2; node <= nodes; ++node) {
    must_run("cp", {"-a", data(1), data(node)});
    configure(node);
    put(node, "standby.signal", "");
  }
  for (int node = 1; node <= nodes; ++node) start(node);
  wait_for_standbys(nodes - 1);
  ask("CREATE ROLE b24owner LOGIN; CREATE ROLE b24app LOGIN; GRANT pg_monitor TO b24app");
}

Postgres::~Postgres() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const int node = static_cast<int>(i) + 1;
    if (nodes_[i]) end(node, SIGQUIT);
    std::error_code ignored;
    fs::remove_all(data(node), ignored);  // thousands of files, none of them ours
  }
}

void Postgres::must_run(const std::string& program, const std::vector<std::string>& args) const {
  const Ran ran = run({as_server_user(program, args), {}, "", {}, dir_.path()}, 3 * kDeadline);
  if (ran.status != 0) throw std::runtime_error("postgres: " + program + ": " + ran.err);
}

void Postgres::configure(int node) const {
  std::string all = "n1";
  for (std::size_t i = 2; i <= nodes_.size(); ++i) all += ",n" + std::to_string(i);
  const std::string name = "n" + std::to_string(node);
  std::string conf = "listen_addresses='" + (addresses_.empty() ? "" : host(node)) +
                     "'\nunix_socket_directories='" + dir(node).string() + "'\ncluster_name='" +
                     name +
                     "'\nshared_buffers=16MB\nmax_connections=100\nwal_retrieve_retry_interval="
                     "100ms\n"
                     "wal_keep_size=64MB\ntimezone=UTC\nlc_messages=C\n";
  if (nodes_.size() > 1)
    conf += "synchronous_standby_names='ANY 1 (" + all +
            ")'\nprimary_conninfo='host=" + host(primary_) + "," + hosts() + " user=" + kSuperuser +
            " application_name=" + name + " target_session_attrs=read-write connect_timeout=2'\n";
  put(node, "postgresql.conf", conf);
  std::string rules;
  for (const std::string from : {"local all", "local replication", "host all", "host replication"})
    rules += from + (from.starts_with("host") ? " all all trust\n" : " all trust\n");
  put(node, "pg_hba.conf", rules);
}

void Postgres::put(int node, const std::string& name, const std::string& text) const {
  write_file(data(node) / name, text);
  give_to_server_user(data(node) / name);
}

// --- Databases

std::string Postgres::new_database() {
  std::string name = "b" + std::to_string(++databases_);
  ask("CREATE DATABASE " + name + " OWNER b24owner");
  ask("REVOKE ALL ON DATABASE " + name + " FROM public; GRANT CONNECT ON DATABASE " + name +
          " TO b24app; REVOKE ALL ON SCHEMA public FROM public; "
          "ALTER SCHEMA public OWNER TO b24owner; GRANT USAGE ON SCHEMA public TO b24app",
      name);
  return name;
}

std::string Postgres::host(int node) const {
  return addresses_.empty() ? dir(node).string() : addresses_[static_cast<std::size_t>(node - 1)];
}

std::string Postgres::hosts() const {
  std::string all = host(1);
  for (std::size_t i = 2; i <= nodes_.size(); ++i) all += "," + host(static_cast<int>(i));
  return all;
}

std::string Postgres::url(const std::string& database, const std::string& user) const {
  return "postgres://" + user + "@/" + database + "?host=" + hosts();
}

std::string Postgres::url_of(int node, const std::string& database, const std::string& user) const {
  return "postgres://" + user + "@/" + database + "?host=" + host(node);
}

// Always by the socket, which no network can cut.
std::string Postgres::as_superuser(int node, const std::string& database) const {
  return "host=" + dir(node).string() + " user=" + kSuperuser + " dbname=" + database;
}

std::string Postgres::ask(int node, const std::string& sql, const std::string& database) const {
  const Ran ran = run({{postgres_programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                        as_superuser(node, database)},
                       {},
                       sql});
  if (ran.status != 0) throw std::runtime_error("postgres: " + sql + ": " + ran.err);
  return std::string(text::trim(ran.out));
}

int Postgres::standbys() const {
  return std::atoi(ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND "
                       "sync_state IN ('sync', 'quorum')")
                       .c_str());
}

void Postgres::wait_for_standbys(int count) const {
  if (!wait_until([&] { return standbys() >= count; }, 3 * kDeadline))
    throw std::runtime_error("postgres: no standby streams: " +
                             ask("SELECT application_name, state, sync_state FROM "
                                 "pg_stat_replication"));
}

// --- Nodes

void Postgres::start(int node) {
  auto& process = nodes_[static_cast<std::size_t>(node - 1)];
  std::vector<std::string> command =
      as_server_user(postgres_programs() / "postgres", {"-D", data(node)});
  if (node == 1 && network_ != nullptr) command = network_->inside(std::move(command));
  process = std::make_unique<Process>(Command{command, {}, "", {}, dir_.path()});
  const auto answers = [&] {
    return run({{postgres_programs() / "pg_isready", "-q", "-d", as_superuser(node, "postgres")}})
               .status == 0;
  };
  wait_until([&] { return answers() || !process->running(); }, 3 * kDeadline);
  if (!process->running()) throw std::runtime_error("postgres: " + process->err());
}

bool Postgres::is_running(int node) const {
  const auto& process = nodes_[static_cast<std::size_t>(node - 1)];
  return process && process->running();
}

void Postgres::signal_all(int node, int number) const {
  for (const pid_t pid : family(nodes_[static_cast<std::size_t>(node - 1)]->pid()))
    ::kill(pid, number);
}

void Postgres::end(int node, int number) {
  auto& process = nodes_[static_cast<std::size_t>(node - 1)];
  if (!process->running()) return;
  const std::vector<pid_t> pids = family(process->pid());
  for (const pid_t pid : pids) ::kill(pid, SIGCONT);
  process->signal(number);
  process->wait(3 * kDeadline);
  // Its children see that it is gone a moment later; until then the next one cannot begin.
  wait_until(
      [&] { return std::ranges::none_of(pids, [](pid_t pid) { return ::kill(pid, 0) == 0; }); });
}

void Postgres::kill(int node) {
  end(node, SIGKILL);
}

void Postgres::stop(int node) {
  end(node, SIGINT);
}

int Postgres::promote() {
  int best = 0;
  std::string most = "0/0";
  for (std::size_t i = 1; i <= nodes_.size(); ++i) {
    const int node = static_cast<int>(i);
    if (node == primary_ || !is_running(node)) continue;
    // What one of two standbys has confirmed need not be on the other.
    const std::string got = ask(node, "SELECT greatest(pg_last_wal_receive_lsn(), '" + most + "')");
    if (best == 0 || got != most) best = node;
    most = got;
  }
  if (best == 0) throw std::runtime_error("postgres: no standby lives");
  ask(best, "SELECT pg_promote()");
  const int former = std::exchange(primary_, best);
  // As its administrator does: a receiver would wait for one that is silent without end.
  for (std::size_t i = 1; i <= nodes_.size(); ++i) {
    const int node = static_cast<int>(i);
    if (node == best || node == former || !is_running(node)) continue;
    configure(node);
    ask(node, "SELECT pg_reload_conf()");
  }
  return best;
}

void Postgres::rejoin(int node) {
  fs::remove_all(data(node));
  must_run(postgres_programs() / "pg_basebackup",
           {"-D", data(node), "-d", as_superuser(primary_, "postgres"), "-c", "fast", "-X",
            "stream", "--no-sync"});
  configure(node);
  put(node, "standby.signal", "");
  start(node);
}

Postgres& shared_postgres() {
  static Postgres postgres;
  return postgres;
}

}  // namespace b24::test
