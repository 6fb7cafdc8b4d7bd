// patroni: see patroni.h.
#include "patroni.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "base/text.h"
#include "network.h"
#include "postgres.h"
#include "value/json.h"

namespace b24::test {
namespace {

namespace fs = std::filesystem;

constexpr int kNodes = 3;
constexpr auto kPatience = 3 * kDeadline;
const std::string kPassword = "of-the-roles";

void give(const fs::path& file, const std::string& text) {
  write_file(file, text);
  give_to_server_user(file);
}

std::string address_in_example(int node) {
  return "10.0.0." + std::to_string(node);
}

// What stands in its comments and begins so.
std::vector<std::string> commands(const std::string& example, const std::string& begin) {
  std::vector<std::string> found;
  for (const std::string& line : text::split(example, "\n"))
    if (line.starts_with("#      " + begin)) found.push_back(line.substr(7));
  return found;
}

Value members() {
  for (int node = 1; node <= kNodes; ++node) {
    const Ran ran = run({{"curl", "--silent", "--fail", "--max-time", "2",
                          "http://" + own_address(node) + ":8008/cluster"}});
    if (ran.status == 0) return json::parse(ran.out).value_or(Value())["members"];
  }
  return {};
}

}  // namespace

bool Patroni::is_possible() {
  return run({{"unshare", "--pid", "--fork", "--mount-proc", "true"}}).status == 0;
}

Patroni::Patroni() : example_(read_file("conf/patroni.yml.example")) {
  give_to_server_user(dir_.path());
  fs::create_directory(dir_ / "tls");
  give_to_server_user(dir_ / "tls");
  write_file(dir_ / "pass", "*:*:*:b24app:" + kPassword + "\n*:*:*:b24owner:" + kPassword + "\n");
  for (int node = 1; node <= kNodes; ++node) start_etcd(node);
  start_patroni(1);
  if (!wait_until([&] { return leader() == 1; }, kPatience))
    throw std::runtime_error("patroni: no leader: " + nodes_[0]->err());
  for (const int node : {2, 3}) start_patroni(node);
  make_roles(1);
  const auto ready = [&] { return count("sync_standby") == 1 && count("replica") == 1; };
  if (!wait_until(ready, kPatience))
    throw std::runtime_error("patroni: no standbys: " + json::print(members()) + nodes_[1]->err());
}

std::string Patroni::of_node(const std::string& text, int node) const {
  const std::string name = "db" + std::to_string(node);
  std::string made;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.contains(address_in_example(kNodes))) {
      text::replace_all(line, address_in_example(1), address_in_example(node));
      text::replace_all(line, "db1", name);
    }
    made += line + "\n";
  }
  text::replace_all(made, "10.0.0.0/24", "127.0.0.0/8");
  for (int each = 1; each <= kNodes; ++each)
    text::replace_all(made, address_in_example(each), own_address(each));
  text::replace_all(made, "/var/lib/postgresql/15/b24", (dir_ / name / "pg").string());
  text::replace_all(made, "/var/run/postgresql", (dir_ / name).string());
  text::replace_all(made, "/etc/ssl/b24", (dir_ / "tls").string());
  return made;
}

void Patroni::start_etcd(int node) {
  const fs::path data = dir_ / ("etcd" + std::to_string(node));
  fs::create_directory(data);
  give_to_server_user(data);
  std::vector<std::string> environment{"ETCD_DATA_DIR=" + data.string()};
  for (const std::string& line : commands(example_, "ETCD_"))
    environment.push_back(std::string(text::trim(of_node(line, node))));
  etcds_.push_back(
      std::make_unique<Process>(Command{as_server_user("etcd", {}), environment, "", {}, data}));
}

void Patroni::start_patroni(int node) {
  const std::string name = "db" + std::to_string(node);
  const fs::path home = dir_ / name, conf = dir_ / (name + ".yml");
  fs::create_directory(home);
  give_to_server_user(home);
  const std::string pem = pem_of(*authority_.issue(name));
  for (const char* kind : {".crt", ".key"}) give(dir_ / "tls" / (name + kind), pem);
  give(conf, of_node(example_, node));
  std::vector<std::string> command = as_server_user("patroni", {conf.string()}, "KILL");
  command.insert(command.begin(), {"unshare", "--pid", "--fork", "--mount-proc"});
  nodes_.push_back(
      std::make_unique<Process>(Command{command, {"HOME=" + home.string()}, "", {}, home}));
}

void Patroni::make_roles(int leader) const {
  std::string sql;
  for (const std::string& line : commands(example_, "CREATE ")) sql += line + "\n";
  text::replace_all(sql, "'...'", "'" + kPassword + "'");
  const Ran ran = run({{"psql", "-X", "-v", "ON_ERROR_STOP=1",
                        "host=" + own_address(leader) + " user=postgres dbname=postgres"},
                       {"PGPASSWORD=ChangeMe1"},
                       sql});
  if (ran.status != 0) throw std::runtime_error("patroni: " + ran.err);
}

std::string Patroni::url(const std::string& role) const {
  return "postgres://" + role + "@db1,db2,db3/b24?hostaddr=" + own_address(1) + "," +
         own_address(2) + "," + own_address(3) +
         "&sslmode=verify-full&sslrootcert=" + authority_.ca_file().string() +
         "&passfile=" + (dir_ / "pass").string();
}

std::string Patroni::ask(const std::string& sql) const {
  Ran ran;
  const auto answers = [&] {
    ran = run({{"psql", "-XAtq", "-c", sql,
                url("b24owner") + "&target_session_attrs=read-write&connect_timeout=2"}});
    return ran.status == 0;
  };
  if (!wait_until(answers, kPatience)) throw std::runtime_error("patroni: " + sql + ": " + ran.err);
  return std::string(text::trim(ran.out));
}

int Patroni::leader() const {
  const Value all = members();
  for (const Value::Member& each : all.members())
    if (each.value["role"].text() == "leader" && each.value["state"].text() == "running")
      return each.value["name"].text().back() - '0';
  return 0;
}

int Patroni::count(const std::string& role) const {
  const Value all = members();
  return static_cast<int>(std::ranges::count_if(all.members(), [&](const Value::Member& each) {
    return each.value["role"].text() == role && each.value["state"].text() == "running";
  }));
}

void Patroni::kill_postgres(int node) const {
  const fs::path data = dir_ / ("db" + std::to_string(node)) / "pg";
  run({{"pkill", "-KILL", "-f", "postgres -D " + data.string()}});
}

void Patroni::kill_machine(int node) {
  nodes_[static_cast<std::size_t>(node - 1)].reset();
  etcds_[static_cast<std::size_t>(node - 1)].reset();
}

}  // namespace b24::test
