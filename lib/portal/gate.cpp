// gate: the file that all processes share, and what users ask.
#include "portal/gate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "portal/gate_book.h"
#include "value/value.h"

namespace b24 {
namespace {

constexpr std::int64_t kFileVersion = 2;
constexpr const char* kTables = R"sql(
DROP TABLE IF EXISTS portals;
DROP TABLE IF EXISTS methods;
CREATE TABLE portals(
  portal TEXT PRIMARY KEY,
  level REAL NOT NULL,
  updated_at INTEGER NOT NULL,
  bucket_until INTEGER NOT NULL,
  bucket_refusals INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  openings INTEGER NOT NULL,
  open_until INTEGER NOT NULL,
  probe_until INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  under_way TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE methods(
  portal TEXT NOT NULL,
  method TEXT NOT NULL,
  blocked_until INTEGER NOT NULL,
  refusals INTEGER NOT NULL,
  reset_at INTEGER NOT NULL,
  PRIMARY KEY(portal, method)) WITHOUT ROWID;
PRAGMA user_version = 2;
)sql";

std::string in_words(const std::vector<Millis>& times) {
  std::string words;
  for (const Millis time : times) words += std::to_string(time) + " ";
  return words;
}

std::vector<Millis> from_words(const std::string& words) {
  std::vector<Millis> times;
  for (const std::string& word : text::split(words)) times.push_back(Value(word).integer());
  return times;
}

Result<std::int64_t> version_of(Database& database) {
  auto row = database.prepare("PRAGMA user_version");
  if (!row) return std::unexpected(row.error());
  if (const auto there = row->step(); !there) return std::unexpected(there.error());
  return row->integer(0);
}

// What another version wrote down is not worth keeping.
Status make_tables(Database& database) {
  const auto at_first = version_of(database);
  if (!at_first) return std::unexpected(at_first.error());
  if (*at_first == kFileVersion) return {};
  auto transaction = Transaction::begin(database);
  if (!transaction) return std::unexpected(transaction.error());
  const auto version = version_of(database);
  if (!version) return std::unexpected(version.error());
  if (*version == kFileVersion) return {};
  if (auto made = database.execute(kTables); !made) return made;
  return transaction->commit();
}

}  // namespace

// --- The file ---

Gate::Gate(const std::filesystem::path& dir, std::string portal, int size, double drain,
           int reserve, Clock clock)
    : file_(dir / "gate.db"),
      book_(std::make_unique<Book>()),
      portal_(std::move(portal)),
      size_(size),
      drain_(drain),
      reserve_(reserve),
      clock_(std::move(clock)) {}

Gate::~Gate() = default;

Result<std::shared_ptr<Gate>> Gate::open(const std::filesystem::path& dir, std::string portal,
                                         int size, double drain, int reserve, Clock clock) {
  std::shared_ptr<Gate> gate(
      new Gate(dir, std::move(portal), size, drain, reserve, std::move(clock)));
  if (auto opened = gate->open_file(); !opened) return std::unexpected(opened.error());
  return gate;
}

Status Gate::open_file() {
  if (database_ != nullptr) return {};
  auto database = Database::open(file_, Database::Sync::normal);
  if (!database) return std::unexpected(database.error());
  if (auto made = make_tables(**database); !made) return made;
  database_ = std::move(*database);
  return {};
}

Result<Gate::Book> Gate::load() {
  if (auto opened = open_file(); !opened) return std::unexpected(opened.error());
  Book book;
  auto row = database_->prepare(
      "SELECT level, updated_at, bucket_until, bucket_refusals, failures, openings, open_until,"
      " probe_until, last_error, under_way FROM portals WHERE portal = ?");
  if (!row) return std::unexpected(row.error());
  const auto there = row->bind(1, portal_).step();
  if (!there) return std::unexpected(there.error());
  if (!*there) {  // also when somebody deleted the file
    book.portal = book_->portal;
  } else {
    book.portal = {row->real(0),    row->integer(1),         row->integer(2), row->integer(3),
                   row->integer(4), row->integer(5),         row->integer(6), row->integer(7),
                   row->text(8),    from_words(row->text(9))};
  }
  auto methods = database_->prepare(
      "SELECT method, blocked_until, refusals, reset_at FROM methods WHERE portal = ?");
  if (!methods) return std::unexpected(methods.error());
  methods->bind(1, portal_);
  for (;;) {
    const auto next = methods->step();
    if (!next) return std::unexpected(next.error());
    if (!*next) return book;
    book.methods[methods->text(0)] = {methods->integer(1), methods->integer(2),
                                      methods->integer(3)};
  }
}

Status Gate::save(const Book& book) {
  const Book::Portal& portal = book.portal;
  const std::string under_way = in_words(portal.under_way);
  auto row = database_->prepare("REPLACE INTO portals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!row) return std::unexpected(row.error());
  row->bind(1, portal_)
      .bind(2, portal.level)
      .bind(3, portal.updated_at)
      .bind(4, portal.bucket_until)
      .bind(5, portal.bucket_refusals)
      .bind(6, portal.failures)
      .bind(7, portal.openings)
      .bind(8, portal.open_until)
      .bind(9, portal.probe_until)
      .bind(10, portal.last_error)
      .bind(11, under_way);
  return row->run();
}

Status Gate::save_methods(const Book& book) {
  auto clear = database_->prepare("DELETE FROM methods WHERE portal = ?");
  if (!clear) return std::unexpected(clear.error());
  if (auto done = clear->bind(1, portal_).run(); !done) return done;
  for (const auto& [name, method] : book.methods) {
    auto row = database_->prepare("INSERT INTO methods VALUES (?, ?, ?, ?, ?)");
    if (!row) return std::unexpected(row.error());
    row->bind(1, portal_)
        .bind(2, name)
        .bind(3, method.blocked_until)
        .bind(4, method.refusals)
        .bind(5, method.reset_at);
    if (auto done = row->run(); !done) return done;
  }
  return {};
}

Status Gate::change_in_file(const std::function<void(Book&)>& work) {
  if (auto opened = open_file(); !opened) return opened;
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return std::unexpected(transaction.error());
  auto book = load();
  if (!book) return std::unexpected(book.error());
  const auto methods = book->methods;
  book->catch_up(clock_(), drain_);
  work(*book);
  if (auto saved = save(*book); !saved) return saved;
  if (book->methods != methods) {
    if (auto saved = save_methods(*book); !saved) return saved;
  }
  if (auto committed = transaction->commit(); !committed) return committed;
  *book_ = std::move(*book);
  return {};
}

void Gate::change(const std::function<void(Book&)>& work) {
  const std::lock_guard lock(mutex_);
  const Status changed = change_in_file(work);
  if (changed) return;
  if (is_doubtful(changed.error())) database_.reset();
  book_->catch_up(clock_(), drain_);
  work(*book_);
}

Gate::Book Gate::look() {
  const std::lock_guard lock(mutex_);
  auto book = load();
  if (book) {
    *book_ = std::move(*book);
  } else if (is_doubtful(book.error())) {
    database_.reset();
  }
  book_->catch_up(clock_(), drain_);
  return *book_;
}

// --- What the users ask ---

Millis Gate::enter(std::string_view method) {
  // One second's drain stays free, since the portal's counter falls in steps of a second, and one
  // place, for whoever else has its eye on the portal from here.
  const double room = std::max(1.0, size_ - 1 - drain_ - reserve_);
  Millis wait = 0, now = 0;
  change([&](Book& book) {
    wait = book.enter(method, room, drain_);
    now = book.now;
  });
  if (wait == 0) {
    const std::lock_guard lock(mutex_);
    entered_.push_back(now);
  }
  return wait;
}

// Which of this process's calls it is does not matter: all of them end.
void Gate::end(const std::function<void(Book&)>& work) {
  Millis entered = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!entered_.empty()) {
      entered = entered_.front();
      entered_.pop_front();
    }
  }
  change([&](Book& book) {
    book.land(entered);
    work(book);
  });
}

void Gate::answered(std::string_view method, const Answer& answer) {
  end([&](Book& book) { book.answered(method, answer); });
}

void Gate::failed(std::string_view method, const CallError& error) {
  end([&](Book& book) { book.failed(method, error, size_); });
}

Millis Gate::closed_for(std::string_view method) {
  return look().closed_for(method);
}

void Gate::ran(std::string_view method, const std::expected<Answer, CallError>& outcome) {
  change([&](Book& book) { book.ran(method, outcome); });
}

void Gate::reopen() {
  change([](Book& book) { book.reopen(); });
}

bool Gate::is_open() {
  const Book book = look();
  return book.portal.open_until > book.now || book.portal.probe_until > book.now;
}

GateState Gate::state() {
  const Book book = look();
  return {.level = book.portal.level + static_cast<double>(book.portal.under_way.size()),
          .bucket_until = book.portal.bucket_until,
          .failures = static_cast<int>(book.portal.failures),
          .open_until = book.portal.open_until,
          .last_error = book.portal.last_error};
}

}  // namespace b24
