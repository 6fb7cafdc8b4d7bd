// gate: one leaky bucket, one operating-time gate and one circuit breaker per portal, shared by all
// processes through the data directory (gate.db).
#include "gate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "text.h"

namespace b24 {

// What is written down, as of `now`.
struct Gate::Book {
  struct Portal {
    double level = 0;
    Millis updated_at = 0;
    Millis bucket_until = 0;
    std::int64_t bucket_refusals = 0;  // in a row
    std::int64_t failures = 0;         // in a row
    std::int64_t openings = 0;         // in a row, of the breaker
    Millis open_until = 0;             // 0: closed
    Millis probe_until = 0;            // a probe is under way, for so long at most
    std::string last_error;
    bool operator==(const Portal&) const = default;
  };
  struct Method {
    Millis blocked_until = 0;
    std::int64_t refusals = 0;  // in a row
    bool operator==(const Method&) const = default;
  };

  Millis now = 0;
  Portal portal;
  std::map<std::string, Method, std::less<>> methods;

  // Brings the level to now. What was written down before the clock was set back moves with it.
  void catch_up(Millis time, double drain);
  Millis enter(std::string_view method, double room, double drain);
  void answered(std::string_view method, const Answer& answer);
  void failed(std::string_view method, const CallError& error, int size);

 private:
  Method& of(std::string_view method) { return methods[std::string(method)]; }
  void open_breaker(Millis time);
  void close_breaker();
};

namespace {

constexpr Millis kSecond = 1'000;
constexpr Millis kMinute = 60'000;
constexpr Millis kProbeTime = 70 * kSecond;     // longer than a call may take
constexpr Millis kLongestReset = 20 * kMinute;  // operating time is counted over ten
constexpr double kOperatingLimit = 480;         // seconds in ten minutes
constexpr int kFailuresToOpen = 3;

constexpr const char* kTables = R"sql(
CREATE TABLE IF NOT EXISTS portals(
  portal TEXT PRIMARY KEY,
  level REAL NOT NULL,
  updated_at INTEGER NOT NULL,
  bucket_until INTEGER NOT NULL,
  bucket_refusals INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  openings INTEGER NOT NULL,
  open_until INTEGER NOT NULL,
  probe_until INTEGER NOT NULL,
  last_error TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS methods(
  portal TEXT NOT NULL,
  method TEXT NOT NULL,
  blocked_until INTEGER NOT NULL,
  refusals INTEGER NOT NULL,
  PRIMARY KEY(portal, method)) WITHOUT ROWID;
)sql";

// 1 .. 1.5
double jitter() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(1.0, 1.5)(generator);
}

// `first` for the first time, doubling to `most`.
Millis doubling(Millis first, std::int64_t times_before, Millis most) {
  return std::min(first << std::min<std::int64_t>(times_before, 20), most);
}

Millis jittered(Millis time) {
  return static_cast<Millis>(static_cast<double>(time) * jitter());
}

// What a failure says about the portal and the method.
enum class Meaning {
  nothing,  // it is about us alone
  refused,  // the portal is well, it only did not like the request
  bucket_full,
  method_used_up,
  method_closed,
  portal_overload,
  portal_closed,
  portal_down,
};

Meaning meaning_of(const CallError& error) {
  const auto is = [&](std::string_view code) {
    return text::equal_ignoring_case(error.error.code, code);
  };
  if (is("gate") || is("not_run") || is("curl_missing")) return Meaning::nothing;
  if (is("QUERY_LIMIT_EXCEEDED")) return Meaning::bucket_full;
  if (is("OVERLOAD_LIMIT")) return Meaning::portal_overload;
  if (is("OPERATION_TIME_LIMIT") || error.status == 429) return Meaning::method_used_up;
  if (error.verdict == Verdict::blocked) {
    const bool whole = error.status == 401 || is("PORTAL_DELETED");
    return whole ? Meaning::portal_closed : Meaning::method_closed;
  }
  if (error.status >= 500 || (error.status == 0 && error.error.kind == ErrorKind::network))
    return Meaning::portal_down;
  return Meaning::refused;
}

}  // namespace

// --- The rules ---

void Gate::Book::catch_up(Millis time, double drain) {
  now = time;
  const Millis passed = time - std::exchange(portal.updated_at, time);
  if (passed >= 0) {
    portal.level = std::max(0.0, portal.level - drain * static_cast<double>(passed) / 1000);
    return;
  }
  for (Millis* until : {&portal.bucket_until, &portal.open_until, &portal.probe_until})
    if (*until != 0) *until += passed;
  for (auto& [name, known] : methods) known.blocked_until += passed;
}

Millis Gate::Book::enter(std::string_view method, double room, double drain) {
  const auto known = methods.find(method);
  if (known != methods.end() && known->second.blocked_until > now)
    return known->second.blocked_until - now;
  if (portal.open_until > now) return portal.open_until - now;
  const bool probing = portal.open_until != 0;
  if (probing && portal.probe_until > now) return std::min(portal.probe_until - now, kSecond);
  if (portal.bucket_until > now) return portal.bucket_until - now;
  const double over = portal.level + 1 - room;
  constexpr double kRounding = 1e-6;  // what sums of reals are off by
  if (over > kRounding)
    return std::max<Millis>(1, std::llround(std::ceil(over * 1000 / drain - kRounding)));
  portal.level += 1;
  if (probing) portal.probe_until = now + kProbeTime;
  return 0;
}

