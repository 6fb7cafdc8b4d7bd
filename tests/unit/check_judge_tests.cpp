// check_judge_tests: every check, given facts that no machine has at once, and the words for what
// it finds.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <functional>
#include <set>

#include "check_facts.h"

namespace b24::check {
namespace check_judge_tests {

Value clock_at(Millis at) {
  return iso_time(at).substr(0, 19) + "+00:00";
}

struct Case {
  const char* id;
  State state;
  const char* finding;
  std::function<void(Facts&)> broken;
};

// A store that machines share, all well; what `broken` does to it.
std::function<void(Facts&)> shared(const std::function<void(DatabaseSeen&)>& broken) {
  return [broken](Facts& f) {
    f.settings.data.store = "postgres://b24app@db1,db2/b24";
    Store::Server server{.host = "n1", .timeline = "00000001"};
    server.synchronous_commit = "on";
    server.standby_names = "ANY 1 (n1,n2)";
    server.is_safe = true;
    server.connections = 5;
    server.connections_allowed = 100;
    server.standbys = {{"n2", "streaming", "quorum", 0}};
    f.seen.database = DatabaseSeen{.server = server, .machines = std::vector<Store::Machine>()};
    broken(*f.seen.database);
  };
}

// A row for each way in which each check can end, the good one apart.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"curl", State::error, "missing", [](Facts& f) { f.seen.programs.curl_error = fault("curl_missing"); }},
      {"sqlite", State::error, "old", [](Facts& f) { f.seen.programs.sqlite = 3'034'001; }},
      {"process", State::info, "shell", [](Facts& f) { f.subject.place.mode = Mode::shell; }},
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
       [](Facts& f) { f.seen.storage->settings_file.open_to_others = true; }},
      {"settings_privacy", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->settings_file.in_document_root = true; }},
      {"settings_privacy", State::info, "no_file",
       [](Facts& f) { f.seen.storage->settings_file.exists = false; }},
      {"templates", State::error, "broken",
       [](Facts& f) { f.subject.templates_error = fault("broken_template"); }},
      {"templates", State::warning, "partly",
       [](Facts& f) { f.subject.templates_warning = fault("broken_catalogue"); }},
      {"form", State::error, "broken", [](Facts& f) { f.settings.form.title = "{nothing}"; }},
      {"form", State::warning, "no_template", [](Facts& f) { f.settings.form.page = "nowhere"; }},
      {"encoding", State::error, "unknown",
       [](Facts& f) { f.settings.crest.current_encoding = "klingon-1"; }},
      {"time_zone", State::warning, "unknown",
       [](Facts& f) { f.settings.log.time_zone = "Mars/Base"; }},
      {"database", State::error, "unreached",
       shared([](DatabaseSeen& d) { d.server = std::unexpected(fault("old_primary")); })},
      {"database", State::warning, "crowded",
       shared([](DatabaseSeen& d) { d.server->connections = 98; })},
      {"database", State::error, "late", [](Facts& f) {
         shared([](DatabaseSeen&) {})(f);
         f.seen.database.reset();
       }},
      {"nodes", State::info, "unasked", [](Facts& f) {
         shared([](DatabaseSeen&) {})(f);
         f.settings.store.replicated = false;
       }},
      {"nodes", State::error, "one_node",
       shared([](DatabaseSeen& d) { d.server->synchronous_commit = "local"; })},
      {"nodes", State::error, "one_node",
       shared([](DatabaseSeen& d) { d.server->standby_names.clear(); })},
      {"nodes", State::error, "unsafe", shared([](DatabaseSeen& d) { d.server->is_safe = false; })},
      {"nodes", State::info, "hidden",
       shared([](DatabaseSeen& d) { d.server->standbys = {{"n2", "", "", -1}}; })},
      {"nodes", State::error, "no_standby",
       shared([](DatabaseSeen& d) { d.server->standbys.clear(); })},
      {"nodes", State::warning, "slow", shared([](DatabaseSeen& d) { d.server->waiting = 9; })},
      {"database_clock", State::warning, "differs",
       shared([](DatabaseSeen& d) { d.server->clock_ahead = -9'000; })},
      {"passfile", State::info, "none", shared([](DatabaseSeen&) {})},
      {"passfile", State::error, "unreadable",
       shared([](DatabaseSeen& d) { d.passfile = "/etc/b24hooks/db.pass"; })},
      {"passfile", State::error, "open", shared([](DatabaseSeen& d) {
         d.passfile = "/etc/b24hooks/db.pass";
         d.passfile_readable = d.passfile_open = true;
       })},
      {"passfile", State::error, "late", [](Facts& f) {
         shared([](DatabaseSeen&) {})(f);
         f.seen.database.reset();
       }},
      {"passfile", State::ok, "private", shared([](DatabaseSeen& d) {
         d.passfile = "/etc/b24hooks/db.pass";
         d.passfile_readable = true;
       })},
      {"journaled", State::info, "some", [](Facts& f) {
         shared([](DatabaseSeen&) {})(f);
         f.seen.store->counts = {{"journaled", kNow, 3}};
       }},
      {"journaled", State::info, "away",
       shared([](DatabaseSeen& d) { d.server = std::unexpected(fault("away")); })},
      {"journaled", State::warning, "waits",
       shared([](DatabaseSeen& d) { d.journaled = {3, 1}; })},
      {"machines", State::info, "alone", shared([](DatabaseSeen&) {})},
      {"machines", State::error, "late", [](Facts& f) {
         shared([](DatabaseSeen&) {})(f);
         f.seen.database.reset();
       }},
      {"machines", State::error, "unanswered",
       shared([](DatabaseSeen& d) { d.machines = std::unexpected(fault("away")); })},
      {"machines", State::info, "alone",  // what was told a day ago is of a machine that is gone
       shared([](DatabaseSeen& d) { d.machines->push_back({"1", false, 2 * kDay, Value()}); })},
      {"machines", State::ok, "same",
       shared([](DatabaseSeen& d) { d.machines->push_back({"1", false, 0, Value()}); })},
      {"machines", State::warning, "silent", shared([](DatabaseSeen& d) {
         d.machines->push_back({"1", false, kHour, Value()});
       })},
      {"machines", State::warning, "differ", shared([](DatabaseSeen& d) {
         d.machines->push_back(
             {"1", false, 0, Value::map({{"marks", Value::map({{"form", "abc"}})}})});
       })},
      {"machines", State::warning, "unlogged",
       [](Facts& f) {
         shared([](DatabaseSeen& d) {
           d.machines->push_back({"1", false, 0, Value::map({{"name", "web1"}})});
         })(f);
         f.settings.log.machines = "web2";
       }},
      {"data_dir", State::error, "missing",
       [](Facts& f) { f.seen.storage->data_dir.exists = false; }},
      {"data_dir", State::error, "no_directory",
       [](Facts& f) { f.seen.storage->data_dir.is_directory = false; }},
      {"data_dir", State::error, "open", [](Facts& f) { f.seen.storage->data_dir.open_to_others = true; }},
      {"data_dir", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->data_dir.in_document_root = true; }},
      {"write", State::error, "failed",
       [](Facts& f) { f.seen.storage->write_error = system_error(ErrorKind::storage, "d", 28); }},
      {"write", State::warning, "slow", [](Facts& f) { f.seen.storage->write_ms = 900; }},
      {"write", State::error, "late", [](Facts& f) { f.seen.storage.reset(); }},
      {"space", State::warning, "little", [](Facts& f) { f.seen.storage->free_bytes = 1e8; }},
      {"space", State::error, "little", [](Facts& f) { f.seen.storage->free_bytes = 1e6; }},
      {"space", State::warning, "little", [](Facts& f) { f.seen.storage->free_inodes = 1; }},
      {"space", State::error, "little", [](Facts& f) { f.seen.storage->free_inodes = 0; }},
      {"space", State::info, "unknown", [](Facts& f) { f.seen.storage->space_known = false; }},
      {"store", State::error, "closed", [](Facts& f) { f.subject.store_error = fault("busy"); }},
      {"store", State::error, "unanswered", [](Facts& f) { f.seen.store->error = fault("io"); }},
      {"store", State::error, "late", [](Facts& f) { f.seen.store.reset(); }},
      {"store_sound", State::error, "damaged",
       [](Facts& f) { f.seen.store->sound = std::string("row 3 missing"); }},
      {"store_sound", State::error, "unanswered",
       [](Facts& f) { f.seen.store->sound = std::unexpected(fault("io")); }},
      {"store_sound", State::info, "takes_long", [](Facts& f) { f.seen.store->sound.reset(); }},
      {"journal", State::warning, "rollback", [](Facts& f) { f.seen.store->wal = false; }},
      {"logs_dir", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->logs_dir.writable = false; }},
      {"logs_dir", State::error, "in_web_root",
       [](Facts& f) { f.seen.storage->logs_dir.in_document_root = true; }},
      {"log_file", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->log_file.writable = false; }},
      {"log_file", State::warning, "open",
       [](Facts& f) { f.seen.storage->log_file.open_to_others = true; }},
      {"log_file", State::warning, "big",
       [](Facts& f) { f.seen.storage->log_file.size = 100 << 20; }},
      {"log_file", State::info, "blocked", [](Facts& f) { f.settings.crest.block_log = true; }},
      {"hook_log", State::error, "unwritable",
       [](Facts& f) { f.seen.storage->hook_log.writable = false; }},
      {"hook_log", State::warning, "open",
       [](Facts& f) { f.seen.storage->hook_log.open_to_others = true; }},
      {"hook_log", State::warning, "big",
       [](Facts& f) { f.seen.storage->hook_log.size = 100 << 20; }},
      {"leaks", State::error, "served",
       [](Facts& f) { f.seen.leaks->served.push_back({"u", 200, true}); }},
      {"leaks", State::error, "served",
       [](Facts& f) {
         f.seen.leaks->served.push_back({"u", 200, true});
         f.seen.leaks->error = fault("reset");
       }},
      {"leaks", State::warning, "cut_short", [](Facts& f) { f.seen.leaks->cut_short = true; }},
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
      {"portal_tls", State::warning, "ignored",
       [](Facts& f) {
         f.settings.crest.ignore_ssl = true;
         f.seen.tls->error = fault("tls");
       }},
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
      {"portal_answer", State::error, "refused",
       [](Facts& f) { f.seen.portal->error = refusal("NEVER_SEEN", 400); }},
      {"portal_answer", State::warning, "bucket_full",
       [](Facts& f) { f.seen.portal->error = refusal("gate", 0); }},
      {"portal_answer", State::warning, "slow", [](Facts& f) { f.seen.portal->took = 5'000; }},
      {"portal_answer", State::error, "late", [](Facts& f) { f.seen.portal.reset(); }},
      {"portal_clock", State::warning, "ahead",
       [](Facts& f) { set_answer(f, "time", answer(clock_at(kNow - 2 * kMinute))); }},
      {"portal_clock", State::error, "behind",
       [](Facts& f) { set_answer(f, "time", answer(clock_at(kNow + kHour))); }},
      {"portal_clock", State::ok, "right",  // it was asked in the middle of a slow call
       [](Facts& f) {
         f.seen.portal->took = 10 * kMinute;
         set_answer(f, "time", answer(clock_at(kNow + 5 * kMinute)));
       }},
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
      {"site_reach", State::error, "no_name",
       [](Facts& f) { f.seen.site_reach->fault = "Name or service not known"; }},
      {"site_reach", State::error, "unreachable",
       [](Facts& f) { f.seen.site_reach->tried[0].reached = false; }},
      {"site_reach", State::error, "late", [](Facts& f) { f.seen.site_reach.reset(); }},
      {"test_event", State::error, "redirected",
       [](Facts& f) {
         f.seen.inbound->status = 301;
         f.seen.inbound->redirect = "https://www.example.com/handler.php";
       }},
      {"test_event", State::error, "in_between",
       [](Facts& f) {
         f.seen.inbound->status = 403;
         f.seen.inbound->foreign = "Just a moment...";
       }},
      {"test_event", State::error, "in_between",
       [](Facts& f) { f.seen.inbound->foreign = "Please confirm that you are no robot"; }},
      {"test_event", State::error, "wrong_answer",
       [](Facts& f) {
         f.seen.inbound->status = 502;
         f.seen.inbound->foreign = "502 Bad Gateway";
       }},
      {"site_tls", State::warning, "expires", [](Facts& f) { f.seen.inbound->days_left = 2; }},
      {"test_event", State::error, "unreachable",
       [](Facts& f) { f.seen.inbound->error = fault("connect"); }},
      {"test_event", State::error, "forbidden",
       [](Facts& f) { f.seen.inbound->status = 403; }},
      {"test_event", State::info, "kept_out",
       [](Facts& f) {
         f.seen.inbound->status = 403;
         f.seen.inbound->code = "address_not_allowed";
       }},
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
      {"delivery", State::ok, "alive",  // it tells nothing while nothing waits
       [](Facts& f) {
         f.seen.store->leads = {1, 0, 0, 1, kNow - kMinute};
         f.seen.store->delivery_last_run = std::to_string(kNow - kHour);
       }},
      {"delivery", State::info, "resting",
       [](Facts& f) { f.seen.store->delivery_last_run = std::to_string(kNow - kHour); }},
      {"delivery", State::error, "never_and_waiting",
       [](Facts& f) {
         f.seen.store->leads.pending = 1;
         f.seen.store->delivery_last_run.clear();
       }},
      {"event_work", State::error, "dead",
       [](Facts& f) {
         f.seen.store->events.pending = 1;
         f.seen.store->event_work_last_run = std::to_string(kNow - kHour);
       }},
      {"event_work", State::info, "never",
       [](Facts& f) { f.seen.store->event_work_last_run.clear(); }},
      {"event_lag", State::warning, "late_events",
       [](Facts& f) { f.seen.store->event_lag = {10 * kMinute}; }},
      {"event_lag", State::info, "no_events", [](Facts& f) { f.seen.store->event_lag.clear(); }},
      {"refusals", State::info, "some",
       [](Facts& f) { f.seen.store->counts = {{"spam.honeypot", kNow, 3}}; }},
      {"event_silence", State::warning, "silent",
       [](Facts& f) { f.seen.store->rhythm = rhythm_until(kNow - 9 * kDay); }},
      {"event_silence", State::info, "none", [](Facts& f) { f.seen.store->rhythm = ""; }},
      {"missed", State::info, "none", [](Facts& f) { f.settings.watches.clear(); }},
      {"missed", State::ok, "some",
       [](Facts& f) {
         f.seen.store->counts = {{"watch.missed.deal", kNow, 3}, {"watch.came.deal", kNow, 97}};
       }},
      {"missed", State::warning, "muted",
       [](Facts& f) {
         f.seen.store->counts = {{"watch.missed.task", kNow, 3}, {"watch.came.deal", kNow, 97}};
       }},
      {"missed", State::warning, "muted",  // since an hour in which some came
       [](Facts& f) {
         f.seen.store->counts = {{"watch.missed.deal", kNow - kHour, 1},
                                 {"watch.came.deal", kNow - kHour, 97},
                                 {"watch.missed.deal", kNow, 3}};
       }},
      {"robots", State::info, "none", [](Facts& f) { f.settings.robots.clear(); }},
      {"robots", State::warning, "no_secret", [](Facts& f) { f.settings.robots = {{"won", ""}}; }},
      {"event_loops", State::warning, "stopped",
       [](Facts& f) {
         f.seen.store->loops = "{\"ONX ONX:7\":[0,0,0," + std::to_string(kNow + kMinute) + "]}";
       }},
      {"refusals", State::warning, "robots",
       [](Facts& f) { f.seen.store->counts = {{"refused.robot", kNow, 3}}; }},
      {"errors", State::warning, "recent",
       [](Facts& f) {
         f.seen.log->push_back({iso_time(kNow - kMinute), "delivery", "timeout", "late", true});
       }},
      {"errors", State::info, "old",
       [](Facts& f) {
         f.seen.log->push_back({iso_time(kNow - 5 * kHour), "call", "x", "late", true});
       }},
      {"errors", State::info, "blocked", [](Facts& f) { f.settings.crest.block_log = true; }},
      {"errors", State::info, "dumped", [](Facts& f) { f.settings.crest.log_type_dump = true; }},
      {"errors", State::info, "unknown", [](Facts& f) { f.seen.log.reset(); }},
  };
  return all;
}

}  // namespace check_judge_tests

