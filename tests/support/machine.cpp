// machine: see machine.h.
#include "machine.h"

#include <signal.h>

#include <stdexcept>

#include "base/text.h"
#include "fcgi_client.h"

namespace b24::test {

std::string cluster_settings(const std::string& store, const std::string& more) {
  return "C_REST_WEB_HOOK_URL = https://localhost:1/rest/1/sandbox/\n[data]\ndir = data\n"
         "store = " +
         store +
         "\n[page]\ntemplates = " + (std::filesystem::current_path() / "templates").string() +
         "\n[portal]\napplication_token = 0123456789abcdef\n"
         "[portal_call]\nca_file = sandbox-ca.pem\ntotal_time = 4s\n"
         "[log]\nmax_size = 0\n[delivery]\nsettle = 8s\n[spam]\nper_address = "
         "0\n[checkserver]\naccess = public\n" +
         more;
}

void migrate(const std::string& owner_url, const std::string& url) {
  const TempDir dir;
  const std::string settings = (dir / "settings.conf").string();
  write_file(settings, cluster_settings(url));
  const Ran ran =
      run({{built("cgi-bin/handler.fcgi"), "--migrate", owner_url, "--settings", settings}});
  if (ran.status != 0) throw std::runtime_error("migrate: " + ran.out + ran.err);
}

Machine::Machine(const Site& site) {
  std::string settings = site.settings();
  text::replace_all(settings, "sandbox-ca.pem", (site.run_dir() / "sandbox-ca.pem").string());
  write_file(dir_ / "settings.conf", settings);
  std::filesystem::create_directory(data_dir());
  std::filesystem::permissions(data_dir(), std::filesystem::perms::owner_all);
  std::filesystem::copy_file(site.run_dir() / "data/form.key", data_dir() / "form.key");
  const auto file = site.run_dir() / "nginx.conf";
  std::string conf = read_file(file);
  for (const std::string name : {"index", "handler", "handler-backup", "checkserver"}) {
    const std::string own = (site.run_dir() / (name + ".sock")).string();
    const std::size_t begin = conf.find("    server unix:" + own);
    if (begin == conf.npos) throw std::runtime_error("machine: no " + own + " in nginx.conf");
    std::string line = conf.substr(begin, conf.find('\n', begin) + 1 - begin);
    text::replace_all(line, own, socket(name));
    conf.insert(begin, line);
  }
  write_file(file, conf);
  start();
  ::kill(site.pid("nginx"), SIGHUP);
}

void Machine::start() {
  for (const std::string name : {"index", "handler", "handler-backup", "checkserver"}) {
    const std::string program = name.starts_with("handler") ? "handler" : name;
    programs_.erase(name);
    const auto& process =
        programs_
            .emplace(name, Command{{built("cgi-bin/" + program + ".fcgi"), "--settings",
                                    (dir_ / "settings.conf").string(), "--listen",
                                    "unix:" + socket(name)}})
            .first->second;
    if (!wait_until([&] { return listens("unix:" + socket(name)); }))
      throw std::runtime_error("machine: " + process.err());
  }
}

void Machine::kill() {
  for (const auto& [name, program] : programs_) program.signal(SIGKILL);
  programs_.clear();
}

Ran Machine::shell(const std::string& program, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), built("cgi-bin/" + program + ".fcgi"));
  arguments.insert(arguments.end(), {"--settings", (dir_ / "settings.conf").string()});
  return run({arguments});
}

}  // namespace b24::test
