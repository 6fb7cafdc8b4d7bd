// store_salvage: what can be read of a store that was put aside.
//
// Its trees are not walked: one broken page near a root would hide thousands of sound ones. Each
// leaf is read by itself instead. It takes the root's place in a copy of the file, which has the
// schema of a new store, so that SQLite reads its rows, and what of them lies on other pages. All
// leaves of tables but a few are those of items, and what was erased left no leaf (secure_delete).
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/files.h"
#include "keep/store.h"
#include "keep/store_data.h"
#include "keep/store_schema.h"
#include "value/json.h"

namespace b24 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096;  // of every store: it is SQLite's default
constexpr std::uint32_t kItemsRoot = 2;
constexpr char kTableLeaf = 13;
constexpr std::size_t kRowsHeld = 500;
constexpr std::size_t kBytesHeld = 4 << 20;

// A row of items whose columns are of their types and could have been written by us. A lead's
// outcome counts as unknown, so that it is looked for before it is sent.
constexpr std::string_view kReadRow =
    "SELECT kind, id, name, object, state, received_at, finished_at, attempts, repeats,"
    " state = 'pending' AND (unsure OR claim_owner <> '' OR kind = 'lead'), destination, result,"
    " error_code, error_text, progress, payload FROM items NOT INDEXED WHERE number = ?"
    " AND kind IN ('lead', 'event') AND state IN ('pending', 'done', 'failed', 'spam')"
    " AND typeof(received_at) || typeof(finished_at) || typeof(attempts) || typeof(repeats)"
    "  || typeof(unsure) = 'integerintegerintegerintegerinteger'"
    " AND typeof(id) || typeof(name) || typeof(object) || typeof(claim_owner)"
    "  || typeof(destination) || typeof(result) || typeof(error_code) || typeof(error_text)"
    "  = 'texttexttexttexttexttexttexttext'"
    " AND json_valid(payload) AND (progress = '' OR json_valid(progress))";
constexpr std::size_t kColumns = 16;

// What is further on wins; what is only kept (nobody has worked on it) is behind what waits. An
// item that somebody has in hand is left to him. The same payload of the same moment under another
// id, taken in later, is the same item with a damaged id. A number is kept only if this store has
// not reached it: a damaged one may be the last that there is.
constexpr std::string_view kMerge =
    "INSERT INTO items(number, kind, id, name, object, state, received_at, finished_at, attempts,"
    " repeats, unsure, destination, result, error_code, error_text, progress, payload, due_at)"
    " SELECT iif(?1 BETWEEN 1 AND (SELECT seq FROM sqlite_sequence WHERE name = 'items')"
    "  AND NOT EXISTS (SELECT 1 FROM items WHERE number = ?1), ?1, NULL),"
    " ?2, ?3, ?4, ?5, ?6, ?7, ?8, CAST(?9 AS INTEGER), ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18"
    " WHERE NOT EXISTS (SELECT 1 FROM items INDEXED BY items_received"
    "  WHERE received_at = ?7 AND number > ?1 AND kind = ?2 AND id <> ?3 AND payload = ?17)"
    " ON CONFLICT(kind, id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,"
    " finished_at = excluded.finished_at, unsure = excluded.unsure, due_at = excluded.due_at,"
    " destination = excluded.destination, result = excluded.result, progress = excluded.progress,"
    " error_code = excluded.error_code, error_text = excluded.error_text"
    " WHERE claim_owner = ''"
    " AND (CASE excluded.state WHEN 'pending' THEN 1 WHEN 'failed' THEN 2"
    "  ELSE 3 * (excluded.attempts > 0) END, excluded.attempts)"
    " > (CASE state WHEN 'pending' THEN 1 WHEN 'failed' THEN 2 ELSE 3 * (attempts > 0) END,"
    "  attempts) RETURNING number";

struct Row {
  std::int64_t number = 0;
  std::array<std::string, kColumns> columns;
  std::vector<Attempt> history;
};

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

// The copy of a put-aside file through which its leaves are read; gone with its files at the end.
class Lens {
 public:
  explicit Lens(const fs::path& dir) : file_(dir / "salvage.db") {}
  ~Lens() {
    database_.reset();
    if (lock_.get() >= 0) remove_files();
  }
  Lens(const Lens&) = delete;
  Lens& operator=(const Lens&) = delete;

  Status open(const fs::path& damaged) {
    auto lock = open_locked(file_.string() + ".lock", 0);
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    remove_files();
    if (auto made = make_schema(); !made) return made;
    if (auto copied = copy(damaged, ""); !copied) return copied;
    if (auto merged = merge_log(damaged); !merged) return merged;
    if (auto set = write_schema(1); !set) return set;
    auto opened = Database::open_to_look(file_);
    if (!opened) return std::unexpected(opened.error());
    database_ = std::move(*opened);
    return {};
  }