BOOST_AUTO_TEST_SUITE(check_judge_tests)

BOOST_AUTO_TEST_CASE(good_facts_make_every_check_content) {
  for (const Row& row : judged(good_facts())) {
    BOOST_TEST((row.finding.state <= State::info), row.id << ": " << row.finding.name);
    const Words w = words(row, &templates(), "en");
    BOOST_TEST(!w.title.empty());
    BOOST_TEST(!w.detail.empty(), row.id << " has no words for " << row.finding.name);
    BOOST_TEST(w.remedy.empty(), row.id);
  }
}

BOOST_AUTO_TEST_CASE(a_command_to_paste_names_program_and_settings) {
  Facts facts = good_facts();
  facts.settings.file = "/etc/b24hooks/settings.conf";
  facts.seen.programs.dir = "/srv/b24hooks/cgi-bin";
  facts.seen.store->sound = std::string("row 3 missing");
  const std::vector<Row> rows = judged(facts);
  BOOST_TEST(row_of(rows, "store_sound").finding.paste.front() ==
             "/srv/b24hooks/cgi-bin/handler.fcgi --settings /etc/b24hooks/settings.conf --rebuild");
}

BOOST_AUTO_TEST_CASE(a_template_that_is_not_there_is_named_with_its_form) {
  Facts facts = good_facts();
  facts.settings.form.page = "nowhere";
  const std::vector<Row> rows = judged(facts);
  const Value& told = row_of(rows, "form").finding.facts;
  BOOST_TEST(told["file"].text() == "nowhere.mustache");
  BOOST_TEST(told["section"].text() == "[form]");
}

