// postgres: PostgreSQL behind Database, for the store that several machines work on.
//
// One text of SQL serves both engines: here "INDEXED BY name" is left out and ?, ?2 become $1, $2.
// What is bound as text and is none (NUL, invalid UTF-8) is stored with U+FFFD in its place, so
// that nobody can send what stops the store.
//
// A commit counts only when another node has it: the server waits for that, and each doubt (any
// warning, no answer within 3 s, a connection that is lost meanwhile) is the error "unconfirmed".
// The server's own time limits do not end that wait; the client cancels it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "keep/database.h"
#include "keep/postgres_library.h"

namespace b24 {

struct PostgresPlace {
  std::string url;            // may name several hosts
  std::filesystem::path dir;  // where the newest timeline that was seen is kept; empty: nowhere
  bool replicated = true;     // a commit must be on another node, too
};

class PostgresDatabase final : public Database {
 public:
  // Asks all hosts at once and takes the one that may be written to. Of several (an old primary may
  // have come back) it is that of the newest timeline; one older than was ever seen is refused.
  // Codes: "away", "old_primary", "pooler" (one that parts a session's transactions).
  static Result<std::unique_ptr<PostgresDatabase>> connect(const PostgresPlace& place);
  ~PostgresDatabase() override;

  Status execute(const char* sql) override;
  Status set_sync(Sync sync) override;
  std::int64_t changes() const override { return changes_; }
  bool is_shared() const override { return true; }
  bool is_lost() const override { return lost_; }

  std::string host() const { return pq_.host(connection_.get()); }
  std::string user() const { return pq_.user(connection_.get()); }
  // Waits until something has come on a channel that this listens to: true; or `longest` is over:
  // false. An Error when a stop is asked for, too; of no more use after that.
  Result<bool> hear(const std::stop_token& stop, Millis longest);
  void set_answer_time(Millis time) { answer_time_ = time; }  // of one statement

 private:
  friend class PostgresStatement;
  using Connection = std::unique_ptr<PGconn, void (*)(PGconn*)>;
  using Answer = std::unique_ptr<PGresult, void (*)(PGresult*)>;

  PostgresDatabase(const Libpq& pq, Connection connection);
  Result<std::unique_ptr<Statement>> make(std::string_view sql) override;
  Result<Answer> ask(const char* sql);
  Result<Answer> answer(bool sent, std::string_view doing);
  Error error_of(const PGresult* result, std::string_view doing);
  Error lose(std::string_view doing);
  void cancel();
  Status open_session();
  Status begin() override;
  Status commit() override;
  void roll_back() override;
  bool is_pooled() const;
  Status expect_session();
  static Error pooler();

  const Libpq& pq_;
  Connection connection_;
  std::string pid_;  // of the server's process
  bool replicated_ = false;
  bool loose_ = false;
  bool lost_ = false;
  std::string warning_;  // of the server, since the transaction began
  std::int64_t changes_ = 0;
  int statements_made_ = 0;
  Millis answer_time_;
};

// `url` can be taken apart, and holds no password; the role that it names, if it does.
Result<std::string> role_of(const std::string& url);

}  // namespace b24
