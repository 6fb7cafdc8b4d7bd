// check_seen_tests: what the self-check sees of real directories, stores, logs and ports.
#include "checkserver/check_seen.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "checkserver/check_portal.h"
#include "checkserver/site_url.h"
#include "keep/work_loop.h"
#include "portal/test_event.h"
#include "process.h"
#include "settings/log.h"
#include "store_fixture.h"

namespace b24::check {
namespace check_seen_tests {
using b24::test::TempDir;

Subject subject_in(const TempDir& dir) {
  Settings settings;
  settings.data.dir = dir / "data";
  std::filesystem::create_directory(settings.data.dir);
  chmod(settings.data.dir.c_str(), 0700);
  Subject subject;
  subject.settings = std::make_shared<const Settings>(settings);
  subject.place.settings_file = dir / "settings.conf";
  return subject;
}

std::int64_t steps = 0;

// For every connection that is opened while this is registered.
int count_steps(sqlite3* db, char**, const void*) {
  sqlite3_progress_handler(
      db, 1, [](void*) { return ++steps, 0; }, nullptr);
  return SQLITE_OK;
}

}  // namespace check_seen_tests

BOOST_AUTO_TEST_SUITE(check_seen_tests)

BOOST_AUTO_TEST_CASE(the_write_test_measures_and_leaves_nothing) {
  const TempDir dir;
  const Subject subject = subject_in(dir);
  const StorageSeen seen = look_at_storage(subject);
  BOOST_TEST(!seen.write_error.has_value());
  BOOST_TEST(seen.write_ms > 0);
  BOOST_TEST(seen.space_known);
  BOOST_TEST(seen.free_bytes > 0);
  BOOST_TEST(std::filesystem::is_empty(dir / "data"));
  BOOST_TEST(!seen.data_dir.open_to_others);
  std::filesystem::permissions(dir / "data", std::filesystem::perms(0705));
  BOOST_TEST(look_at_storage(subject).data_dir.open_to_others);
  BOOST_TEST(seen.data_dir.is_directory);
  BOOST_TEST(!seen.settings_file.exists);
}

BOOST_AUTO_TEST_CASE(a_directory_that_takes_no_file_is_seen) {
  const TempDir dir;
  Settings settings;
  settings.data.dir = "/proc/self/fdinfo";
  Subject subject;
  subject.settings = std::make_shared<const Settings>(settings);
  const StorageSeen seen = look_at_storage(subject);
  BOOST_REQUIRE(seen.write_error.has_value());
  BOOST_TEST(seen.data_dir.exists);
}

BOOST_AUTO_TEST_CASE(the_web_root_is_recognised_through_symbolic_links) {
  const TempDir dir;
  Subject subject = subject_in(dir);
  std::filesystem::create_directory_symlink(dir.path(), dir / "www");
  subject.place.document_root = dir / "www";
  BOOST_TEST(look_at_storage(subject).data_dir.in_document_root);
  std::filesystem::create_directory(dir / "data-of-others");
  // A name that only begins alike is not inside.
  subject.place.document_root = (dir / "data-of-others").string();
  BOOST_TEST(!look_at_storage(subject).data_dir.in_document_root);
  subject.place.document_root = "/";
  BOOST_TEST(!look_at_storage(subject).data_dir.in_document_root);
}

BOOST_AUTO_TEST_CASE(the_store_tells_hours_lag_and_failures) {
  const TempDir dir;
  Millis now = now_ms();
  const auto store = Store::open(dir / "data", "", [&] { return now; }).value();
  NewItem lead = test::new_item(Kind::lead, "a");
  lead.received_at = now;
  const auto number = test::accept(*store, lead);
  now += 2'000;
  test::good(store->done(number, {}));
  NewItem event = test::new_item(Kind::event, "e");
  event.received_at = now;
  event.payload.set("ts", std::to_string(now / 1000 - 7));
  event.state = b24::State::done;
  test::accept(*store, event);
  test::good(store->remember(last_run_key(Kind::lead), "123"));
  test::good(store->remember(last_run_key(Kind::event), "456"));
  const StoreSeen seen = look_at_store(*store, now);
  BOOST_TEST(!seen.error.has_value());
  BOOST_TEST(seen.delivery_last_run == "123");
  BOOST_TEST(seen.event_work_last_run == "456");
  BOOST_REQUIRE(seen.hours.size() == 48);
  std::int64_t leads = 0;
  std::int64_t events = 0;
  Millis delivery = -1;
  for (const Hour& hour : seen.hours) {
    leads += hour.leads;
    events += hour.events;
    delivery = std::max(delivery, hour.delivery);
  }
  BOOST_TEST(leads == 1);
  BOOST_TEST(events == 1);
  BOOST_TEST(delivery == 2'000);
  BOOST_REQUIRE(seen.event_lag.size() == 1);
  BOOST_TEST(seen.event_lag[0] >= 7'000);
  BOOST_TEST(seen.event_lag[0] < 8'000);
}

// Counted in the steps of SQLite's machine, since time depends on whose machine it is.
BOOST_AUTO_TEST_CASE(a_store_of_any_size_is_looked_at_in_the_same_number_of_steps) {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(count_steps));
  const TempDir dir;
  const auto store = Store::open(dir / "data").value();
  const Millis now = now_ms();
  std::int64_t number = 0;
  const auto steps_with = [&](std::int64_t items) {
    std::vector<NewItem> more;
    for (; number < items; ++number) {
      more.push_back(test::new_item(number % 2 ? Kind::lead : Kind::event, std::to_string(number)));
      more.back().received_at = now - number % 100 * kMinute;
      more.back().payload.set("text", std::string(3'000, 'x'));
      more.back().state = number % 10 ? b24::State::done : b24::State::failed;
    }
    test::good(store->accept(more));
    steps = 0;
    const StoreSeen seen = look_at_store(*store, now);
    BOOST_TEST(!seen.error.has_value());
    BOOST_TEST(!seen.sound.has_value());  // that would read all of it
    return steps;
  };
  const std::int64_t few = steps_with(4'000);
  BOOST_TEST(few > 1'000);
  BOOST_TEST(steps_with(8'000) < few + few / 10);
  sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(count_steps));
}

BOOST_AUTO_TEST_CASE(the_newest_error_of_each_kind_is_taken_from_the_log) {
  const TempDir dir;
  const Subject subject = subject_in(dir);
  Log log(*subject.settings, "index");
  log.write(Log::Level::info, "call", Value::map({{"code", "fine"}}));
  log.write(Log::Level::error, "delivery", Value::map({{"code", "timeout"}, {"cause", "first"}}));
  log.write(Log::Level::error, "delivery", Value::map({{"code", "timeout"}, {"cause", "second"}}));
  log.write(Log::Level::warning, "refused", Value::map({{"code", "wrong_token"}}));
  const std::vector<LogEntry> entries = look_at_log(*subject.settings);
  BOOST_REQUIRE(entries.size() == 2);
  const auto& timeout = entries[0].code == "timeout" ? entries[0] : entries[1];
  BOOST_TEST(timeout.text == "second");
  BOOST_TEST(timeout.is_error);
}

BOOST_AUTO_TEST_CASE(a_missing_or_broken_log_is_empty) {
  const TempDir dir;
  const Subject subject = subject_in(dir);
  BOOST_TEST(look_at_log(*subject.settings).empty());
  test::write_file(dir / "data/b24hooks.log", "no JSON\n{\"level\":\n[1]\n");
  BOOST_TEST(look_at_log(*subject.settings).empty());
}

BOOST_AUTO_TEST_CASE(addresses_that_refuse_are_told_apart_from_names_that_are_none) {
  const std::string closed = "https://127.0.0.1:" + std::to_string(test::free_port()) + "/rest/";
  const ReachSeen refused = look_at_addresses(closed, 5'000);
  BOOST_REQUIRE(refused.tried.size() == 1);
  BOOST_TEST(refused.host == "127.0.0.1");
  BOOST_TEST(!refused.tried[0].reached);
  BOOST_TEST(!refused.tried[0].fault.empty());
  const ReachSeen nameless = look_at_addresses("https://no-such-host.invalid/rest/", 5'000);
  BOOST_TEST(!nameless.fault.empty());
  BOOST_TEST(nameless.tried.empty());
}

BOOST_AUTO_TEST_CASE(methods_come_from_form_and_actions) {
  Settings settings;
  BOOST_TEST((used_methods(settings) == std::vector<std::string>{"crm.lead.add", "crm.lead.list"}));
  settings.form.method = "crm.item.add";
  settings.form.duplicates = "link";
  settings.actions.push_back({});
  settings.actions[0].call = "crm.deal.get?id={data.FIELDS.ID}";
  BOOST_TEST((used_methods(settings) == std::vector<std::string>{"crm.deal.get",
                                                                 "crm.duplicate.findbycomm",
                                                                 "crm.item.add", "crm.item.list"}));
}

BOOST_AUTO_TEST_CASE(public_urls_are_checked) {
  for (const char* good :
       {"https://example.com/", "http://localhost:8080/", "https://a.b/c/d/", "https://[::1]:8/"}) {
    BOOST_TEST(!public_url_fault(good).has_value(), good);
  }
  for (const char* bad :
       {"", "example.com", "ftp://example.com/", "https:///", "https://a.b", "https://a.b/?x/",
        "https://u:p@a.b/", "https://a.b/ c/", "javascript://a/"}) {
    BOOST_TEST(public_url_fault(bad).has_value(), bad);
  }
  for (const char* own : {"http://localhost/", "http://127.9.9.9:80/", "https://[::1]/"}) {
    BOOST_TEST(is_loopback_url(own), own);
  }
  for (const char* other : {"http://localhost.example.com/", "http://10.0.0.1/", "http:///"}) {
    BOOST_TEST(!is_loopback_url(other), other);
  }
}

BOOST_AUTO_TEST_CASE(what_there_is_no_thread_for_is_looked_at_the_next_time) {
  if (geteuid() != 0) return;  // only root may become a user with few threads left
  test::Forked child([] {
    Settings settings;
    settings.site.public_url = "http://127.0.0.1:1/";
    const auto subject = std::make_shared<Subject>();
    subject->settings = std::make_shared<const Settings>(settings);
    subject->portals.emplace_back();
    if (!test::allow_threads(1) || look(subject, 60'000).storage) return false;
    return test::allow_threads(100) && look(subject, 60'000).storage.has_value() &&
           test::allow_threads(1) &&
           look_at_addresses(settings.site.public_url, 1'000).tried.size() == 1U;
  });
  BOOST_TEST(child.join());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(test_event_tests)

BOOST_AUTO_TEST_CASE(only_a_signed_and_fresh_event_is_a_test) {
  constexpr Millis kNow = 1'764'000'000'000;
  Settings settings;
  settings.portals.push_back({});
  settings.portals[0].application_tokens = {"token-of-the-portal"};
  settings.portals[0].domain = "example.bitrix24.com";
  const Value event = make_test_event(settings, "n1", kNow);
  BOOST_TEST(event.path("auth.application_token").text() == "token-of-the-portal");
  BOOST_TEST(event.path("auth.domain").text() == "example.bitrix24.com");
  BOOST_TEST(test_event_number(event, settings, kNow + 1'000).value() == "n1");

  BOOST_TEST(!test_event_number(event, settings, kNow + 600'000).has_value());
  BOOST_TEST(!test_event_number(event, settings, kNow - 600'000).has_value());
  Value timeless = event;
  for (const char* ts : {"9223372036854775807", "-9223372036854775808", "1e300", ""}) {
    timeless.set("ts", ts);
    BOOST_TEST(!test_event_number(timeless, settings, kNow).has_value());
  }
  Value other = event;
  other["data"].set("NUMBER", "n2");
  BOOST_TEST(!test_event_number(other, settings, kNow).has_value());
  other = event;
  other.set("ts", std::to_string(kNow / 1000 + 1));
  BOOST_TEST(!test_event_number(other, settings, kNow).has_value());
  other = event;
  other.set("event", "ONCRMDEALADD");
  BOOST_TEST(!test_event_number(other, settings, kNow).has_value());
  other = event;
  other.set("b24hooks_test", nullptr);
  BOOST_TEST(!test_event_number(other, settings, kNow).has_value());
  settings.portals[0].application_tokens = {"another-token"};
  BOOST_TEST(!test_event_number(event, settings, kNow).has_value());
}

BOOST_AUTO_TEST_CASE(hostile_parameters_are_no_test) {
  Settings settings;
  for (const Value& params :
       {Value::array(), Value::map({{"event", Value::array()}}),
        Value::map({{"event", "B24HOOKSTEST"}, {"b24hooks_test", Value::list({"x"})}}),
        Value::map({{"event", "B24HOOKSTEST"}, {"b24hooks_test", "x"}, {"ts", "-9"}})}) {
    BOOST_TEST(!test_event_number(params, settings, 0).has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace b24::check
