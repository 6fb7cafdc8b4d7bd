// follower: what follows the items that are accepted: the logs. Most are told of those of this
// machine's journal, by the ingester (ingest.h); some of those of all machines, from the store that
// they share.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "keep/store.h"

namespace b24 {

// Something that is told of everything that is taken in, in its order, exactly once: a log.
class Follower {
 public:
  virtual ~Follower() = default;
  virtual std::string_view name() const = 0;
  // Of a store that several machines share: whose items it is told of. "own": those of this
  // machine's journal; "all": everything, in the store's order; else the name of the one machine
  // that is told, of all. Changed, it goes on with what comes then.
  virtual std::string_view machines() const { return "own"; }
  // When it was last written to; 0: never. Tells a store begun anew what has been seen before.
  virtual Millis last_write() const = 0;
  // The fact with which it begins.
  virtual std::string begin() const = 0;
  struct Written {
    std::size_t count = 0;  // how many of the items, from the first; at least one
    std::string fact;       // given back with the next call
  };
  // `fact`: of the call before. After a crash the same items come again with the same fact: what
  // already stands there is not written twice.
  virtual Result<Written> write(std::span<const NewItem> items, const std::string& fact) = 0;
};

// Where the store keeps how far it is.
std::string follow_key(std::string_view follower);
// What the follower of this name gave last; empty: it has not begun.
Result<std::string> follower_fact(Store& store, std::string_view name);

// A follower that is told of what all machines accept, as far as this one is to be told. The store
// remembers "#", its place there, and what it wants to know next time. One at a time, as the
// ingester.
class FollowAll {
 public:
  explicit FollowAll(std::unique_ptr<Follower> follower) : follower_(std::move(follower)) {}
  Millis last_write() const { return follower_->last_write(); }
  // To be called before anything is taken in: a new one is told of what comes from now on.
  Status begin(Store& store);
  Status follow(Store& store, Kind kind);

 private:
  Status keep(Store& store) const;
  std::unique_ptr<Follower> follower_;
  std::int64_t at_ = -1;  // the number of the last item; -1: it is not told here
  std::string fact_;
};

}  // namespace b24
