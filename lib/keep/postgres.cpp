// postgres: see postgres.h.
#include "keep/postgres.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "keep/store_postgres.h"

namespace b24 {

namespace {

constexpr Millis kAnswerTime = 3'000;  // a visitor, or the portal, waits for it
constexpr Millis kCancelTime = 1'000;

// Whoever writes in order waits for his turn; the server tells who would confirm, and which process
// of its own this is.
constexpr const char* kBeginInOrder =
    "BEGIN; SELECT pg_advisory_xact_lock(24); SELECT version, oldest_program,"
    " current_setting('synchronous_standby_names'),"
    " (SELECT count(*) FROM pg_stat_get_wal_senders()), pg_backend_pid() FROM versions";
constexpr const char* kBeginLoose = "BEGIN; SET LOCAL synchronous_commit = off";
// A machine that died in a transaction holds the others up for seconds only.
constexpr const char* kSession =
    "SET search_path = b24hooks, pg_catalog; SET synchronous_commit = on; SET lock_timeout = 2500;"
    " SET statement_timeout = 10000; SET idle_in_transaction_session_timeout = 10000;"
    " SET tcp_user_timeout = 3000; SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1;"
    " SET tcp_keepalives_count = 3; SET default_transaction_isolation = 'read committed';"
    " SET client_min_messages = 'warning'";

struct StateMeaning {
  std::string_view begins;  // of SQLSTATE
  const char* name;
  const char* remedy;
};
constexpr StateMeaning kStateMeanings[] = {
    {"55P03", "busy", "see which session of the database holds its locks (pg_locks)"},
    {"40", "busy", ""},
    {"57014", "busy", "see whether the database is overloaded"},
    {"53100", "disk_full", "free space where the database's data lies"},
    {"53", "away", "give the database more connections or memory"},
    {"57P", "away", ""},
    {"08", "away", ""},
    {"25006", "away", ""},
    {"26000", "pooler", "name PostgreSQL itself, or set pool_mode = session"},
    {"3F000", "schema_missing", "run handler.fcgi --migrate as the owner of the database"},
    {"42P01", "schema_missing", "run handler.fcgi --migrate as the owner of the database"},
    {"42883", "schema_missing", "run handler.fcgi --migrate as the owner of the database"},
    {"42501", "permission", "run handler.fcgi --migrate as the owner of the database"},
};
constexpr StateMeaning kOtherState = {"", "database", ""};

const StateMeaning& state_meaning(std::string_view state) {
  for (const StateMeaning& row : kStateMeanings)
    if (state.starts_with(row.begins)) return row;
  return kOtherState;
}

Error unconfirmed(const std::string& why) {
  return {ErrorKind::storage, "unconfirmed",
          "PostgreSQL: nobody knows whether it is kept on two nodes: " + why,
          "see whether the standbys run and stream (pg_stat_replication)"};
}

// SQLite's text as PostgreSQL takes it; how many parameters it has.
std::pair<std::string, std::size_t> translated(std::string_view sql) {
  constexpr std::string_view kHint = " INDEXED BY ";
  std::string text;
  std::size_t count = 0, most = 0;
  for (std::size_t at = 0; at < sql.size();) {
    if (sql.substr(at).starts_with(kHint)) {
      at = std::min(sql.find_first_of(" )", at + kHint.size()), sql.size());
    } else if (sql[at] == '\'') {
      const std::size_t end = sql.find('\'', at + 1) + 1;
      text += sql.substr(at, end - at);
      at = end;
    } else if (sql[at] == '?') {
      const std::size_t end = std::min(sql.find_first_not_of("0123456789", at + 1), sql.size());
      count = end == at + 1 ? count + 1
                            : static_cast<std::size_t>(
                                  std::atoi(std::string(sql.substr(at + 1, end - at - 1)).c_str()));
      most = std::max(most, count);
      text += "$" + std::to_string(count);
      at = end;
    } else {
      text += sql[at++];
    }
  }
  return {std::move(text), most};
}

std::string one_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

}  // namespace

class PostgresStatement final : public Statement {
 public:
  PostgresStatement(PostgresDatabase& db, std::string name, std::string sql, std::size_t parameters)
      : db_(db),
        name_(std::move(name)),
        sql_(std::move(sql)),
        types_(parameters, kText),
        texts_(parameters) {}

  void bind(int index, std::int64_t number) override {
    put(index, kBigint, std::to_string(number));
  }
  void bind(int index, std::string_view bytes) override {
    const bool is_text = !bytes.contains('\0') && text::is_valid_utf8(bytes);
    put(index, kText, is_text ? std::string(bytes) : text::to_valid_utf8(bytes));
  }
  Result<bool> step() override {
    if (result_ != nullptr) return ++row_ < db_.pq_.ntuples(result_.get());
    if (wrong_) {
      return std::unexpected(
          Error{ErrorKind::storage, "database", "PostgreSQL: a parameter too many: " + sql_, ""});
    }
    if (auto run = execute(); !run) return std::unexpected(run.error());
    row_ = 0;
    return db_.pq_.ntuples(result_.get()) > 0;
  }
  std::int64_t integer(int column) const override {
    return std::strtoll(db_.pq_.getvalue(result_.get(), row_, column), nullptr, 10);
  }
  std::string text(int column) const override {
    return {db_.pq_.getvalue(result_.get(), row_, column),
            static_cast<std::size_t>(db_.pq_.getlength(result_.get(), row_, column))};
  }
  void reset() override {
    result_.reset();
    wrong_ = false;
  }

