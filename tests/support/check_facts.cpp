// check_facts: what a run of the self-check sees where all is well, for tests to break one thing
// in.
#include "check_facts.h"

#include <stdexcept>

#include "process.h"

namespace b24::check {
namespace {

std::vector<BatchResult> good_answers() {
  const Value status = Value::list({Value::map({{"STATUS_ID", "NEW"}, {"NAME", "Unprocessed"}})});
  const Value method = Value::map({{"isExisting", true}, {"isAvailable", true}});
  const Value plain = Value::map({{"isRequired", false}, {"isReadOnly", false}});
  Value fields = Value::array();
  for (const char* name : {"TITLE", "NAME", "LAST_NAME", "PHONE", "EMAIL", "STATUS_ID", "OPENED",
                           "ASSIGNED_BY_ID", "ORIGINATOR_ID", "ORIGIN_ID"}) {
    fields.set(name, plain);
  }
  return {
      {"profile", answer(Value::map({{"ID", "1"}, {"ADMIN", false}, {"NAME", "Anna"}}))},
      {"scope", answer(Value::list({"crm"}))},
      {"time", answer(iso_time(kNow).substr(0, 19) + "+00:00")},
      {"mode", answer(1)},
      {"fields", answer(fields)},
      {"stages", answer(status)},
      {"sources", answer(Value::array())},
      {"method0", answer(method)},
      {"method1", answer(method)},
  };
}

}  // namespace

const Templates& templates() {
  static const auto loaded = Templates::load({"templates"}).value();
  return *loaded;
}

Answer answer(Value result) {
  Answer made;
  made.result = std::move(result);
  return made;
}

Facts good_facts() {
  Facts f;
  f.settings.file = "/etc/b24hooks/settings.conf";
  f.settings.crest.web_hook_url = kUrl;
  f.settings.data.dir = "/var/lib/b24hooks";
  f.settings.portals.push_back({});
  f.settings.portals[0].application_tokens = {"token"};
  f.settings.watches = {{"deal", 10 * kMinute, false}};
  f.settings.robots = {{"won", "0123456789abcdef"}};
  f.settings.site.public_url = "https://example.com/";
  f.subject.place.mode = Mode::fastcgi;
  f.subject.place.settings_file = f.settings.file;
  f.seen.at = kNow;
  f.seen.programs = {std::nullopt, "libcurl 7", 3'040'001, "OpenSSL 3",
                     "www-data",   7,           4,         "/usr/lib"};
  const PathSeen dir{"/var/lib/b24hooks", true, true, "www-data", true, false, false, 0,
                     {"chmod dir"}};
  const PathSeen file{
      "/var/lib/b24hooks/file", true, false, "www-data", true, false, false, 100, {"chmod file"}};
  StorageSeen storage;
  storage.settings_file = file;
  storage.data_dir = storage.logs_dir = dir;
  storage.log_file = storage.hook_log = file;
  storage.write_ms = 2;
  storage.space_known = true;
  storage.free_bytes = storage.total_bytes = 1e11;
  storage.free_inodes = storage.total_inodes = 1e6;
  f.seen.storage = storage;
  StoreSeen store;
  store.wal = true;
  store.delivery_last_run = store.event_work_last_run = std::to_string(kNow - kMinute);
  store.event_lag = {1'000};
  store.sound = std::string("ok");
  store.rhythm = rhythm_until(kNow - kMinute);
  f.seen.store = store;
  f.seen.log = std::vector<LogEntry>{};
  f.seen.leaks = LeaksSeen{"https://example.com/",
                           std::nullopt,
                           false,
                           false,
                           {{"https://example.com/data/", 404, false}}};
  f.seen.reach = ReachSeen{"example.bitrix24.com", "", {{"192.0.2.1", true, 5, ""}}};
  f.seen.tls = TlsSeen{std::nullopt, 60};
  PortalSeen portal;
  portal.asked_at = kNow;
  portal.took = 100;
  portal.results = good_answers();
  f.seen.portal = portal;
  f.seen.site_reach = ReachSeen{"example.com", "", {{"192.0.2.2", true, 5, ""}}};
  f.seen.inbound = InboundSeen{std::nullopt, 200, 30, 60, true, "", "", ""};
  f.seen.gate = GateState{};
  return f;
}

std::vector<Row> judged(Facts facts) {
  static const test::TempDir dir;
  static const std::shared_ptr<Store> store = Store::open(dir / "data").value();
  if (!facts.without_settings) {
    facts.subject.settings = std::make_shared<const Settings>(facts.settings);
  }
  if (!facts.subject.store_error) facts.subject.store = store;
  facts.seen.subject = std::make_shared<const Subject>(facts.subject);
  return judge(facts.seen).rows;
}

const Row& row_of(const std::vector<Row>& rows, std::string_view id) {
  for (const Row& row : rows) {
    if (row.id == id) return row;
  }
  throw std::runtime_error("no row " + std::string(id));
}

void set_answer(Facts& f, std::string_view key, const CallResult& outcome) {
  for (BatchResult& result : f.seen.portal->results) {
    if (result.key == key) result.outcome = outcome;
  }
}

CallError refusal(const char* code, int status) {
  CallError error;
  error.error = {ErrorKind::portal, code, std::string(code) + ": refused", "mend it"};
  error.status = status;
  return error;
}

Error fault(const char* code) {
  return {ErrorKind::storage, code, "it broke", "mend it"};
}

}  // namespace b24::check