void Gate::Book::answered(std::string_view method, const Answer& answer) {
  close_breaker();
  if (portal.bucket_until <= now) portal.bucket_refusals = 0;
  if (answer.operating >= kOperatingLimit * 0.9) {
    const Millis reset = answer.operating_reset_at * 1000;
    of(method).blocked_until = reset > now ? std::min(reset, now + kLongestReset) : now + kMinute;
  } else if (const auto known = methods.find(method);
             known != methods.end() && known->second.blocked_until <= now) {
    methods.erase(known);
  }
}

void Gate::Book::failed(std::string_view method, const CallError& error, int size) {
  const Meaning meaning = meaning_of(error);
  if (meaning == Meaning::nothing) return;
  portal.last_error = error.error.code;
  switch (meaning) {
    case Meaning::portal_down:
      ++portal.failures;
      // Calls that were under way together fail together: that is one failure of the portal.
      if (portal.failures >= kFailuresToOpen && portal.open_until <= now)
        open_breaker(jittered(doubling(5 * kSecond, portal.openings, 200 * kSecond)));
      return;
    case Meaning::portal_overload:
      open_breaker(15 * kMinute);
      return;
    case Meaning::portal_closed:
      if (portal.open_until <= now) open_breaker(doubling(kMinute, portal.openings, 15 * kMinute));
      return;
    case Meaning::bucket_full:
      close_breaker();
      portal.level = std::max(portal.level, static_cast<double>(size));
      if (portal.bucket_until <= now)
        portal.bucket_until =
            now + jittered(doubling(kSecond, portal.bucket_refusals++, 40 * kSecond));
      return;
    case Meaning::method_used_up:
      close_breaker();
      of(method).blocked_until = error.retry_at > now
                                     ? std::min(error.retry_at, now + kLongestReset)
                                     : now + doubling(kMinute, of(method).refusals++, 10 * kMinute);
      return;
    case Meaning::method_closed:
      close_breaker();
      of(method).blocked_until = now + doubling(kMinute, of(method).refusals++, 15 * kMinute);
      return;
    case Meaning::refused:
    case Meaning::nothing:
      close_breaker();
  }
}

void Gate::Book::open_breaker(Millis time) {
  portal.open_until = std::max(portal.open_until, now + time);
  portal.probe_until = 0;
  ++portal.openings;
}

// The portal answered.
void Gate::Book::close_breaker() {
  portal.failures = 0;
  portal.openings = 0;
  portal.open_until = 0;
  portal.probe_until = 0;
}

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
  if (auto made = (*database)->execute(kTables); !made) return made;
  database_ = std::move(*database);
  return {};
}

Result<Gate::Book> Gate::load() {
  if (auto opened = open_file(); !opened) return std::unexpected(opened.error());
  Book book;
  auto row = database_->prepare(
      "SELECT level, updated_at, bucket_until, bucket_refusals, failures, openings, open_until,"
      " probe_until, last_error FROM portals WHERE portal = ?");
  if (!row) return std::unexpected(row.error());
  const auto there = row->bind(1, portal_).step();
  if (!there) return std::unexpected(there.error());
  if (!*there) {  // also when somebody deleted the file
    book.portal = book_->portal;
  } else {
    book.portal = {row->real(0),    row->integer(1), row->integer(2),
                   row->integer(3), row->integer(4), row->integer(5),
                   row->integer(6), row->integer(7), row->text(8)};
  }
  auto methods =
      database_->prepare("SELECT method, blocked_until, refusals FROM methods WHERE portal = ?");
  if (!methods) return std::unexpected(methods.error());
  methods->bind(1, portal_);
  for (;;) {
    const auto next = methods->step();
    if (!next) return std::unexpected(next.error());
    if (!*next) return book;
    book.methods[methods->text(0)] = {methods->integer(1), methods->integer(2)};
  }
}

Status Gate::save(const Book& book) {
  const Book::Portal& portal = book.portal;
  auto row = database_->prepare("REPLACE INTO portals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
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
      .bind(10, portal.last_error);
  return row->run();
}

Status Gate::save_methods(const Book& book) {
  auto clear = database_->prepare("DELETE FROM methods WHERE portal = ?");
  if (!clear) return std::unexpected(clear.error());
  if (auto done = clear->bind(1, portal_).run(); !done) return done;
  for (const auto& [name, method] : book.methods) {
    auto row = database_->prepare("INSERT INTO methods VALUES (?, ?, ?, ?)");
    if (!row) return std::unexpected(row.error());
    row->bind(1, portal_).bind(2, name).bind(3, method.blocked_until).bind(4, method.refusals);
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
  // One place stays free, since requests may reach the portal closer together than they were sent.
  const double room = std::max(1, size_ - 1 - reserve_);
  Millis wait = 0;
  change([&](Book& book) { wait = book.enter(method, room, drain_); });
  return wait;
}

void Gate::answered(std::string_view method, const Answer& answer) {
  change([&](Book& book) { book.answered(method, answer); });
}

void Gate::failed(std::string_view method, const CallError& error) {
  change([&](Book& book) { book.failed(method, error, size_); });
}

bool Gate::is_open() {
  const Book book = look();
  return book.portal.open_until > book.now || book.portal.probe_until > book.now;
}

GateState Gate::state() {
  const Book book = look();
  return {.level = book.portal.level,
          .bucket_until = book.portal.bucket_until,
          .failures = static_cast<int>(book.portal.failures),
          .open_until = book.portal.open_until,
          .last_error = book.portal.last_error};
}

}  // namespace b24