 private:
  static constexpr Oid kBigint = 20, kText = 25;

  void put(int index, Oid type, std::string text) {
    const auto place = static_cast<std::size_t>(index - 1);
    if (place >= types_.size()) {
      wrong_ = true;
      return;
    }
    types_[place] = type;
    texts_[place] = std::move(text);
  }

  // The types are known when it is run for the first time, and stay.
  Status execute() {
    PGconn* const connection = db_.connection_.get();
    const auto count = static_cast<int>(types_.size());
    if (!prepared_) {
      const auto made = db_.answer(
          db_.pq_.sendPrepare(connection, name_.c_str(), sql_.c_str(), count, types_.data()) == 1,
          sql_);
      if (!made) return std::unexpected(made.error());
      prepared_ = true;
    }
    std::vector<const char*> values;
    for (const std::string& text : texts_) values.push_back(text.c_str());
    auto got = db_.answer(db_.pq_.sendQueryPrepared(connection, name_.c_str(), count, values.data(),
                                                    nullptr, nullptr, 0) == 1,
                          sql_);
    if (!got) return std::unexpected(got.error());
    result_ = std::move(*got);
    db_.changes_ = std::atoll(db_.pq_.cmdTuples(result_.get()));
    return {};
  }

  PostgresDatabase& db_;
  const std::string name_, sql_;
  std::vector<Oid> types_;
  std::vector<std::string> texts_;
  bool wrong_ = false, prepared_ = false;
  PostgresDatabase::Answer result_{nullptr, nullptr};
  int row_ = 0;
};

PostgresDatabase::PostgresDatabase(const Libpq& pq, Connection connection)
    : pq_(pq), connection_(std::move(connection)), answer_time_(kAnswerTime) {
  pq_.setnonblocking(connection_.get(), 1);
  const auto note = [](void* self, const PGresult* notice) {
    auto& own = *static_cast<PostgresDatabase*>(self);
    const char* severity = own.pq_.resultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::strcmp(severity, "WARNING") == 0)
      own.warning_ = one_line(own.pq_.resultErrorMessage(notice));
  };
  pq_.setNoticeReceiver(connection_.get(), note, this);
}

PostgresDatabase::~PostgresDatabase() {
  statements_.clear();
}

Result<std::unique_ptr<Statement>> PostgresDatabase::make(std::string_view sql) {
  auto [text, parameters] = translated(sql);
  // Behind a pooler it must not be another session's statement that has the name.
  std::string name =
      std::to_string(pq_.backendPID(connection_.get())) + "." + std::to_string(++statements_made_);
  return std::make_unique<PostgresStatement>(*this, std::move(name), std::move(text), parameters);
}

Status PostgresDatabase::open_session() {
  return execute(kSession);
}

Status PostgresDatabase::execute(const char* sql) {
  const auto done = ask(sql);
  return done ? Status() : std::unexpected(done.error());
}

Result<PostgresDatabase::Answer> PostgresDatabase::ask(const char* sql) {
  return answer(pq_.sendQuery(connection_.get(), sql) == 1, sql);
}

Error PostgresDatabase::lose(std::string_view doing) {
  lost_ = true;
  std::string cause = "PostgreSQL: ";
  cause.append(doing.substr(0, doing.find_first_of("(\n"))).append(": ");
  return {ErrorKind::storage, "away", cause + one_line(pq_.errorMessage(connection_.get())),
          "see checkserver, and the database's own log"};
}

Error PostgresDatabase::error_of(const PGresult* result, std::string_view doing) {
  const char* state = pq_.resultErrorField(result, PG_DIAG_SQLSTATE);
  if (pq_.status(connection_.get()) == CONNECTION_BAD || state == nullptr) return lose(doing);
  const StateMeaning& row = state_meaning(state);
  if (std::strcmp(row.name, "away") == 0) lost_ = true;
  std::string cause = "PostgreSQL: ";
  cause.append(doing.substr(0, doing.find_first_of("(\n"))).append(": ");
  cause.append(one_line(pq_.resultErrorMessage(result))).append(" (").append(state).append(")");
  return {ErrorKind::storage, row.name, std::move(cause), row.remedy};
}