  // What was in the file's log of changes and not in the file could not be read.
  bool lacks_log() const { return lacks_log_; }
  std::uint32_t pages() const {
    std::error_code fault;
    return static_cast<std::uint32_t>((fs::file_size(file_, fault) + kPage - 1) / kPage);
  }
  // Where a page that is not in every store comes first.
  std::uint32_t first_page() const {
    return static_cast<std::uint32_t>(schema_.size() / kPage) + 1;
  }
  Database& database() { return *database_; }

  // The numbers of the rows on a leaf, which is in the root's place from now on; none of another
  // page.
  Result<std::vector<std::int64_t>> turn_to(std::uint32_t page) {
    std::vector<std::int64_t> numbers;
    std::string bytes(kPage, '\0');
    if (::pread(image_->get(), bytes.data(), kPage, off_t{page - 1} * ssize_t{kPage}) <= 0 ||
        bytes[0] != kTableLeaf)
      return numbers;
    if (auto put = write_at(*image_, file_, bytes, kPage * (kItemsRoot - 1)); !put)
      return std::unexpected(put.error());
    // By its change counter SQLite sees that what it has read is old.
    if (auto told = write_at(*image_, file_, big_endian(++changes_), 24); !told)
      return std::unexpected(told.error());
    auto rows = ask(*database_, "SELECT number FROM items NOT INDEXED");
    for (;;) {
      const auto row = rows ? (*rows)->step() : std::unexpected(rows.error());
      if (!row || !*row) return numbers;  // what is damaged is missed by number
      numbers.push_back((*rows)->integer(0));
    }
  }

 private:
  void remove_files() {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      ::unlink((file_.string() + suffix).c_str());
  }

  Status copy(const fs::path& from, const char* suffix) {
    std::error_code fault;
    fs::copy_file(from.string() + suffix, file_.string() + suffix,
                  fs::copy_options::overwrite_existing, fault);
    if (fault)
      return std::unexpected(system_error(ErrorKind::storage, from.string(), fault.value()));
    return {};
  }

  // The pages of a new store that are no object's root hold its schema, and the same pages of each
  // store do.
  Status make_schema() {
    auto made = Database::open(file_, Database::Sync::normal);
    if (!made) return std::unexpected(made.error());
    auto done = (*made)->execute("PRAGMA synchronous=OFF");
    if (done) done = (*made)->execute(kSchema);
    if (!done) return done;
    const auto roots = all(
        **made, [](const Statement& row) { return row.integer(0); },
        "SELECT rootpage FROM sqlite_schema");
    if (!roots) return std::unexpected(roots.error());
    roots_.insert(roots->begin(), roots->end());
    made->reset();
    schema_ = read_file(file_, std::size_t{1} << 20).value_or("");
    return {};
  }

  // `version`: 2 for a file with a log of changes.
  Status write_schema(char version) {
    auto image = open_private(file_);
    if (!image) return std::unexpected(image.error());
    image_.emplace(std::move(*image));
    schema_[18] = schema_[19] = version;
    schema_.replace(24, 4, big_endian(++changes_));
    for (std::size_t page = 1; page * kPage <= schema_.size(); ++page) {
      if (roots_.contains(static_cast<std::int64_t>(page))) continue;
      const auto put = write_at(*image_, file_, schema_.substr((page - 1) * kPage, kPage),
                                static_cast<off_t>((page - 1) * kPage));
      if (!put) return put;
    }
    return {};
  }

  // Opening and closing the copy with its log writes that into it.
  Status merge_log(const fs::path& damaged) {
    std::error_code fault;
    if (const auto size = fs::file_size(damaged.string() + "-wal", fault); fault || size == 0)
      return {};
    if (auto copied = copy(damaged, "-wal"); !copied) return copied;
    if (auto set = write_schema(2); !set) return set;
    lacks_log_ = !Database::open(file_, Database::Sync::normal);
    for (const char* suffix : {"-wal", "-shm"}) ::unlink((file_.string() + suffix).c_str());
    return {};
  }

  const fs::path file_;
  FileHandle lock_{-1};
  std::optional<FileHandle> image_;
  std::string schema_;
  std::set<std::int64_t> roots_;
  std::uint32_t changes_ = 1 << 20;
  bool lacks_log_ = false;
  std::unique_ptr<Database> database_;
};

// Nothing when the row is damaged.
std::optional<Row> read_row(Lens& lens, std::int64_t number, Store::Salvaged& about) {
  Database& db = lens.database();
  auto row = first(
      db,
      [&](const Statement& found) {
        Row made{number, {}, {}};
        for (std::size_t i = 0; i < kColumns; ++i)
          made.columns[i] = found.text(static_cast<int>(i));
        return made;
      },
      kReadRow, number);
  if (!row || !*row) return std::nullopt;
  auto history = all(db, attempt_of,
                     "SELECT at, took, outcome, code, text FROM attempts WHERE item = ?"
                     " ORDER BY step",
                     number);
  if (history)
    (*row)->history = std::move(*history);
  else
    ++about.without_history;
  return std::move(*row);
}

