// machine: a second machine's programs beside those of a site, on one PostgreSQL, behind the site's
// nginx.
#pragma once

#include <map>
#include <string>

#include "postgres.h"
#include "process.h"
#include "site.h"

namespace b24::test {

// The settings of a site whose store is this one; the portal is asked with little patience.
std::string cluster_settings(const std::string& store, const std::string& more = "");

// Makes the tables, as their owner.
void migrate(const std::string& owner_url, const std::string& url);

class Machine {
 public:
  // Has the settings of the site, in a directory of its own; nginx hands on to both from now on.
  explicit Machine(const Site& site);

  void start();
  void kill();  // -9 for all of it at once
  std::filesystem::path data_dir() const { return dir_ / "data"; }
  // A program of it from the shell.
  Ran shell(const std::string& program, std::vector<std::string> arguments) const;

 private:
  std::string socket(const std::string& name) const { return (dir_ / (name + ".sock")).string(); }

  TempDir dir_;
  std::map<std::string, Process> programs_;
};

}  // namespace b24::test
