// gate: see gate.h.
#include "portal/gate.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "value/json.h"

namespace b24 {
namespace {

constexpr std::string_view kFormat = "b24gate 2 ";
constexpr std::size_t kMostBytes = 16 << 20;  // a hundred thousand calls under way, and more
constexpr std::size_t kNameSize = 64;
constexpr Millis kLockTime = 1'000;
constexpr Millis kNotice = 5'000;     // by then each machine has seen that the others can be asked
constexpr Millis kFreshEnough = 100;  // of what others wrote, to say whether work is held back

using Books = std::map<std::string, GateBook, std::less<>>;

std::string first_line(std::string_view body) {
  return std::string(kFormat) + secret::hex(secret::sha256(body));
}

// What is in an image; nothing when it is damaged or of another version.
std::optional<Books> parse(std::string_view image) {
  Books books;
  if (image.empty()) return books;
  const std::size_t line = std::min(image.find('\n'), image.size() - 1);
  const std::string_view body = image.substr(line + 1);
  const auto known = json::parse(body);
  if (image.substr(0, line) != first_line(body) || !known) return std::nullopt;
  if ((*known)["boot"].text() != boot_id()) return books;
  for (const auto& [name, book] : (*known)["destinations"].members())
    books.emplace(name.text(), GateBook(book));
  return books;
}

}  // namespace

Gate::Gate(std::filesystem::path file, std::string portal, Bucket bucket, Tell tell, Clock steady,
           Clock wall)
    : file_(std::move(file)),
      portal_(std::move(portal)),
      bucket_(bucket),
      tell_(std::move(tell)),
      steady_(std::move(steady)),
      wall_(std::move(wall)) {}

Result<std::shared_ptr<Gate>> Gate::open(const std::filesystem::path& dir, std::string portal,
                                         Bucket bucket, Tell tell, Clock steady, Clock wall) {
  const std::shared_ptr<Gate> gate(new Gate(dir / "gate.json", std::move(portal), bucket,
                                            std::move(tell), std::move(steady), std::move(wall)));
  if (const auto file = gate->read(); !file) return std::unexpected(file.error());
  return gate;
}

// --- The file

// Locks the file and learns what is in it. Whatever lies there: if it is none of ours, a fresh one.
Result<FileHandle> Gate::read() {
  read_at_ = steady_();
  for (;;) {
    auto open = open_locked(file_, kLockTime);
    if (!open) return open;
    const auto image = read_file(file_, kMostBytes);
    if (!image) return file_failure(file_, "read");
    if (auto books = parse(*image)) {
      books->merge(known_);  // what is not there is new, or somebody deleted the file
      known_ = *std::move(books);
      return open;
    }
    const std::string aside = name_aside(file_);
    std::error_code fault;
    std::filesystem::rename(file_, file_.parent_path() / aside, fault);
    if (fault) return file_failure(file_, "rename", fault.value());
    tell_({ErrorKind::storage, "gate_damaged",
           file_.string() + ": damaged or of another version; put aside as " + aside +
               ", and begun anew",
           "nothing in it is worth saving; when it happens again, look after the disk"});
  }
}

void Gate::write(const FileHandle& file) const {
  Value destinations = Value::array();
  for (const auto& [name, book] : known_) destinations.set(name, book.value());
  const std::string body =
      json::print(Value::map({{"boot", boot_id()}, {"destinations", std::move(destinations)}}));
  const std::string image = first_line(body) + "\n" + body;
  const Status written = write_at(file, file_, image, 0);
  // A longer one from before must lose its end; half of one, all.
  [[maybe_unused]] const int cut =
      ::ftruncate(file.get(), written ? static_cast<off_t>(image.size()) : 0);
}

GateBook& Gate::current(const std::string& destination) {
  GateBook& book = known_[destination];
  book.catch_up(steady_(), part_of(book).drain);
  return book;
}

GateBook Gate::look(const std::string& destination, Millis age) {
  const std::lock_guard lock(mutex_);
  if (age == 0 || steady_() - read_at_ >= age) static_cast<void>(read());
  return current(destination);
}

void Gate::change(const std::string& destination, const Work& work) {
  const std::lock_guard lock(mutex_);
  const auto file = read();
  GateBook& book = current(destination);
  std::erase_if(known_, [&](const auto& each) { return each.second.is_forgotten(book.at); });
  work(book);
  if (file) write(*file);
}

// --- The portal

void Gate::share(ChangeShared change, std::string key) {
  change_shared_ = std::move(change);
  shared_key_ = std::move(key);
}

Bucket Gate::part_of(const GateBook& book) const {
  if (book.apart == 0 || book.machines < 2) return bucket_;
  const auto all = static_cast<int>(book.machines);
  return {bucket_.size / all, bucket_.drain / all, bucket_.reserve / all};
}

Millis Gate::enter(std::string_view method) {
  Millis wait = 0;
  GateBook here;
  change(portal_, [&](GateBook& book) {
    wait = book.enter(method, part_of(book));
    if (wait == 0) entered_.push_back(book.at);
    here = book;
  });
  return wait > 0 || !change_shared_ ? wait : enter_among_others(here);
}

// It has a place here, and needs one among the machines.
Millis Gate::enter_among_others(const GateBook& here) {
  Millis wait = 0;
  std::int64_t machines = here.machines;
  const Status asked = change_shared(here.apart != 0, machines, [&](GateBook& all) {
    wait = all.full_for(bucket_);
    if (wait == 0) all.under_way.push_back(all.at);
  });
  if (asked && wait == 0 && here.apart == 0 && machines == here.machines) return 0;
  change(portal_, [&](GateBook& book) {
    const bool parts = !asked && book.apart == 0;
    book.machines = machines;
    book.apart = asked ? 0 : 1;
    // The others may have filled it.
    if (parts && machines > 1) book.level = std::max<double>(book.level, part_of(book).size);
    const auto own = std::ranges::find(book.under_way, here.at);
    if (own != book.under_way.end()) book.under_way.erase(own);
    if (!asked) wait = book.full_for(part_of(book));
    if (wait == 0) {
      book.under_way.push_back(here.at);
      return;
    }
    if (!entered_.empty()) entered_.pop_back();
    if (book.probe_until == here.probe_until) book.probe_until = 0;  // the place was taken for it
  });
  return wait;
}

Status Gate::change_shared(bool was_apart, std::int64_t& count, const Work& work) {
  return change_shared_(shared_key_, [&](const std::string& text, Millis now) {
    const Value known = json::parse(text).value_or(Value());
    GateBook book(known["book"]);
    book.catch_up(std::max(now, book.at), bucket_.drain);
    Value machines = Value::array();
    for (const auto& [name, seen] : known["machines"].members())
      if (seen.integer() > now - kDay) machines.set(name, seen);
    machines.set(read_file(file_.parent_path() / "machine", kNameSize).value_or(""), now);
    count = static_cast<std::int64_t>(machines.size());
    // What each did meanwhile is not known here; nor has each seen that it can be.
    if (was_apart && count > 1)
      book.level = std::max(book.level, bucket_.size + bucket_.drain * kNotice / 1000);
    work(book);
    return json::print(Value::map({{"book", book.value()}, {"machines", std::move(machines)}}));
  });
}

void Gate::ended(std::string_view method, const CallResult& result) {
  Millis entered = 0;
  change(portal_, [&](GateBook& book) {
    // Which of this process's calls it is does not matter: all of them end.
    entered = entered_.empty() ? 0 : entered_.front();
    book.land(entered);
    if (!entered_.empty()) entered_.pop_front();
    book.ended(method, result, bucket_, wall_());
  });
  if (!change_shared_) return;
  std::int64_t machines = 0;
  static_cast<void>(change_shared(false, machines, [&](GateBook& all) { all.land(entered); }));
}

Millis Gate::closed_for(std::string_view method) {
  return look(portal_).closed_for(method);
}

void Gate::ran(std::span<const Command> commands, std::span<const BatchResult> results) {
  change(portal_, [&](GateBook& book) {
    for (std::size_t i = 0; i < commands.size(); ++i)
      book.ran(commands[i].method, results[i].outcome, wall_());
  });
}

bool Gate::is_open(Millis age) {
  return look(portal_, age).held_back() > 0;
}

GateState Gate::state() {
  const GateBook book = look(portal_);
  return {.level = book.level + static_cast<double>(book.under_way.size()),
          .failures = static_cast<int>(book.failures),
          .open_until = book.open_until == 0 ? 0 : wall_() + book.open_until - book.at,
          .last_error = book.last_error};
}

// --- All destinations

Millis Gate::ask(const std::string& destination) {
  Millis wait = 0;
  change(destination, [&](GateBook& book) { wait = book.ask(); });
  return wait;
}

void Gate::report(const std::string& destination, std::string_view code) {
  change(destination,
         [&](GateBook& book) { code.empty() ? book.close_breaker() : book.down(code); });
}

Millis Gate::held_back(const std::string& destination) {
  const GateBook book = look(destination, kFreshEnough);
  return std::max(destination == portal_ ? book.full_for(part_of(book)) : 0, book.held_back());
}

void Gate::reopen() {
  change(portal_, [&](GateBook&) {
    for (auto& [destination, book] : known_) book.reopen();
  });
}

// --- For the settings of now

Result<std::shared_ptr<Gate>> GateSource::current(std::string_view portal) {
  Result<App> app = app_.current();
  if (!app) return std::unexpected(app.error());
  return of_host(*app, Webhook::portal_of(called_portal(*app->settings, portal).url));
}

Millis GateSource::held_back(const std::string& destination) {
  const Result<App> app = app_.current();
  if (!app || destination.empty()) return 0;
  const auto gate = of_host(*app, destination);
  return gate ? (*gate)->held_back(destination) : 0;
}

Result<std::shared_ptr<Gate>> GateSource::of_host(const App& app, const std::string& host) {
  const Settings& settings = *app.settings;
  const std::vector<CalledPortal> portals = called_portals(settings);
  const auto is_there = [&](const CalledPortal& each) {
    return Webhook::portal_of(each.url) == host;
  };
  const auto found = std::ranges::find_if(portals, is_there);
  // Any other destination has no bucket: every gate knows what there is to know of it.
  const CalledPortal& portal = found == portals.end() ? portals.front() : *found;
  const std::string own = Webhook::portal_of(portal.url);
  const std::string by = settings.data.dir.string() + "\n" + std::to_string(portal.bucket_size) +
                         "\n" + std::to_string(portal.bucket_drain) + "\n" +
                         settings.call.source_address + "\n" + settings.data.store;
  const std::lock_guard lock(mutex_);
  Opened& opened = gates_[own];
  if (opened.gate && opened.by == by) return opened.gate;
  auto gate =
      Gate::open(settings.data.dir, own, {portal.bucket_size, portal.bucket_drain, reserve_},
                 [log = app.log](const Error& error) { log->error("gate", error); });
  if (gate && change_ && !settings.data.store.empty())
    (*gate)->share(change_, "bucket " + own + " " + settings.call.source_address);
  opened = {gate.value_or(nullptr), by};
  return gate;
}

}  // namespace b24
