// gate: see gate.h.
#include "portal/gate.h"

#include <algorithm>
#include <utility>

namespace b24 {

Gate::Gate(GateFile file, std::string portal, Bucket bucket, Clock steady, Clock wall)
    : file_(std::move(file)),
      portal_(std::move(portal)),
      bucket_(bucket),
      steady_(std::move(steady)),
      wall_(std::move(wall)) {}

Result<std::shared_ptr<Gate>> Gate::open(const std::filesystem::path& dir, std::string portal,
                                         Bucket bucket, std::function<void(const Error&)> tell,
                                         Clock steady, Clock wall) {
  const GateFile file(dir, std::move(tell));
  if (const auto known = file.read(); !known) return std::unexpected(known.error());
  return std::shared_ptr<Gate>(
      new Gate(file, std::move(portal), bucket, std::move(steady), std::move(wall)));
}

void Gate::catch_up(GateBook& book, const std::string& destination, Millis now) const {
  book.catch_up(now, destination == portal_ ? bucket_.drain : 0);
}

GateBook Gate::look(const std::string& destination) {
  const std::lock_guard lock(mutex_);
  const auto known = file_.read();
  GateBook& own = own_[destination];
  if (known) {
    const auto found = known->find(destination);
    if (found != known->end()) own = found->second;
  }
  catch_up(own, destination, steady_());
  return own;
}

void Gate::change(const std::string& destination, const Work& work) {
  const std::lock_guard lock(mutex_);
  GateBook& own = own_[destination];
  GateBook changed;
  const Status written = file_.change([&](GateBooks& books) {
    const Millis now = steady_();
    // What is not there is new, or somebody deleted the file.
    GateBook& book = books.try_emplace(destination, own).first->second;
    catch_up(book, destination, now);
    std::erase_if(books, [&](const auto& entry) { return entry.second.is_forgotten(now); });
    work(book, now);
    changed = book;
  });
  if (written) {
    own = std::move(changed);
    return;
  }
  const Millis now = steady_();
  catch_up(own, destination, now);
  work(own, now);
}

Millis Gate::wall_of(Millis steady, Millis now) const {
  return steady == 0 ? 0 : wall_() + steady - now;
}

// --- The portal ---

Millis Gate::enter(std::string_view method) {
  Millis wait = 0, entered = 0;
  change(portal_, [&](GateBook& book, Millis now) {
    wait = book.enter(method, now, bucket_);
    entered = now;
  });
  if (wait == 0) {
    const std::lock_guard lock(mutex_);
    entered_.push_back(entered);
  }
  return wait;
}

// Which of this process's calls it is does not matter: all of them end.
void Gate::end(const Work& work) {
  Millis entered = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!entered_.empty()) {
      entered = entered_.front();
      entered_.pop_front();
    }
  }
  change(portal_, [&](GateBook& book, Millis now) {
    book.land(entered);
    work(book, now);
  });
}

void Gate::answered(std::string_view method, const Answer& answer) {
  end([&](GateBook& book, Millis now) { book.answered(method, answer, now, wall_()); });
}

void Gate::failed(std::string_view method, const CallError& error) {
  end([&](GateBook& book, Millis now) { book.failed(method, error, now, bucket_); });
}

Millis Gate::closed_for(std::string_view method) {
  const GateBook book = look(portal_);
  return book.closed_for(method, book.updated_at);
}

void Gate::ran(std::string_view method, const std::expected<Answer, CallError>& outcome) {
  change(portal_, [&](GateBook& book, Millis now) { book.ran(method, outcome, now, wall_()); });
}

bool Gate::is_open() {
  const GateBook book = look(portal_);
  return book.held_back(book.updated_at) > 0;
}

GateState Gate::state() {
  const GateBook book = look(portal_);
  return {.level = book.level + static_cast<double>(book.under_way.size()),
          .bucket_until = wall_of(book.bucket_until, book.updated_at),
          .failures = static_cast<int>(book.failures),
          .open_until = wall_of(book.open_until, book.updated_at),
          .last_error = book.last_error};
}

// --- All destinations ---

Millis Gate::ask(const std::string& destination) {
  Millis wait = 0;
  change(destination, [&](GateBook& book, Millis now) { wait = book.ask(now); });
  return wait;
}

void Gate::report(const std::string& destination, std::string_view code) {
  change(destination, [&](GateBook& book, Millis now) {
    if (code.empty()) {
      book.close_breaker();
    } else {
      book.down(code, now);
    }
  });
}

Millis Gate::held_back(const std::string& destination) {
  const GateBook book = look(destination);
  const Millis full = destination == portal_ ? book.full_for(book.updated_at, bucket_) : 0;
  return std::max(full, book.held_back(book.updated_at));
}

void Gate::reopen() {
  const auto known = file_.read();
  if (known) {
    for (const auto& [destination, book] : *known)
      change(destination, [](GateBook& of, Millis) { of.reopen(); });
  }
  change(portal_, [](GateBook& book, Millis) { book.reopen(); });
}

}  // namespace b24
