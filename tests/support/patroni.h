// patroni: three nodes of PostgreSQL that Patroni and etcd keep, made by conf/patroni.yml.example:
// its commands, its SQL and itself, with other addresses and directories.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "process.h"
#include "tls_server.h"

namespace b24::test {

class Patroni {
 public:
  // Each node has processes of its own, which takes root.
  static bool is_possible();
  Patroni();  // throws when it does not get ready

  // For libpq, as the README writes it: db1, db2 and db3 by TLS, the password in a file.
  std::string url(const std::string& role = "b24app") const;
  // As the owner, when there is a leader.
  std::string ask(const std::string& sql) const;
  int leader() const;  // 0: there is none
  void kill_machine(int node);
  void kill_postgres(int node) const;

 private:
  std::string of_node(const std::string& text, int node) const;
  void start_etcd(int node);
  void start_patroni(int node);
  void make_roles(int leader) const;
  // How many members are so, as Patroni says.
  int count(const std::string& role) const;

  const Authority authority_;
  TempDir dir_;
  const std::string example_;
  std::vector<std::unique_ptr<Process>> etcds_, nodes_;
};

}  // namespace b24::test
