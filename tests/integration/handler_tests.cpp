// handler_tests: the receiver behind nginx: who is let in, what is refused, and how, when the disk
// fails.
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "decorators.h"
#include "event_fixture.h"
#include "site.h"
#include "value/json.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;
namespace fs = std::filesystem;

namespace handler_tests {

constexpr const char* kPath = "/handler.php";
const std::string kForm = "application/x-www-form-urlencoded";

Site& own_site() {
  static Site site;
  return site;
}

// A line of the body that a portal would send.
std::string body(const Site& site, const std::string& more = "", const std::string& id = "1") {
  return "event=ONX&data[FIELDS][ID]=" + id + more + "&auth[application_token]=" + site.token();
}

// The entries of the structured log that speak of `what`.
std::vector<Value> entries(const Site& site, std::string_view what) {
  std::vector<Value> found;
  for (const std::string& line :
       text::split(read_file(site.run_dir() / "data/b24hooks.log"), "\n")) {
    const auto entry = json::parse(line);
    if (entry && (*entry)["what"].text() == what) found.push_back(*entry);
  }
  return found;
}

std::int64_t counted(const Site& site, std::string_view name) {
  std::int64_t sum = 0;
  for (const Store::Count& count : good(good(Store::open(site.run_dir() / "data"))->counts(0)))
    if (count.name == name) sum += count.count;
  return sum;
}

// Other settings while it lives.
class Changed {
 public:
  Changed(const Site& site, const std::string& settings) : site_(site), before_(site.settings()) {
    site.set_settings(settings);
  }
  Changed(const Changed&) = delete;
  Changed& operator=(const Changed&) = delete;
  ~Changed() {
    site_.set_settings(before_);
    wait_until([&] { return site_.post(kPath, body(site_)).status == 200; });
  }

 private:
  const Site& site_;
  std::string before_;
};

// A small file system of our own; where that is not allowed, the test says that it is skipped.
class SmallDisk {
 public:
  SmallDisk()
      : mounted_(::geteuid() == 0 &&
                 ::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=12m,mode=700") == 0) {
    if (!mounted_) BOOST_TEST_MESSAGE("skipped: needs the right to mount a small file system");
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }
  void remount(unsigned long flags, const char* options = "size=12m,mode=700") const {
    BOOST_REQUIRE(::mount("tmpfs", dir_.path().c_str(), "tmpfs", MS_REMOUNT | flags, options) == 0);
  }
  void fill_up() const {
    std::ofstream stream(dir_ / "junk", std::ios::binary);
    const std::string block(4096, 'x');
    while (stream.write(block.data(), 4096) && stream.flush()) continue;
  }
  void make_room() const {
    fs::remove(dir_ / "junk");
    remount(0, "size=128m,mode=700");
  }
  SiteOptions options() const {
    SiteOptions options;
    options.environment = {"B24HOOKS_DATA_DIR=" + dir_.path().string()};
    return options;
  }
  const fs::path& path() const { return dir_.path(); }

 private:
  TempDir dir_;
  bool mounted_;
};

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace handler_tests

BOOST_AUTO_TEST_SUITE(handler_tests)

BOOST_AUTO_TEST_CASE(an_event_is_answered_with_nothing_once_it_is_written) {
  const Site& site = own_site();
  const HttpReply reply = site.post(kPath, body(site, "&x=answered"));
  BOOST_TEST(reply.status == 200);
  BOOST_TEST(reply.body == "");
  BOOST_TEST(site.hooked("    [x] => answered\n"));
  BOOST_TEST(!site.hook_log().contains(site.token()));
}

BOOST_AUTO_TEST_CASE(every_form_of_body_is_read) {
  const Site& site = own_site();
  const std::string token = site.token();
  const std::string json =
      R"({"event":"ONJSON","data":{"FIELDS":{"ID":"5"}},"auth":{"application_token":")" + token +
      "\"}}";
  BOOST_TEST(site.post(kPath, json, "application/json").status == 200);
  BOOST_TEST(site.post(kPath, json, "application/json; charset=utf-8").status == 200);
  const std::string part = "--b\r\nContent-Disposition: form-data; name=";
  const std::string multipart = part + "\"event\"\r\n\r\nONPARTS\r\n" + part +
                                "\"auth[application_token]\"\r\n\r\n" + token + "\r\n" + part +
                                "\"f\"; filename=\"x\"\r\n\r\nfile's content\r\n--b--\r\n";
  BOOST_TEST(site.post(kPath, multipart, "multipart/form-data; boundary=b").status == 200);
  for (const char* line : {"[event] => ONJSON\n", "[ID] => 5\n", "[event] => ONPARTS\n"})
    BOOST_TEST(site.hooked(line), line);
  BOOST_TEST(!site.hook_log().contains("file's content"));  // PHP's $_REQUEST has no files
}

