// check_tests: every check, given facts that no machine has at once, and the words for what it
// finds.
#include "check.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <set>

#include "check_seen.h"
#include "process.h"

namespace b24::check {
namespace {

constexpr Millis kNow = 1'764'000'000'000;
constexpr Millis kMinute = 60'000;
constexpr Millis kHour = 60 * kMinute;
constexpr const char* kUrl = "https://example.bitrix24.com/rest/1/abcdefabcdef1234/";

const Templates& templates() {
  static const auto loaded = Templates::load("templates").value();
  return *loaded;
}

Answer answer(Value result) {
  Answer made;
  made.result = std::move(result);
  return made;
}

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

// What is changed to break one thing.
struct Facts {
  Settings settings;
  Subject subject;
  Seen seen;
  bool without_settings = false;
};

// Everything as it should be.
Facts good_facts() {
  Facts f;
  f.settings.file = "/etc/b24hooks/settings.conf";
  f.settings.crest.web_hook_url = kUrl;
  f.settings.data.dir = "/var/lib/b24hooks";
  f.settings.portals.push_back({});
  f.settings.portals[0].application_tokens = {"token"};
  f.settings.site.public_url = "https://example.com/";
  f.subject.place.mode = Mode::fastcgi;
  f.subject.place.settings_file = f.settings.file;
  f.seen.at = kNow;
  f.seen.programs = {"libcurl 7", "SQLite 3", "libfcgi", "OpenSSL 3", "www-data", 7, 4};
  PathSeen dir{"/var/lib/b24hooks", true, true, 0700, "www-data", true, false, 0};
  PathSeen file{"/var/lib/b24hooks/file", true, false, 0600, "www-data", true, false, 100};
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
  store.delivery_last_run = std::to_string(kNow - kMinute);
  store.event_lag = {1'000};
  f.seen.store = store;
  f.seen.quick_check = std::string("ok");
  f.seen.log = std::vector<LogEntry>{};
  f.seen.leaks = LeaksSeen{"https://example.com/", std::nullopt, false, {{"data/", 404, false}}};
  f.seen.reach = ReachSeen{"example.bitrix24.com", "", {{"192.0.2.1", true, 5, ""}}};
  f.seen.tls = TlsSeen{std::nullopt, 60, 20};
  PortalSeen portal;
  portal.asked_at = kNow;
  portal.took = 100;
  portal.results = good_answers();
  f.seen.portal = portal;
  f.seen.inbound = InboundSeen{std::nullopt, 200, 30, 60, true};
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

void set_answer(Facts& f, std::string_view key, std::expected<Answer, CallError> outcome) {
  for (BatchResult& result : f.seen.portal->results) {
    if (result.key == key) result.outcome = std::move(outcome);
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

Value clock_at(Millis at) {
  return iso_time(at).substr(0, 19) + "+00:00";
}

struct Case {
  const char* id;
  State state;
  const char* finding;
  std::function<void(Facts&)> broken;
};

// A row for each way in which each check can end, the good one apart.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"curl", State::error, "missing", [](Facts& f) { f.seen.programs.curl.clear(); }},
      {"process", State::warning, "root", [](Facts& f) { f.seen.programs.user = "root"; }},
      {"settings", State::error, "none",
       [](Facts& f) {
         f.without_settings = true;
         f.subject.settings_error = fault("missing");
       }},
      {"settings", State::error, "not_in_use",
       [](Facts& f) { f.subject.settings_error = fault("unknown_key"); }},
      {"settings", State::ok, "environment", [](Facts& f) { f.settings.file.clear(); }},
      {"settings_privacy", State::error, "open",
       [](Facts& f) { f.seen.storage->settings_file.mode = 0644; }},
      {"settings_privacy", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->settings_file.in_document_root = true; }},
      {"settings_privacy", State::info, "no_file",
       [](Facts& f) { f.seen.storage->settings_file.exists = false; }},
      {"templates", State::error, "broken",
       [](Facts& f) { f.subject.templates_error = fault("broken_template"); }},
      {"templates", State::warning, "partly",
       [](Facts& f) { f.subject.templates_warning = fault("broken_catalogue"); }},
      {"form", State::error, "broken", [](Facts& f) { f.settings.form.title = "{nothing}"; }},
      {"encoding", State::error, "unknown",
       [](Facts& f) { f.settings.crest.current_encoding = "klingon-1"; }},
      {"data_dir", State::error, "missing",
       [](Facts& f) { f.seen.storage->data_dir.exists = false; }},
      {"data_dir", State::error, "no_directory",
       [](Facts& f) { f.seen.storage->data_dir.is_directory = false; }},
      {"data_dir", State::error, "open", [](Facts& f) { f.seen.storage->data_dir.mode = 0755; }},
      {"data_dir", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->data_dir.in_document_root = true; }},
      {"write", State::error, "failed",
       [](Facts& f) { f.seen.storage->write_error = system_error(ErrorKind::storage, "d", 28); }},
      {"write", State::warning, "slow", [](Facts& f) { f.seen.storage->write_ms = 900; }},
      {"write", State::error, "late", [](Facts& f) { f.seen.storage.reset(); }},
      {"space", State::warning, "little", [](Facts& f) { f.seen.storage->free_bytes = 1e8; }},
      {"space", State::error, "little", [](Facts& f) { f.seen.storage->free_bytes = 1e6; }},
      {"space", State::error, "little", [](Facts& f) { f.seen.storage->free_inodes = 0; }},
      {"space", State::info, "unknown", [](Facts& f) { f.seen.storage->space_known = false; }},
      {"store", State::error, "closed", [](Facts& f) { f.subject.store_error = fault("busy"); }},
      {"store", State::error, "unanswered", [](Facts& f) { f.seen.store->error = fault("io"); }},
      {"store", State::error, "late", [](Facts& f) { f.seen.store.reset(); }},
      {"store_sound", State::error, "damaged",
       [](Facts& f) { f.seen.quick_check = std::string("row 3 missing"); }},
      {"store_sound", State::error, "unanswered",
       [](Facts& f) { f.seen.quick_check = std::unexpected(fault("io")); }},
      {"store_sound", State::info, "takes_long", [](Facts& f) { f.seen.quick_check.reset(); }},
      {"journal", State::warning, "rollback", [](Facts& f) { f.seen.store->wal = false; }},
      {"logs_dir", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->logs_dir.writable = false; }},
      {"logs_dir", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->logs_dir.in_document_root = true; }},
      {"log_file", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->log_file.writable = false; }},
      {"log_file", State::warning, "open",
       [](Facts& f) { f.seen.storage->log_file.mode = 0644; }},
      {"log_file", State::warning, "big",
       [](Facts& f) { f.seen.storage->log_file.size = 100 << 20; }},
      {"log_file", State::info, "blocked", [](Facts& f) { f.settings.crest.block_log = true; }},
      {"hook_log", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->hook_log.writable = false; }},
      {"hook_log", State::warning, "open",
       [](Facts& f) { f.seen.storage->hook_log.mode = 0604; }},
      {"hook_log", State::warning, "big",
       [](Facts& f) { f.seen.storage->hook_log.size = 100 << 20; }},
      {"leaks", State::error, "served",
       [](Facts& f) { f.seen.leaks->paths.push_back({"hook.log", 200, true}); }},
      {"leaks", State::warning, "unreachable", [](Facts& f) { f.seen.leaks->error = fault("dns"); }},
      {"leaks", State::warning, "redirects", [](Facts& f) { f.seen.leaks->redirects = true; }},
      {"leaks", State::info, "no_public_url",
       [](Facts& f) { f.settings.site.public_url.clear(); }},
      {"webhook_url", State::error, "missing",
       [](Facts& f) { f.settings.crest.web_hook_url.clear(); }},
      {"webhook_url", State::error, "bad",
       [](Facts& f) { f.settings.crest.web_hook_url = "https://example.com/"; }},
      {"portal_address", State::error, "no_name",
       [](Facts& f) { f.seen.reach->fault = "Name or service not known"; }},
      {"portal_address", State::error, "unreachable",
       [](Facts& f) { f.seen.reach->tried[0] = {"192.0.2.1", false, 1, "refused"}; }},
      {"portal_address", State::info, "partly",
       [](Facts& f) { f.seen.reach->tried.push_back({"2001:db8::1", false, 1, "refused"}); }},
      {"portal_tls", State::error, "refused", [](Facts& f) { f.seen.tls->error = fault("tls"); }},
      {"portal_tls", State::error, "unreachable",
       [](Facts& f) { f.seen.tls->error = fault("connect"); }},
      {"portal_tls", State::warning, "expires", [](Facts& f) { f.seen.tls->days_left = 3; }},
      {"portal_tls", State::warning, "ignored",
       [](Facts& f) { f.settings.crest.ignore_ssl = true; }},
      {"portal_answer", State::error, "portal_no_auth_found",
       [](Facts& f) { f.seen.portal->error = refusal("NO_AUTH_FOUND", 401); }},
      {"portal_answer", State::error, "portal_expired_token",
       [](Facts& f) { f.seen.portal->error = refusal("expired_token", 401); }},
      {"portal_answer", State::error, "portal_overload_limit",
       [](Facts& f) { f.seen.portal->error = refusal("OVERLOAD_LIMIT", 503); }},
      {"portal_answer", State::error, "portal_timeout",
       [](Facts& f) { f.seen.portal->error = refusal("timeout", 0); }},
      {"portal_answer", State::error, "refused",
       [](Facts& f) { f.seen.portal->error = refusal("", 400); }},
      {"portal_answer", State::warning, "bucket_full",
       [](Facts& f) { f.seen.portal->error = refusal("gate", 0); }},
      {"portal_answer", State::warning, "slow", [](Facts& f) { f.seen.portal->took = 5'000; }},
      {"portal_answer", State::error, "late", [](Facts& f) { f.seen.portal.reset(); }},
      {"portal_clock", State::warning, "ahead",
       [](Facts& f) { set_answer(f, "time", answer(clock_at(kNow - 2 * kMinute))); }},
      {"portal_clock", State::error, "behind",
       [](Facts& f) { set_answer(f, "time", answer(clock_at(kNow + kHour))); }},
      {"portal_clock", State::info, "unknown",
       [](Facts& f) { set_answer(f, "time", answer("soon")); }},
      {"portal_user", State::warning, "admin",
       [](Facts& f) {
         set_answer(f, "profile", answer(Value::map({{"ID", "1"}, {"ADMIN", true}})));
       }},
      {"portal_scope", State::error, "no_crm",
       [](Facts& f) { set_answer(f, "scope", answer(Value::list({"user"}))); }},
      {"portal_scope", State::warning, "refused",
       [](Facts& f) { set_answer(f, "scope", std::unexpected(refusal("ACCESS_DENIED", 403))); }},
      {"portal_methods", State::error, "missing",
       [](Facts& f) {
         set_answer(f, "method1",
                    answer(Value::map({{"isExisting", true}, {"isAvailable", false}})));
       }},
      {"portal_mode", State::info, "simple",
       [](Facts& f) { set_answer(f, "mode", answer(2)); }},
      {"portal_fields", State::error, "required",
       [](Facts& f) {
         Value fields = f.seen.portal->find("fields")->value().result;
         fields.set("UF_CRM_1", Value::map({{"isRequired", true}, {"formLabel", "Branch"}}));
         set_answer(f, "fields", answer(fields));
       }},
      {"portal_fields", State::error, "unknown",
       [](Facts& f) { f.settings.form.values = "STATUS_ID=NEW, UF_CRM_2=x"; }},
      {"portal_stage", State::error, "missing",
       [](Facts& f) { f.settings.form.values = "STATUS_ID=GONE"; }},
      {"portal_stage", State::ok, "portal_chooses",
       [](Facts& f) { f.settings.form.values = "OPENED=Y"; }},
      {"portal_source", State::error, "missing",
       [](Facts& f) { f.settings.form.values = "SOURCE_ID=RADIO"; }},
      {"portal_responsible", State::info, "unknown",
       [](Facts& f) { f.settings.form.values = "ASSIGNED_BY_ID=9"; }},
      {"portal_responsible", State::error, "missing",
       [](Facts& f) {
         f.settings.form.values = "ASSIGNED_BY_ID=9";
         f.seen.portal->results.push_back({"responsible", answer(Value::array())});
       }},
      {"portal_responsible", State::warning, "dismissed",
       [](Facts& f) {
         f.settings.form.values = "ASSIGNED_BY_ID=9";
         f.seen.portal->results.push_back(
             {"responsible", answer(Value::list({Value::map({{"ID", "9"}, {"ACTIVE", false}})}))});
       }},
      {"portal_limits", State::warning, "nearly_used_up",
       [](Facts& f) { f.seen.gate->level = 48; }},
      {"portal_limits", State::warning, "held_back",
       [](Facts& f) {
         f.seen.gate->open_until = kNow + kMinute;
         f.seen.gate->failures = 5;
       }},
      {"token", State::warning, "missing",
       [](Facts& f) { f.settings.portals[0].application_tokens.clear(); }},
      {"public_url", State::warning, "missing",
       [](Facts& f) { f.settings.site.public_url.clear(); }},
      {"public_url", State::error, "bad",
       [](Facts& f) { f.settings.site.public_url = "example.com"; }},
      {"public_url", State::error, "not_https",
       [](Facts& f) { f.settings.site.public_url = "http://example.com/"; }},
      {"public_url", State::info, "this_machine",
       [](Facts& f) { f.settings.site.public_url = "http://127.0.0.1:8080/"; }},
      {"site_tls", State::error, "refused",
       [](Facts& f) { f.seen.inbound->error = fault("tls"); }},
      {"site_tls", State::warning, "expires", [](Facts& f) { f.seen.inbound->days_left = 2; }},
      {"test_event", State::error, "unreachable",
       [](Facts& f) { f.seen.inbound->error = fault("connect"); }},
      {"test_event", State::error, "forbidden",
       [](Facts& f) { f.seen.inbound->status = 403; }},
      {"test_event", State::error, "wrong_answer",
       [](Facts& f) { f.seen.inbound->status = 502; }},
      {"test_event", State::error, "not_stored",
       [](Facts& f) { f.seen.inbound->stored = false; }},
      {"test_event", State::warning, "slow", [](Facts& f) { f.seen.inbound->took = 4'000; }},
      {"test_event", State::info, "not_asked",
       [](Facts& f) { f.settings.site.public_url = "http://example.com/"; }},
      {"leads", State::warning, "failed", [](Facts& f) { f.seen.store->leads.failed = 1; }},
      {"leads", State::warning, "waiting",
       [](Facts& f) { f.seen.store->leads = {1, 0, 0, 1, kNow - 20 * kMinute}; }},
      {"leads", State::error, "stuck",
       [](Facts& f) { f.seen.store->leads = {1, 0, 0, 1, kNow - 20 * kHour}; }},
      {"events", State::warning, "failed", [](Facts& f) { f.seen.store->events.failed = 1; }},
      {"events", State::error, "stuck",
       [](Facts& f) { f.seen.store->events = {1, 0, 0, 1, kNow - 20 * kHour}; }},
      {"delivery", State::error, "dead",
       [](Facts& f) {
         f.seen.store->leads.pending = 1;
         f.seen.store->delivery_last_run = std::to_string(kNow - kHour);
       }},
      {"delivery", State::info, "resting",
       [](Facts& f) { f.seen.store->delivery_last_run = std::to_string(kNow - kHour); }},
      {"delivery", State::error, "never_and_waiting",
       [](Facts& f) {
         f.seen.store->leads.pending = 1;
         f.seen.store->delivery_last_run.clear();
       }},
      {"event_lag", State::warning, "late_events",
       [](Facts& f) { f.seen.store->event_lag = {10 * kMinute}; }},
      {"event_lag", State::info, "no_events", [](Facts& f) { f.seen.store->event_lag.clear(); }},
      {"refusals", State::info, "some",
       [](Facts& f) { f.seen.store->counts = {{"spam.honeypot", kNow, 3}}; }},
      {"errors", State::warning, "recent",
       [](Facts& f) {
         f.seen.log->push_back({iso_time(kNow - kMinute), "delivery", "timeout", "late", true});
       }},
      {"errors", State::info, "old",
       [](Facts& f) {
         f.seen.log->push_back({iso_time(kNow - 5 * kHour), "call", "x", "late", true});
       }},
      {"errors", State::info, "unknown", [](Facts& f) { f.seen.log.reset(); }},
  };
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_tests)

BOOST_AUTO_TEST_CASE(good_facts_make_every_check_content) {
  for (const Row& row : judged(good_facts())) {
    BOOST_TEST((row.finding.state <= State::info), row.id << ": " << row.finding.name);
    const Words w = words(row, &templates(), "en");
    BOOST_TEST(!w.title.empty());
    BOOST_TEST(!w.detail.empty(), row.id << " has no words for " << row.finding.name);
    BOOST_TEST(w.remedy.empty(), row.id);
  }
}

BOOST_AUTO_TEST_CASE(what_is_broken_is_found_named_and_mended) {
  for (const Case& c : cases()) {
    Facts facts = good_facts();
    c.broken(facts);
    const std::vector<Row> rows = judged(facts);
    const Row& row = row_of(rows, c.id);
    BOOST_TEST_CONTEXT(c.id << " " << c.finding) {
      BOOST_TEST(name(row.finding.state) == name(c.state));
      BOOST_TEST(row.finding.name == c.finding);
      for (const char* language : {"en", "ru"}) {
        const Words w = words(row, &templates(), language);
        BOOST_TEST(!w.detail.empty());
        if (row.finding.state >= State::warning) BOOST_TEST(!w.remedy.empty());
        BOOST_TEST(!w.detail.contains("{{"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_check_has_a_case_or_cannot_fail) {
  std::set<std::string> seen;
  for (const Case& c : cases()) seen.insert(c.id);
  const std::set<std::string> cannot_fail = {"version", "libraries"};
  std::set<std::string> ids;
  for (const Check& check : all_checks()) {
    const std::string id(check.id);
    BOOST_TEST(ids.insert(id).second, id << " occurs twice");
    BOOST_TEST(seen.contains(id) != cannot_fail.contains(id), id);
  }
}

BOOST_AUTO_TEST_CASE(times_are_told_in_the_unit_that_suits_them_in_each_language) {
  struct Case {
    Millis time;
    const char* english;
    const char* russian;
  };
  for (const Case& c : {Case{0, "0 ms", "0 мс"}, Case{999, "999 ms", "999 мс"},
                        Case{1'999, "1 s", "1 с"}, Case{3 * kMinute, "3 min", "3 мин"},
                        Case{5 * kHour, "5 h", "5 ч"}, Case{49 * kHour, "2 d", "2 дн."}}) {
    Row row{"event_lag", Group::suite, "", {.name = "prompt"}};
    row.finding.facts = Value::map({{"lag", duration(c.time)}});
    BOOST_TEST(words(row, &templates(), "en").detail.contains(c.english));
    BOOST_TEST(words(row, &templates(), "ru").detail.contains(c.russian));
    BOOST_TEST(words(row, nullptr, "en").detail.contains(c.english));
  }
}

BOOST_AUTO_TEST_CASE(crests_names_are_kept) {
  std::set<std::string_view> names;
  for (const Check& check : all_checks()) names.insert(check.crest);
  for (const char* name :
       {"curl_error", "setting_creat_error", "logs_folder_creat_error", "logs_file_creat_error"}) {
    BOOST_TEST(names.contains(name), name);
  }
}

BOOST_AUTO_TEST_CASE(nothing_seen_is_no_crash_and_no_success) {
  Seen nothing;
  nothing.subject = std::make_shared<const Subject>();
  const Report report = judge(nothing);
  BOOST_TEST(report.rows.size() == all_checks().size());
  BOOST_TEST((report.verdict() == State::error));
}

BOOST_AUTO_TEST_CASE(no_secret_is_in_any_row) {
  Facts facts = good_facts();
  facts.settings.checkserver.key = "a-key-of-the-owner";
  facts.settings.portals[0].application_tokens = {"tok-secret-0123456789"};
  facts.seen.store->failed.push_back({});
  facts.seen.store->failed[0].error_text = std::string("no answer from ") + kUrl;
  facts.seen.store->leads.failed = 1;
  facts.seen.tls->error = Error{ErrorKind::network, "tls", std::string("bad: ") + kUrl, ""};
  Report report;
  report.rows = judged(facts);
  const std::string text = to_text(report);
  for (const char* secret : {"abcdefabcdef1234", "a-key-of-the-owner", "tok-secret-0123456789"}) {
    BOOST_TEST(!text.contains(secret), secret);
  }
}

BOOST_AUTO_TEST_CASE(a_report_survives_being_shared) {
  Report report;
  report.at = kNow;
  report.took = 321;
  report.rows = judged(good_facts());
  report.rows[1].finding.paste = {"one", "two"};
  report.rows[1].finding.metrics = {{"free", 1.5}};
  report.hours = {{kNow, 3, 4, 250}, {kNow + kHour, 0, 0, -1}};
  report.bucket_level = 2.5;
  report.bucket_size = 50;
  const Result<Report> back = from_text(to_text(report));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST(to_text(*back) == to_text(report));
  BOOST_TEST(back->rows[1].finding.paste.size() == 2);
  BOOST_TEST(back->hours[1].delivery == -1);
  BOOST_TEST(!from_text("{\"rows\": [").has_value());
}

BOOST_AUTO_TEST_CASE(the_worst_state_is_the_verdict) {
  const auto verdict_of = [](std::initializer_list<State> states) {
    Report report;
    for (const State state : states) {
      Row row;
      row.finding.state = state;
      report.rows.push_back(row);
    }
    return report.verdict();
  };
  BOOST_TEST((verdict_of({State::ok, State::info}) == State::ok));
  BOOST_TEST((verdict_of({State::warning, State::info}) == State::warning));
  BOOST_TEST((verdict_of({State::warning, State::error, State::ok}) == State::error));
}

BOOST_AUTO_TEST_CASE(without_templates_facts_stand_for_words) {
  const std::vector<Row> rows = judged(good_facts());
  const Words w = words(row_of(rows, "data_dir"), nullptr, "en");
  BOOST_TEST(w.title == "data_dir");
  BOOST_TEST(w.detail.contains("/var/lib/b24hooks"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
