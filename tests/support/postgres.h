// postgres: a private PostgreSQL for a test: one node, or several with synchronous replication, on
// sockets in a directory of its own or by TCP, by a user without rights; all of it ends with the
// object.
#pragma once

#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "network.h"
#include "process.h"

namespace b24::test {

// Whose nodes are n1, n2, ...; a commit waits until any one of the others has it on its disk. At
// first n1 is the primary. A node dies with the thread that started it.
class Postgres {
 public:
  // Throws when it does not get ready. With addresses, one for each node, clients and standbys come
  // by TCP, whoever they are, and with a network n1 is in that.
  explicit Postgres(int nodes = 3, std::vector<std::string> addresses = {},
                    const OwnNetwork* network = nullptr);
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // An empty database; its name. The owner may do everything with it, "b24app" only connect.
  std::string new_database();
  // For libpq, with all nodes in it.
  std::string url(const std::string& database, const std::string& user = "b24app") const;
  std::string owner_url(const std::string& database) const { return url(database, "b24owner"); }
  // The same of one node alone.
  std::string url_of(int node, const std::string& database,
                     const std::string& user = "b24app") const;

  // As the superuser, on one node or on the primary: the rows, "|" between columns; throws on an
  // error. Each statement is a transaction of its own.
  std::string ask(int node, const std::string& sql, const std::string& database = "postgres") const;
  std::string ask(const std::string& sql, const std::string& database = "postgres") const {
    return ask(primary_, sql, database);
  }

  std::filesystem::path socket_dir(int node) const { return dir(node); }
  // Writes a file of the server's own (pg_hba.conf, a key) into its data directory.
  void put(int node, const std::string& name, const std::string& text) const;

  int primary() const { return primary_; }
  // How many standbys have all that the primary asks them to have, now.
  int standbys() const;

  void kill(int node);  // -9; waits until nothing of it is left
  void stop(int node);  // as its administrator does
  // As it was: a former primary comes back as one.
  void start(int node);
  // All its processes stand still, as on a machine that hangs; its sockets stay open.
  void freeze(int node) const { signal_all(node, SIGSTOP); }
  void thaw(int node) const { signal_all(node, SIGCONT); }
  // Of the other nodes that live, the one that has most becomes the primary; its number.
  int promote();
  // A node that was ended becomes a standby of the primary, from a copy of that.
  void rejoin(int node);
  void wait_for_standbys(int count) const;

 private:
  std::filesystem::path dir(int node) const { return dir_ / ("n" + std::to_string(node)); }
  std::filesystem::path data(int node) const { return dir(node) / "pg"; }
  // Where clients look for it.
  std::string host(int node) const;
  std::string hosts() const;  // parted by commas
  std::string as_superuser(int node, const std::string& database) const;
  void must_run(const std::string& program, const std::vector<std::string>& args) const;
  void configure(int node) const;
  void signal_all(int node, int number) const;
  void end(int node, int number);
  bool is_running(int node) const;

  TempDir dir_;
  const std::vector<std::string> addresses_;
  const OwnNetwork* const network_;
  int primary_ = 1;
  int databases_ = 0;
  std::vector<std::unique_ptr<Process>> nodes_;
};

std::filesystem::path postgres_programs();

// The command that runs a program as the user of the servers; by this signal it ends with who
// started it.
std::vector<std::string> as_server_user(const std::string& program,
                                        const std::vector<std::string>& args,
                                        const char* signal = "QUIT");
void give_to_server_user(const std::filesystem::path& path);

// One of three nodes for all tests of a process that leave it as it was; started when first asked
// for, by the thread that asks.
Postgres& shared_postgres();

}  // namespace b24::test
