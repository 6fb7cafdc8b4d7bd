// event_storm_tests: 20,000 events by 64 connections through nginx while the receivers are killed:
// what was answered with 200 is kept, and written down, exactly once.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <thread>

#include "base/clock.h"
#include "base/text.h"
#include "decorators.h"
#include "fcgi_client.h"
#include "site.h"
#include "store_fixture.h"
#include "value/json.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace event_storm_tests {

constexpr int kEvents = 20'000;
constexpr int kConnections = 64;
constexpr int kRounds = 12;  // of killing
constexpr int kPerRound = kEvents / kRounds + 1;

// What the two sides of the storm tell each other.
struct Progress {
  std::atomic<int> dealt_with = 0;  // events that are answered, or will never be
  std::atomic<int> rounds = 0;      // of killing that are over
  std::atomic<int> kills = 0;
  std::atomic<bool> outage = false;  // nobody may be there to receive
  std::atomic<int> edges = 0;        // how often a killing has begun or ended: odd in between
};

// A connection to the web server, kept as long as that likes.
class Connection {
 public:
  ~Connection() { drop(); }

  void drop() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    event_ = -1;
  }
  bool is_idle() const { return event_ < 0; }
  int event() const { return event_; }
  pollfd waits_for() const {
    const short what = sent_ < request_.size() ? POLLIN | POLLOUT : POLLIN;
    return {fd_, static_cast<short>(is_idle() ? 0 : what), 0};
  }

  // False when the web server cannot be reached.
  bool begin(int port, int event, std::string request) {
    event_ = event;
    request_ = std::move(request);
    sent_ = 0;
    answer_.clear();
    if (fd_ >= 0) return true;
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return false;
    return fcntl(fd_, F_SETFL, O_NONBLOCK) == 0;
  }

  // Sends and receives what it can: the status once the answer is whole, 0 before, -1 when the
  // connection ended without one.
  int go_on() {
    while (sent_ < request_.size()) {
      const ssize_t n = send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
      if (n < 0) break;
      sent_ += static_cast<std::size_t>(n);
    }
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n > 0) answer_.append(buffer, static_cast<std::size_t>(n));
    const HttpReply reply = parse_reply(answer_);
    if (!is_whole(reply)) return n > 0 ? 0 : -1;
    event_ = -1;
    if (n == 0 || reply.header("connection") == "close") drop();
    return reply.status;
  }

 private:
  static bool is_whole(const HttpReply& reply) {
    if (reply.status == 0) return false;
    if (reply.header("transfer-encoding") == "chunked") return reply.body.ends_with("0\r\n\r\n");
    return Value(reply.header("content-length")).integer() ==
           static_cast<std::int64_t>(reply.body.size());
  }

  int fd_ = -1;
  int event_ = -1;
  std::string request_;
  std::size_t sent_ = 0;
  std::string answer_;
};