// In a thread of its own: it may wait for a server that has been stopped.
void PostgresDatabase::cancel() {
  PGcancel* const cancel = pq_.getCancel(connection_.get());
  if (cancel == nullptr) return;
  try {
    std::thread([&pq = pq_, cancel] {
      char why[256];
      pq.cancel(cancel, why, sizeof why);
      pq.freeCancel(cancel);
    }).detach();
  } catch (const std::system_error&) {
    pq_.freeCancel(cancel);  // no thread is to be had: it ends when it ends
  }
}

// What comes back for what was sent: the first error, or the last of several results.
Result<PostgresDatabase::Answer> PostgresDatabase::answer(bool sent, std::string_view doing) {
  PGconn* const connection = connection_.get();
  if (lost_ || !sent) return std::unexpected(lose(doing));
  Answer last(nullptr, pq_.clear);
  bool failed = false, cancelled = false;
  for (Millis deadline = steady_ms() + answer_time_;;) {
    const int unsent = pq_.flush(connection);
    if (unsent < 0) return std::unexpected(lose(doing));
    if (pq_.isBusy(connection) == 0) {
      PGresult* const next = pq_.getResult(connection);
      if (next == nullptr) break;
      Answer kept(next, pq_.clear);
      const auto status = pq_.resultStatus(next);
      if (!failed) last = std::move(kept);
      failed = failed || (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK);
      continue;
    }
    pollfd socket{pq_.socket(connection),
                  static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), 0};
    const Millis left = deadline - steady_ms();
    if (left > 0) {
      const int ready = ::poll(&socket, 1, static_cast<int>(left));
      if (ready > 0 && pq_.consumeInput(connection) == 0) return std::unexpected(lose(doing));
    } else if (cancelled) {
      return std::unexpected(lose(doing));
    } else {
      cancel();
      cancelled = true;
      deadline = steady_ms() + kCancelTime;
    }
  }
  if (failed || last == nullptr) return std::unexpected(error_of(last.get(), doing));
  return last;
}

Result<bool> PostgresDatabase::hear(const std::stop_token& stop, Millis longest) {
  PGconn* const connection = connection_.get();
  pollfd socket{pq_.socket(connection), POLLIN, 0};
  const std::stop_callback stopped(stop, [&] { ::shutdown(socket.fd, SHUT_RDWR); });
  const Millis end = steady_ms() + longest;
  for (;;) {
    bool heard = false;
    for (; PGnotify* const one = pq_.notifies(connection); heard = true) pq_.freemem(one);
    const Millis left = end - steady_ms();
    if (heard || left <= 0) return heard;
    if (::poll(&socket, 1, static_cast<int>(left)) > 0 && pq_.consumeInput(connection) == 0)
      return std::unexpected(lose("LISTEN"));
  }
}

Status PostgresDatabase::set_sync(Sync sync) {
  loose_ = sync == Sync::loose;
  return {};
}

Status PostgresDatabase::begin() {
  warning_.clear();
  const auto begun = ask(loose_ ? kBeginLoose : kBeginInOrder);
  if (!begun) return std::unexpected(begun.error());
  if (loose_) return {};
  // It may have been migrated, or have moved, under who works on it.
  const auto fits = check_shared_version(std::atoll(pq_.getvalue(begun->get(), 0, 0)),
                                         std::atoll(pq_.getvalue(begun->get(), 0, 1)));
  if (!fits) return fits;
  if (pq_.getvalue(begun->get(), 0, 4) != pid_) return std::unexpected(pooler());
  if (!replicated_) return {};
  const bool named = *pq_.getvalue(begun->get(), 0, 2) != '\0';
  const bool present = std::strcmp(pq_.getvalue(begun->get(), 0, 3), "0") != 0;
  if (named && present) return {};
  roll_back();   // while that works: nobody is to wait for what this has locked
  lost_ = true;  // perhaps another is the primary now, and the standbys are with that
  return std::unexpected(
      named ? Error{ErrorKind::storage, "no_standby",
                    "PostgreSQL: no standby is connected, so nothing can be kept on two nodes",
                    "start a standby"}
            : Error{ErrorKind::storage, "not_replicated",
                    "PostgreSQL: synchronous_standby_names is empty: what is kept is on one node",
                    "set it to 'ANY 1 (NAMES)', or [store] replicated = no"});
}

Status PostgresDatabase::commit() {
  if (pq_.transactionStatus(connection_.get()) == PQTRANS_INERROR) {  // COMMIT would undo it
    return std::unexpected(
        Error{ErrorKind::storage, "database", "PostgreSQL: a statement failed unseen", ""});
  }
  const auto done = ask("COMMIT");
  if (!done) {
    const Error& error = done.error();
    return std::unexpected(lost_ || error.code == "busy" ? unconfirmed(error.cause) : error);
  }
  if (warning_.empty() || loose_) return {};
  lost_ = true;  // as above
  return std::unexpected(unconfirmed(warning_));
}

void PostgresDatabase::roll_back() {
  const auto state = pq_.transactionStatus(connection_.get());
  if (lost_ || state == PQTRANS_IDLE) return;
  if (!ask("ROLLBACK")) lost_ = true;
}

}  // namespace b24