BOOST_AUTO_TEST_CASE(odd_but_verified_events_are_taken) {
  const Site& site = own_site();
  const std::string right = "&auth[application_token]=" + site.token();
  for (const std::string& odd :
       {std::string("event="), std::string("x=1"), std::string("event=on+any+%D0%B6"),
        std::string("event=%"), std::string("event=%zz%4"), std::string("event=%ff%fe%00%80"),
        std::string("event=\xff\xfe"), std::string("event[]=1&event[]=2"), std::string("&&=&[]=x"),
        std::string("event=a%0Ab%0D%0A------------------------%0A"), repeated("n", 50'000) + "=1",
        "a" + repeated("[x]", 60) + "=1", "x=" + repeated("y", 900'000),
        std::string("auth[application_token]=wrong"),  // as in PHP, the last one counts
        std::string("auth=x"), std::string("auth[]=x")})
    BOOST_TEST(site.post(kPath, odd + right).status == 200, odd.substr(0, 60));
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused_and_not_written) {
  const Site& site = own_site();
  const std::string right = body(site, "&x=refused");
  std::string deep = "a" + repeated("[x]", 70) + "=1&";
  const struct {
    std::string type;
    std::string body;
    int status;
  } cases[] = {{kForm, "", 403},
               {"", "", 403},
               {"text/plain", right, 415},
               {"application/xml", right, 415},
               {"", right, 415},
               {"multipart/form-data", right, 400},
               {"multipart/form-data; boundary=b", right, 400},
               {"application/json", "{", 400},
               {"application/json", "5", 400},
               {"application/json", repeated("[", 100'000), 400},
               {kForm, right + "&x=" + repeated("y", 1'500'000), 413},  // ours: 1 MiB
               {kForm, right + "&x=" + repeated("y", 2'500'000), 413},  // nginx's
               {kForm, deep + right, 400},
               {kForm, repeated("a=1&", 2000) + right, 413},
               {kForm, right + "&auth[application_token]=wrong", 403},
               {kForm, right + "&auth[application_token][]=x", 403},
               {kForm, right + "&auth=x", 403},
               {kForm, "application_token=" + site.token(), 403},
               {kForm, "auth.application_token=" + site.token(), 403}};
  for (const auto& [type, text, status] : cases) {
    const HttpReply reply = site.post(kPath, text, type);
    BOOST_TEST(reply.status == status, type << " " << text.substr(0, 60));
    BOOST_TEST(!reply.body.contains(site.token()));
  }
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "X"})
    BOOST_TEST(
        http(site.port(), {method, kPath, {"Content-Type: " + kForm}, right}).status / 100 == 4,
        method);
  BOOST_TEST(parse_reply(send_raw(site.port(),
                                  "POST /handler.php HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: 104857600\r\n\r\n"))
                 .status == 413);
  BOOST_TEST(!site.hook_log().contains("[x] => refused"));
  BOOST_TEST(site.post(kPath, body(site)).status == 200);
}

BOOST_AUTO_TEST_CASE(a_program_is_refused_in_a_line_and_a_person_with_a_page) {
  const Site& site = own_site();
  const auto asked = [&](const std::string& accept) {
    return http(site.port(),
                {"POST",
                 kPath,
                 {"Content-Type: " + std::string(kForm), "Accept-Language: ru", accept},
                 "event=ONTEST&auth[application_token]=wrong"});
  };
  const HttpReply page = asked("Accept: text/html,*/*;q=0.8");
  BOOST_TEST(page.header("content-type") == "text/html; charset=utf-8");
  BOOST_TEST(page.header("content-security-policy") != "");
  for (const char* accept : {"Accept: */*", "X-None: 1"}) {
    const HttpReply line = asked(accept);
    BOOST_TEST(line.status == 403);
    BOOST_TEST(line.header("content-type") == "text/plain; charset=utf-8");
    BOOST_TEST(line.header("x-content-type-options") == "nosniff");
    BOOST_TEST(text::split(line.body, "\n").size() == 1u);
    BOOST_TEST(page.body.contains(line.body.substr(0, line.body.size() - 1)), line.body);
  }
  BOOST_TEST(
      asked("Accept: application/json").header("content-type").starts_with("application/json"));
}

BOOST_AUTO_TEST_CASE(strangers_are_refused_counted_and_not_heard, *shows("T22") * shows("T23")) {
  const Site& site = own_site();
  const std::int64_t before = counted(site, "refused.wrong_token");
  const std::size_t noted = entries(site, "refused").size();
  for (int i = 0; i < 100; ++i) {
    const HttpReply reply =
        site.post(kPath, "event=FORGED%0A{%22what%22:%22forged%22}&auth[application_token]=guess" +
                             std::to_string(i));
    BOOST_TEST(reply.status == 403);
    BOOST_TEST(!reply.body.contains("FORGED"));
  }
  BOOST_TEST(wait_until([&] { return counted(site, "refused.wrong_token") >= before + 100; }));
  BOOST_TEST(!site.hook_log().contains("FORGED"));
  BOOST_TEST(!read_file(site.run_dir() / "data/hook.jsonl").contains("FORGED"));
  BOOST_TEST(entries(site, "forged").size() == 0u);
  // Ten a minute; the minute may have changed.
  BOOST_TEST(entries(site, "refused").size() <= noted + 20);
  BOOST_TEST(!read_file(site.run_dir() / "data/b24hooks.log").contains("guess"));
}

// It posts what it is about and where it is from, but neither an event nor a token.
BOOST_AUTO_TEST_CASE(a_robot_that_is_refused_is_explained_and_can_be_let_in) {
  const Site& site = own_site();
  const std::string robot =
      "document_id[]=crm&document_id[]=CCrmDocumentDeal&document_id[]=DEAL_7&auth[domain]="
      "example.bitrix24.com&auth[client_endpoint]=https%3A%2F%2Fexample.bitrix24.com%2Frest%2F"
      "&auth[member_id]=a223c6b3710f85df22e9377d6c4f7553";
  const std::int64_t wrong = counted(site, "refused.wrong_token");
  const HttpReply refused = site.post(kPath, robot);
  BOOST_TEST(refused.status == 403);
  BOOST_TEST(refused.body.contains("robot"), refused.body);
  BOOST_TEST(wait_until([&] { return counted(site, "refused.robot") == 1; }));
  BOOST_TEST(counted(site, "refused.wrong_token") == wrong);
  BOOST_REQUIRE(entries(site, "robot_refused").size() == 1u);
  const Value entry = entries(site, "robot_refused").back();
  BOOST_TEST(entry["code"].text() == "robot");
  BOOST_TEST(entry["cause"].text().contains("Outgoing webhook"));
  BOOST_TEST(entry["remedy"].text().contains("auth[application_token]"));
  // What the remedy says works.
  const std::string address = std::string(kPath) + "?auth[application_token]=";
  BOOST_TEST(site.post(address + site.token(), robot).status == 200);
  BOOST_TEST(wait_until([&] { return site.hook_log().contains("DEAL_7"); }));
  BOOST_TEST(site.post(address + "wrong", robot).status == 403);
}

BOOST_AUTO_TEST_CASE(a_token_in_the_address_is_taken_with_a_warning) {
  const Site& site = own_site();
  const std::string path = std::string(kPath) + "?auth[application_token]=" + site.token();
  BOOST_TEST(site.post(path, std::string("event=ONQUERY")).status == 200);
  BOOST_TEST(site.hooked("[event] => ONQUERY\n"));
  BOOST_REQUIRE(!entries(site, "token_in_url").empty());
  BOOST_TEST(entries(site, "token_in_url")[0]["remedy"].text().contains("body"));
  BOOST_TEST(!read_file(site.run_dir() / "data/b24hooks.log").contains(site.token()));
  BOOST_TEST(
      site.post(std::string(kPath) + "?auth[application_token]=wrong", std::string("event=ONX"))
          .status == 403);
  // A GET is nobody's event.
  BOOST_TEST(site.get(path + "&event=ONGET").status == 200);
  BOOST_TEST(!site.hook_log().contains("ONGET"));
}

BOOST_AUTO_TEST_CASE(a_person_sees_what_the_address_is_for_and_no_secret) {
  const Site& site = own_site();
  const HttpReply page = site.get(kPath);
  BOOST_TEST(page.status == 200);
  BOOST_TEST(page.header("content-type").starts_with("text/html"));
  BOOST_TEST(page.body.contains("<h1>"));
  for (const std::string& secret : {site.token(), std::string("rest/1"), site.run_dir().string()})
    BOOST_TEST(!page.body.contains(secret));
  const HttpReply russian = http(site.port(), {"GET", kPath, {"Accept-Language: ru"}, ""});
  BOOST_TEST(russian.body != page.body);
  const HttpReply head = http(site.port(), {"HEAD", kPath, {}, ""});
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.body == "");
}

BOOST_AUTO_TEST_CASE(two_tokens_are_good_while_one_is_changed) {
  const Site& site = own_site();
  const std::string old_one = body(site);
  const std::string new_one = "event=ONX&auth[application_token]=the-new-token";
  BOOST_TEST(site.post(kPath, new_one).status == 403);
  const Changed changed(site, site.settings());
  site.set_setting("application_token", site.token() + " the-new-token");
  BOOST_TEST(wait_until([&] { return site.post(kPath, new_one).status == 200; }));
  BOOST_TEST(site.post(kPath, old_one).status == 200);
  site.set_setting("application_token", "the-new-token");
  BOOST_TEST(wait_until([&] { return site.post(kPath, old_one).status == 403; }));
  BOOST_TEST(site.post(kPath, new_one).status == 200);
}

BOOST_AUTO_TEST_CASE(without_a_token_nothing_is_taken_and_the_log_says_what_to_do) {
  const Site& site = own_site();
  const std::string event = body(site, "&x=unconfigured");
  const Changed changed(site, site.settings());
  site.set_setting("application_token", "");
  HttpReply reply;
  BOOST_TEST(wait_until([&] { return (reply = site.post(kPath, event)).status == 503; }));
  BOOST_TEST(!reply.body.contains("settings.conf"));
  BOOST_TEST(site.post(kPath, std::string("event=ONX&auth[application_token]=")).status == 503);
  const auto said = entries(site, "unavailable");
  BOOST_REQUIRE(!said.empty());
  BOOST_TEST(said.back()["code"].text() == "no_application_token");
  BOOST_TEST(said.back()["cause"].text().contains("settings.conf"));
  BOOST_TEST(said.back()["remedy"].text().contains("application_token"));
}

BOOST_AUTO_TEST_CASE(broken_settings_do_not_fill_the_servers_log) {
  const Site& site = own_site();
  const Changed changed(site, site.settings() + "\n[handler]\nallow = nonsense\n");
  site.kill("handler", SIGTERM);
  const std::string event = "event=ONX";
  BOOST_REQUIRE(wait_until([&] { return site.post(kPath, event).status == 503; }));
  for (int i = 0; i < 30; ++i) BOOST_TEST(site.post(kPath, event).status == 503);
  const std::string said = site.log("handler.log");
  const std::size_t first = said.find("nonsense");
  BOOST_TEST(first != std::string::npos, said);
  BOOST_TEST(std::ranges::count(said.substr(said.rfind('\n', first) + 1), '\n') < 5, said);
}

// The time zone is a variable that the program sets itself, for which the array of all may be
// moved.
BOOST_AUTO_TEST_CASE(what_the_environment_sets_outlives_the_time_zone) {
  for (int more = 0; more < 4; ++more) {
    const TempDir dir;
    const std::string settings = "[data]\ndir = data\n[log]\ntime_zone = +03:00\n";
    write_file(dir / "settings.conf", settings);
    const std::string address = "unix:" + (dir / "socket").string();
    b24::test::Command command{{built("cgi-bin/handler.fcgi"), "--listen", address, "--settings",
                                (dir / "settings.conf").string()},
                               {"B24HOOKS_PORTAL_APPLICATION_TOKEN=0123456789abcdef"}};
    for (int i = 0; i < more; ++i) command.environment.push_back("X" + std::to_string(i) + "=");
    const Process program(command);
    BOOST_REQUIRE(wait_until([&] { return listens(address); }));
    const auto status_of = [&](const std::string& sent) {
      return ask(address, fcgi_post("", sent)).status;
    };
    const std::string event = "event=ONX&auth[application_token]=0123456789abcdef";
    BOOST_TEST(status_of(event) == 200);
    // With these 65 bytes are too many, which tells that they are in use.
    write_file(dir / "settings.conf", settings + "[server]\nmax_body = 64\n");
    BOOST_REQUIRE(wait_until([&] { return status_of(std::string(65, 'x')) == 413; }));
    BOOST_TEST(status_of(event) == 200, more);
  }
}

BOOST_AUTO_TEST_CASE(only_listed_senders_are_let_in) {
  const Site& site = own_site();
  const std::string event = body(site);
  const std::string settings = site.settings();
  const fs::path nodes = site.run_dir() / "nodes.json";
  const Changed changed(site, settings + "\n[handler]\nallow = 192.0.2.1\n");
  BOOST_TEST(wait_until([&] { return site.post(kPath, event).status == 403; }));
  BOOST_TEST(wait_until([&] { return !entries(site, "refused").empty(); }));
  BOOST_TEST(wait_until([&] { return counted(site, "refused.address_not_allowed") > 0; }));
  // A header that nobody was trusted with.
  BOOST_TEST(http(site.port(),
                  {"POST", kPath, {"Content-Type: " + kForm, "X-Forwarded-For: 192.0.2.1"}, event})
                 .status == 403);
  site.set_settings(settings + "\n[handler]\nallow_file = " + nodes.string() + "\n");
  BOOST_TEST(wait_until([&] { return site.post(kPath, event).status == 503; }));
  write_file(nodes, R"({"nodes":["127.0.0.1"]})");
  BOOST_TEST(site.post(kPath, event).status == 200);
  write_file(nodes, R"({"nodes":["192.0.2.7"]})");
  BOOST_TEST(site.post(kPath, event).status == 403);
}

// The portal never sends an event twice, and bulk changes make equal ones.
BOOST_AUTO_TEST_CASE(equal_calls_are_each_an_event, *shows("T23")) {
  const Site& site = own_site();
  const std::string event = body(site, "&x=repeated&ts=1700000000&event_handler_id=9");
  for (int i = 0; i < 5; ++i) BOOST_TEST(site.post(kPath, event).status == 200);
  BOOST_TEST(wait_until([&] {
    std::size_t count = 0;
    const std::string log = site.hook_log();
    for (std::size_t at = 0; (at = log.find("[x] => repeated\n", at)) != std::string::npos; ++at)
      ++count;
    return count == 5;
  }));
}

BOOST_AUTO_TEST_CASE(a_renamed_log_is_begun_anew) {
  const Site& site = own_site();
  const fs::path log = site.run_dir() / "data/hook.log";
  BOOST_TEST(site.post(kPath, body(site, "&x=before")).status == 200);
  BOOST_TEST(site.hooked("[x] => before\n"));
  fs::rename(log, site.run_dir() / "data/hook.log-20260101");
  BOOST_TEST(site.post(kPath, body(site, "&x=after")).status == 200);
  BOOST_TEST(site.hooked("[x] => after\n"));
  BOOST_TEST(!site.hook_log().contains("[x] => before\n"));
  BOOST_TEST(read_file(site.run_dir() / "data/hook.log-20260101").contains("[x] => before\n"));
}

BOOST_AUTO_TEST_CASE(on_a_full_disk_every_answer_is_true,
                     *shows("T32") * shows("F10") * shows("A5")) {
  const SmallDisk disk;
  if (!disk) return;
  const Site site(disk.options());
  BOOST_TEST(site.post(kPath, body(site, "", "0")).status == 200);
  disk.fill_up();
  std::vector<int> status;
  const std::string padding = "&x=" + repeated("y", 20'000);
  for (int id = 0; id < 400; ++id)
    status.push_back(site.post(kPath, body(site, padding, "a" + std::to_string(id))).status);
  BOOST_TEST(status.back() == 503);
  disk.make_room();
  BOOST_TEST(wait_until([&] { return site.post(kPath, body(site, "", "end")).status == 200; }));
  const auto store = good(Store::open(disk.path()));
  std::map<std::string, int> kept;
  std::size_t wanted = 2 + static_cast<std::size_t>(std::ranges::count(status, 200));
  BOOST_TEST(wait_until([&] { return all_events(*store).size() >= wanted; }));
  for (const Item& item : all_events(*store)) ++kept[item.payload.path("data.FIELDS.ID").text()];
  int wrong = 0;
  for (int id = 0; id < 400; ++id) {
    const int copies = kept["a" + std::to_string(id)];
    wrong += copies > 1 || (copies == 0 && status[static_cast<std::size_t>(id)] == 200) ? 1 : 0;
  }
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(in_a_read_only_directory_nothing_is_taken_until_it_is_mended, *shows("T32")) {
  const SmallDisk disk;
  if (!disk) return;
  disk.remount(MS_RDONLY);
  const Site site(disk.options());
  BOOST_TEST(site.post(kPath, body(site, "", "1")).status == 503);
  BOOST_TEST(site.get(kPath).status == 200);
  BOOST_TEST(site.log("handler.log").contains("unavailable"));
  disk.remount(0);
  BOOST_TEST(wait_until([&] { return site.post(kPath, body(site, "", "2")).status == 200; }));
  const auto store = good(Store::open(disk.path()));
  BOOST_REQUIRE(wait_until([&] { return !all_events(*store).empty(); }));
  const auto events = all_events(*store);
  BOOST_TEST(events.size() == 1u);
  BOOST_TEST(events[0].payload.path("data.FIELDS.ID").text() == "2");
}

BOOST_AUTO_TEST_SUITE_END()