std::string request_of(const Site& site, int event) {
  const std::string body =
      "event=ONCRMDEALUPDATE&event_handler_id=7&data%5BFIELDS%5D%5BID%5D=" + std::to_string(event) +
      "&ts=1700000000&auth%5Bdomain%5D=example.bitrix24.com&auth%5Bapplication_token%5D=" +
      site.token();
  return "POST /handler.php HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
         "application/x-www-form-urlencoded\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The portal's side: sends each event once, whatever comes of it.
class Storm {
 public:
  Storm(const Site& site, Progress& progress)
      : site_(site), progress_(progress), status_(kEvents, 0), connections_(kConnections) {}

  // The status of each event; -1: no answer. False when no answer came for long.
  bool run() {
    const Millis deadline = now_ms() + 300'000;
    while (progress_.dealt_with < kEvents) {
      if (now_ms() > deadline) return false;
      begin_some();
      std::vector<pollfd> waits;
      for (const Connection& connection : connections_) waits.push_back(connection.waits_for());
      poll(waits.data(), waits.size(), 20);
      for (std::size_t i = 0; i < waits.size(); ++i) {
        if (waits[i].revents != 0 && !connections_[i].is_idle()) go_on(connections_[i]);
      }
    }
    return true;
  }
  const std::vector<int>& status() const { return status_; }
  // Events without a 200 though nobody was killed between their beginning and their end.
  int unexplained() const { return unexplained_; }

 private:
  // No event is sent while it is certain to be lost, nor before it is its round's turn.
  void begin_some() {
    for (Connection& connection : connections_) {
      const bool its_turn = next_ < std::min(kEvents, (progress_.rounds + 1) * kPerRound);
      if (!connection.is_idle() || !its_turn || progress_.outage) continue;
      const int event = next_++;
      begun_[static_cast<std::size_t>(event)] = progress_.edges;
      if (!connection.begin(site_.port(), event, request_of(site_, event))) {
        note(connection, event, -1);
      }
    }
  }
  void go_on(Connection& connection) {
    const int event = connection.event();
    if (const int status = connection.go_on(); status != 0) note(connection, event, status);
  }
  void note(Connection& connection, int event, int status) {
    status_[static_cast<std::size_t>(event)] = status;
    const int begun = begun_[static_cast<std::size_t>(event)];
    if (status != 200 && begun % 2 == 0 && begun == progress_.edges) ++unexplained_;
    if (status < 0) connection.drop();
    ++progress_.dealt_with;
  }

  const Site& site_;
  Progress& progress_;
  std::vector<int> status_;
  std::vector<int> begun_ = std::vector<int>(kEvents);  // Progress::edges then
  int unexplained_ = 0;
  std::vector<Connection> connections_;
  int next_ = 0;
};

// Whether a page that had this process runs again and takes connections.
bool runs_again(const Site& site, const std::string& name, pid_t before) {
  if (site.pid(name) == before) return false;
  try {
    const Peer peer("unix:" + (site.run_dir() / (name + ".sock")).string());
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

// In each round the first receiver, in every fourth the second one as well.
void kill_receivers(const Site& site, Progress& progress) {
  for (int round = 0; round < kRounds; ++round) {
    const int begin = round * kPerRound + kPerRound / 3;
    wait_until([&] { return progress.dealt_with >= begin; }, std::chrono::minutes(5));
    const pid_t second = site.pid("handler-backup");
    const bool both = round % 4 == 3;
    progress.outage = both;
    ++progress.edges;
    if (both) ::kill(second, SIGKILL);
    site.kill("handler", SIGKILL);
    if (both) wait_until([&] { return runs_again(site, "handler-backup", second); });
    progress.kills += both ? 2 : 1;
    ++progress.edges;
    progress.outage = false;
    ++progress.rounds;
  }
}

// A log with what was rotated away before it, oldest first.
std::string whole_log(const fs::path& file) {
  std::string text = read_file(file);
  for (int i = 1; fs::exists(file.string() + "." + std::to_string(i)); ++i)
    text = read_file(file.string() + "." + std::to_string(i)) + text;
  return text;
}

using Count = std::map<std::int64_t, int>;  // how often each event is there

Count stored(Store& store) {
  ListFilter filter;
  filter.kind = Kind::event;
  filter.limit = kEvents * 2;
  Count count;
  for (const Item& item : good(store.list(filter)))
    ++count[item.payload.path("data.FIELDS.ID").integer()];
  return count;
}

Count written_as_text(const fs::path& dir) {
  Count count;
  for (const std::string& line : text::split(whole_log(dir / "hook.log"), "\n"))
    if (const std::string_view trimmed = text::trim(line); trimmed.starts_with("[ID] => "))
      ++count[Value(trimmed.substr(8)).integer()];
  return count;
}

Count written_as_json(const fs::path& dir) {
  Count count;
  for (const std::string& line : text::split(whole_log(dir / "hook.jsonl"), "\n")) {
    const Value object = good(json::parse(line));
    ++count[object.path("data.data.FIELDS.ID").integer()];
  }
  return count;
}

}  // namespace event_storm_tests

BOOST_AUTO_TEST_SUITE(event_storm_tests)

BOOST_AUTO_TEST_CASE(what_was_answered_is_kept_and_written_once_though_receivers_are_killed,
                     *shows("F1") * shows("A1") * shows("A10")) {
  SiteOptions options;
  options.environment = {"B24HOOKS_LOG_MAX_SIZE=1M", "B24HOOKS_LOG_KEEP_FILES=1000"};
  Site site(options);
  Progress progress;
  Storm storm(site, progress);
  bool through = false;
  {
    const std::jthread killer([&] { kill_receivers(site, progress); });
    through = storm.run();
  }
  BOOST_REQUIRE(through);
  const fs::path data = site.run_dir() / "data";
  auto store = good(Store::open(data));
  const auto answered_all = [&] {
    const Count count = stored(*store);
    for (int event = 0; event < kEvents; ++event)
      if (storm.status()[static_cast<std::size_t>(event)] == 200 && !count.contains(event))
        return false;
    return true;
  };
  constexpr std::chrono::minutes kPatience{3};
  BOOST_TEST(wait_until(answered_all, kPatience));
  const Count kept = stored(*store);
  BOOST_TEST(wait_until([&] { return written_as_json(data).size() >= kept.size(); }, kPatience));
  BOOST_TEST(wait_until([&] { return written_as_text(data).size() >= kept.size(); }, kPatience));
  BOOST_TEST(site.stop().value_or(-1) == 0);

  int answered = 0;
  int lost = 0;
  for (int event = 0; event < kEvents; ++event) {
    if (storm.status()[static_cast<std::size_t>(event)] != 200) continue;
    ++answered;
    lost += kept.contains(event) ? 0 : 1;
  }
  BOOST_TEST(lost == 0);
  for (const auto& [event, count] : kept) BOOST_TEST(count == 1, "event " << event);
  BOOST_TEST((written_as_text(data) == kept));
  BOOST_TEST((written_as_json(data) == kept));
  BOOST_TEST(progress.kills >= 10);
  // A killed receiver takes with it what it was about to answer, and what comes while it ends: its
  // listening socket is the last that the system closes.
  BOOST_TEST(storm.unexplained() == 0);
  BOOST_TEST(answered >= kEvents / 2);
  BOOST_TEST(good(store->check()) == "ok");
  BOOST_TEST_MESSAGE(progress.kills << " kills, " << answered << " answered, " << kept.size()
                                    << " kept");
}

BOOST_AUTO_TEST_SUITE_END()