// The portal tells whole seconds, so that one second's difference is none.
BOOST_AUTO_TEST_CASE(a_clock_is_off_from_half_a_minute_on_and_wrong_from_five) {
  const struct {
    Millis off;
    State state;
    const char* finding;
  } cases[] = {{31'000, State::ok, "right"},         {32'000, State::warning, "ahead"},
               {-31'000, State::ok, "right"},        {-32'000, State::warning, "behind"},
               {301'000, State::warning, "ahead"},   {302'000, State::error, "ahead"},
               {-301'000, State::warning, "behind"}, {-302'000, State::error, "behind"}};
  for (const auto& [off, state, found] : cases) {
    Facts facts = good_facts();
    facts.seen.portal->took = 0;
    set_answer(facts, "time", answer(clock_at(kNow - off)));
    const std::vector<Row> rows = judged(facts);
    const Finding& clock = row_of(rows, "portal_clock").finding;
    BOOST_TEST_CONTEXT(off) {
      BOOST_TEST(name(clock.state) == name(state));
      BOOST_TEST(clock.name == found);
      BOOST_TEST(clock.facts["seconds"].integer() == std::abs(off) / 1000);
      BOOST_TEST(clock.metrics.at(0).value == static_cast<double>(off) / 1000);
      BOOST_TEST(clock.paste.empty() == (state == State::ok));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_method_is_busy_above_six_of_its_eight_minutes) {
  for (const double operating : {360., 360.5}) {
    Facts facts = good_facts();
    Answer busy = answer(1);
    busy.operating = operating;
    set_answer(facts, "mode", busy);
    const std::vector<Row> rows = judged(facts);
    BOOST_TEST(row_of(rows, "portal_limits").finding.name ==
               (operating > 360 ? "nearly_used_up" : "room"));
  }
}

// To be pasted: the choices that the portal's list does have.
BOOST_AUTO_TEST_CASE(choices_that_the_portals_list_does_not_have_are_told) {
  Facts facts = good_facts();
  FieldSettings color;
  color.name = "color";
  color.type_name = "select";
  color.target = "UF_CRM_COLOR";
  color.options = "1: Red | 7: Blue";
  facts.settings.fields = {color};
  Value fields = facts.seen.portal->find("fields")->value().result;
  const Value items = Value::list(
      {Value::map({{"ID", "1"}, {"VALUE", "Red"}}), Value::map({{"ID", "2"}, {"VALUE", "Blue"}})});
  fields.set("UF_CRM_COLOR", Value::map({{"isRequired", false}, {"items", items}}));
  set_answer(facts, "fields", answer(fields));
  std::vector<Row> rows = judged(facts);
  const Finding& told = row_of(rows, "portal_fields").finding;
  BOOST_TEST(name(told.state) == name(State::error));
  BOOST_TEST(told.name == "list");
  BOOST_TEST(told.facts["field"].text() == "color");
  BOOST_TEST(told.facts["target"].text() == "UF_CRM_COLOR");
  BOOST_TEST(
      told.paste == (std::vector<std::string>{"[field color]", "options = 1: Red | 2: Blue"}),
      boost::test_tools::per_element());
  for (const char* language : {"en", "ru"})
    BOOST_TEST(!words(row_of(rows, "portal_fields"), &templates(), language).remedy.empty());

  facts.settings.fields[0].options = "2: Blue | 1: Red";
  rows = judged(facts);
  BOOST_TEST(row_of(rows, "portal_fields").finding.name == "known");
  // No list of the portal's: any choice will do.
  fields.set("UF_CRM_COLOR", Value::map({{"isRequired", false}}));
  set_answer(facts, "fields", answer(fields));
  rows = judged(facts);
  BOOST_TEST(row_of(rows, "portal_fields").finding.name == "known");
}

// crm.item.fields has phones and e-mails in one field.
BOOST_AUTO_TEST_CASE(what_a_contact_is_filled_with_is_looked_for_among_its_own_fields) {
  Facts facts = good_facts();
  facts.settings.form.entity = "contact";
  facts.settings.form.values = "OPENED=Y";
  Value fields = Value::array();
  for (const char* name : {"name", "lastName", "opened", "originatorId", "originId"})
    fields.set(name, Value::map({{"isRequired", false}}));
  const auto found = [&] {
    facts.seen.portal->results.push_back({"fields3", answer(Value::map({{"fields", fields}}))});
    const std::vector<Row> rows = judged(facts);
    facts.seen.portal->results.pop_back();
    for (const char* id : {"portal_stage", "portal_source", "portal_responsible"})
      BOOST_TEST(row_of(rows, id).finding.name == "portal_chooses", id);
    return row_of(rows, "portal_fields").finding;
  };
  BOOST_TEST(found().name == "unknown");
  BOOST_TEST(found().facts["unknown"].text() == "phone, email");
  fields.set("fm", Value::map({{"isRequired", false}}));
  BOOST_TEST(found().name == "known");
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

// "Let the user ... read and write there:" and then nothing.
BOOST_AUTO_TEST_CASE(no_remedy_has_an_empty_part) {
  for (const Case& c : cases()) {
    Facts facts = good_facts();
    c.broken(facts);
    for (const Row& row : judged(facts)) {
      if (row.finding.state < State::warning) continue;
      for (const char* language : {"en", "ru"}) {
        const bool promised = words(row, &templates(), language).remedy.ends_with(":");
        BOOST_TEST((!promised || !row.finding.paste.empty()), c.id << ": " << row.id);
      }
      for (const std::string& line : row.finding.paste) BOOST_TEST(!line.empty(), row.id);
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