// Puts in what is missing here, or further on there.
Status merge(Database& db, const Row& row, Millis now, Millis due, Store::Salvaged& about) {
  std::int64_t number = 0;
  {
    auto query = ask(db, kMerge, row.number);
    if (!query) return std::unexpected(query.error());
    int index = 1;
    for (const std::string& column : row.columns) (*query)->bind(++index, column);
    (*query)->bind(++index, due);
    const auto changed = (*query)->step();
    if (!changed) return std::unexpected(changed.error());
    if (!*changed) return {};
    number = (*query)->integer(0);
  }
  ++about.saved;
  const auto payload = json::parse(row.columns.back());
  const auto found = write_words(db, row.columns[0], number, payload.value_or(Value()));
  if (!found) return found;
  for (const Attempt& line : row.history) {
    const Outcome outcome{.took = line.took, .code = line.code, .text = line.text};
    if (auto kept = write_attempt(db, number, line.at, line.outcome, outcome); !kept) return kept;
  }
  return write_attempt(db, number, now, "salvaged", {});
}

using Facts = std::vector<std::pair<std::string, std::string>>;

// What was remembered, but for places in the journal and the logs: these are this store's own.
Facts read_facts(Lens& lens, Store::Salvaged& about) {
  auto facts = all(
      lens.database(), [](const Statement& row) { return std::pair(row.text(0), row.text(1)); },
      "SELECT key, value FROM facts WHERE key NOT LIKE 'journal.%' AND key NOT LIKE 'follow.%'");
  if (!facts) about.faults.push_back("what was remembered beside the items cannot be read");
  return facts ? std::move(*facts) : Facts();
}

std::string salvaged_key(const fs::path& file) {
  return "salvaged." + file.filename().string();
}

Status check_file(Store& store, const fs::path& file) {
  std::error_code fault;
  if (fs::equivalent(file, store.dir() / "store.db", fault)) {
    return std::unexpected(Error{ErrorKind::input, "store_in_use",
                                 file.string() + ": this is the store in use",
                                 "name one that was put aside (handler.fcgi --rebuild does that)"});
  }
  const auto before = store.recall(salvaged_key(file));
  if (!before) return std::unexpected(before.error());
  if (before->empty()) return {};
  // What has been erased since then would come back.
  return std::unexpected(Error{ErrorKind::input, "salvaged_before",
                               file.string() + ": was salvaged at " + *before,
                               "nothing to do; the file may be removed"});
}

}  // namespace

Result<Store::Salvaged> Store::salvage(const fs::path& file) {
  if (is_shared()) return std::unexpected(only_a_file("--salvage"));
  if (auto checked = check_file(*this, file); !checked) return std::unexpected(checked.error());
  Lens lens(data_->dir);
  if (auto opened = lens.open(file); !opened) return std::unexpected(opened.error());
  Salvaged about;
  if (lens.lacks_log()) about.faults.push_back("its last changes (-wal) cannot be read");
  const auto expected = number_of(lens.database(), "SELECT sum(n) FROM tallies WHERE at = 0");
  const Facts facts = read_facts(lens, about);

  std::vector<Row> rows;
  const auto write_rows = [&] {
    const auto written =
        data_->write(Database::Sync::normal, [&, before = about.saved](Database& db) -> Status {
          about.saved = before;
          for (const Row& row : rows) {
            auto merged = merge(db, row, data_->clock(), data_->due_now(), about);
            if (!merged) return merged;
          }
          return {};
        });
    rows.clear();
    return written;
  };
  std::int64_t damaged = 0;
  std::size_t bytes = 0;
  const std::uint32_t end = lens.pages();
  for (std::uint32_t page = kItemsRoot; page <= end; page = std::max(page + 1, lens.first_page())) {
    const auto numbers = lens.turn_to(page);
    if (!numbers) return std::unexpected(numbers.error());
    for (const std::int64_t number : *numbers) {
      auto row = read_row(lens, number, about);
      ++(row ? about.read : damaged);
      if (!row) continue;
      bytes += row->columns.back().size();
      rows.push_back(std::move(*row));
    }
    if (rows.size() < kRowsHeld && bytes < kBytesHeld) continue;
    bytes = 0;
    if (auto written = write_rows(); !written) return std::unexpected(written.error());
  }
  if (auto written = write_rows(); !written) return std::unexpected(written.error());
  const std::int64_t missing = expected.value_or(0) - about.read;
  if (!expected || missing < 0) about.faults.push_back("how many there were cannot be read");
  about.lost = std::max(missing, damaged);
  const auto closed = data_->write(Database::Sync::full, [&](Database& db) -> Status {
    for (const auto& [key, value] : facts) {
      auto kept = tell(db, "INSERT OR IGNORE INTO facts(key, value) VALUES (?, ?)", key, value);
      if (!kept) return kept;
    }
    return set_fact(db, salvaged_key(file), iso_time(now_ms()));
  });
  if (!closed) return std::unexpected(closed.error());
  return about;
}

}  // namespace b24
