// gate: one circuit breaker per destination, and for the portal one leaky bucket and one
// operating-time gate, shared by all processes through one small locked file.
//
// It models the portal's own limits: a counter that grows by one per HTTP request and
// loses Y once a second. A request counts here from when its answer is there, for nobody knows when
// it reached the portal, and keeps a place until then; so the counter here is never below the
// portal's by more than one second's Y, and we stay below X by that and one more. While the file
// cannot be used, each process goes by what it knows itself.
//
//   refused by the full bucket   nothing for 1 s, doubling to 1 min while it repeats
//   operating time used up       nothing of that method until the portal's reset, else 1..10 min
//   portal down, 3 in a row      closed for 5 s, doubling to 5 min; then one probe passes
//   a 4xx that is no REST's      the same; of a batch: nothing, since one command may be the cause
//   OVERLOAD_LIMIT               closed for 15 min
//   secret refused, deleted      closed for 1 min, doubling to 15 min
//   another "blocked" verdict    nothing of that method for 1 min, doubling to 15 min
//   another destination down     as the portal down
//
//   gate.json: "b24gate 2 " (the format's version), the SHA-256 in hex of all behind this line, a
//   line feed; then as JSON the boot id of the machine, and by destination what GateBook holds.
//
// Machines behind one address share the bucket through something that all of them can change; what
// they have of it is a GateBook there, too, in that one's own time. While it cannot be reached each
// keeps to its part: as long as all do, they are never over it together.
//
// It is read and written whole under flock, which is never held while anybody waits for a network,
// and never synced: losing it costs nothing but fresh buckets. Times in it are of the steady clock,
// so setting the time of day moves nothing, and a file of another boot is begun anew. One that is
// damaged, or of another version, is put aside as gate-TIME.json, and a fresh one takes over. A
// child after fork() may go on using a Gate; one may be used by all threads.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "portal/gate_book.h"
#include "portal/webhook.h"
#include "settings/app.h"

namespace b24 {

// Times are of the day, now.
struct GateState {
  double level = 0;        // of the bucket, with the calls under way
  int failures = 0;        // in a row, of the connection or the portal as a whole
  Millis open_until = 0;   // circuit breaker: only a probe passes after this; 0: closed
  std::string last_error;  // code of the last failure
};

// Replaces a text that all machines share, one after the other, by what `change` makes of it (of
// nothing: empty) at this time of theirs. An Error: not now.
using ChangeShared = std::function<Status(
    const std::string& key, const std::function<std::string(const std::string&, Millis)>& change)>;

class Gate : public CallGate {
 public:
  using Tell = std::function<void(const Error&)>;  // hears of a file that was put aside

  // `portal`: the destination that the bucket is for.
  static Result<std::shared_ptr<Gate>> open(
      const std::filesystem::path& dir, std::string portal, Bucket bucket,
      Tell tell = [](const Error&) {}, Clock steady = steady_ms, Clock wall = now_ms);

  // From now on with all machines that use this key. This one's name among them is in the file
  // "machine" beside its own.
  void share(ChangeShared change, std::string key);

  Millis enter(std::string_view method) override;
  void ended(std::string_view method, const CallResult& result) override;
  Millis closed_for(std::string_view method) override;
  void ran(std::span<const Command> commands, std::span<const BatchResult> results) override;

  // The breaker of any other destination ("https://host:443"). 0: go, and tell the outcome by
  // `report`; else the time to wait before asking again.
  Millis ask(const std::string& destination);
  // `code`: of the failure that says that the destination is down; empty when it answered.
  void report(const std::string& destination, std::string_view code);
  // How long nothing gets through to a destination (the portal's bucket counts too); 0: it may be
  // asked. Takes no place.
  Millis held_back(const std::string& destination);
  const std::string& portal() const { return portal_; }

  // By hand: what was closed by refusals and failures, at every destination, is tried again at
  // once. The bucket, and the time that a method has used up, stay.
  void reopen();
  // Whether the portal is known to be down or closed to us: then a visitor need not wait. `age`:
  // what was read so long ago will do, so that all who wait in a process share one look.
  bool is_open(Millis age = 0);
  GateState state();

 private:
  using Work = std::function<void(GateBook&)>;
  Gate(std::filesystem::path file, std::string portal, Bucket bucket, Tell tell, Clock steady,
       Clock wall);
  // What is known of a destination, as of now; what was read `age` ago will do.
  GateBook look(const std::string& destination, Millis age = 0);
  // Runs `work` on that, under the lock, and writes down what it changed.
  void change(const std::string& destination, const Work& work);
  // Does that to the book that the machines share.
  Status change_shared(bool was_apart, std::int64_t& machines, const Work& work);
  Millis enter_among_others(const GateBook& here);
  Bucket part_of(const GateBook& book) const;
  Result<FileHandle> read();
  void write(const FileHandle& file) const;
  GateBook& current(const std::string& destination);

  std::mutex mutex_;
  const std::filesystem::path file_;
  std::map<std::string, GateBook, std::less<>> known_;  // by destination
  Millis read_at_ = 0;
  std::deque<Millis> entered_;  // when each call of this process was let in that is not over
  std::string portal_;
  Bucket bucket_;
  Tell tell_;
  Clock steady_;
  Clock wall_;
  ChangeShared change_shared_;
  std::string shared_key_;
};

// The gates of the settings of now, one for each portal that is called, opened when first asked
// for. Safe from all threads.
class GateSource {
 public:
  // `app` must outlive this. `reserve`: places in the bucket that this page leaves to others (event
  // actions leave room for leads).
  explicit GateSource(AppSource& app, int reserve = 0, ChangeShared change = {})
      : app_(app), reserve_(reserve), change_(std::move(change)) {}
  // Of the portal of this name (called_portal). Two of one host have that host's.
  Result<std::shared_ptr<Gate>> current(std::string_view portal = {});
  // Gate::held_back of the gate that the destination has its bucket in, if any; 0: of nowhere.
  Millis held_back(const std::string& destination);

 private:
  Result<std::shared_ptr<Gate>> of_host(const App& app, const std::string& host);

  struct Opened {
    std::shared_ptr<Gate> gate;
    std::string by;  // the settings that it was opened by
  };
  AppSource& app_;
  const int reserve_;
  const ChangeShared change_;
  std::mutex mutex_;
  std::map<std::string, Opened> gates_;  // by host
};

}  // namespace b24
