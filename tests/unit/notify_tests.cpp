// notify_tests: when the owner is told of leads that do not get through, and of what.
#include "index/notify.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "decorators.h"
#include "keep/event_flow.h"
#include "keep/work_loop.h"
#include "settings/app.h"
#include "settings/notice.h"
#include "store_fixture.h"

using namespace b24;
using namespace b24::test;

namespace notify_tests {

// A settings file and a program that keeps every message that it gets in `told`.
struct NotifyFixture {
  NotifyFixture() {
    write_file(dir / "tell", "#!/bin/sh\n{ echo \"== $B24_SUBJECT\"; cat; } >> \"$1\"\n");
    std::filesystem::permissions(dir / "tell", std::filesystem::perms::owner_all);
    const std::string file = (dir / "settings.conf").string();
    write_file(file, "[data]\ndir = data\n\n[notify]\ncommand = " + (dir / "tell").string() + " " +
                         (dir / "told").string() + "\nafter = 10m\n");
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    launch.settings_file = file;
    launch.environment = environment;
  }
  std::string told() const { return read_file(dir / "told"); }
  std::size_t messages() const {
    std::size_t count = 0;
    const std::string text = told();
    for (std::size_t at = 0; (at = text.find("== ", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  std::int64_t add(Store& store, const std::string& id, Millis age) {
    NewItem item = new_item(Kind::lead, id);
    item.received_at = now_ms() - age;
    item.payload = Value::map(
        {{"params", Value::map({{"fields", Value::map({{"NAME", "Anna\nSubject: forged"}})}})}});
    return accept(store, item);
  }

  static constexpr Millis kMinute = 60'000;
  const char* environment[1] = {nullptr};
  TempDir dir;
  Launch launch;
};

}  // namespace notify_tests

BOOST_FIXTURE_TEST_SUITE(notify_tests, NotifyFixture)

BOOST_AUTO_TEST_CASE(the_owner_is_told_once_and_again_when_all_is_well) {
  AppSource source(launch, "index");
  StoreSource stores(source);
  const App app = good(source.current());
  const auto store = good(stores.current());
  const std::int64_t fresh = add(*store, "fresh", 9 * kMinute);
  notify_owner(app, *store);
  BOOST_TEST(messages() == 0U);

  const std::int64_t late = add(*store, "late", 11 * kMinute);
  notify_owner(app, *store);
  notify_owner(app, *store);
  BOOST_TEST(messages() == 1U);
  BOOST_TEST(told().contains("Lead late"));
  BOOST_TEST(!told().contains("Lead fresh"));
  BOOST_TEST(!told().contains("\nSubject: forged"));

  for (const std::int64_t number : {fresh, late}) {
    good(store->done(number, {}));
  }
  notify_owner(app, *store);
  notify_owner(app, *store);
  BOOST_TEST(messages() == 2U);
  BOOST_TEST(told().contains("leads reach Bitrix24 again"));
}

BOOST_AUTO_TEST_CASE(each_lead_that_failed_is_told_once) {
  AppSource source(launch, "index");
  StoreSource stores(source);
  const App app = good(source.current());
  const auto store = good(stores.current());
  for (const char* id : {"one", "two"}) {
    const std::int64_t number = add(*store, id, kMinute);
    Outcome refused;
    refused.code = "ACCESS_DENIED";
    refused.text = "Access denied.";
    good(store->fail(number, refused));
    notify_owner(app, *store);
    notify_owner(app, *store);
  }
  BOOST_TEST(messages() == 2U);
  BOOST_TEST(told().contains("Lead one"));
  BOOST_TEST(told().find("Lead one") == told().rfind("Lead one"));
  BOOST_TEST(told().contains("Lead two"));
  BOOST_TEST(told().contains("Access denied."));
}

BOOST_AUTO_TEST_CASE(a_lead_that_fails_after_a_later_one_is_told) {
  AppSource source(launch, "index");
  StoreSource stores(source);
  const App app = good(source.current());
  const auto store = good(stores.current());
  const std::int64_t early = add(*store, "early", kMinute);
  const std::int64_t late = add(*store, "late", kMinute);
  for (const std::int64_t number : {late, early}) {
    good(store->fail(number, {}));
    notify_owner(app, *store);
  }
  BOOST_TEST(messages() == 2U);
  BOOST_TEST(told().contains("Lead early"));
  // What is sent again may fail again, which is news.
  good(store->retry_now(early));
  notify_owner(app, *store);
  BOOST_TEST(messages() == 2U);
  BOOST_TEST(good(store->recall("notify.told")) == std::to_string(late));
}

// The message was once written but never sent: nothing called it.
BOOST_AUTO_TEST_CASE(delivering_looks_after_the_owner) {
  AppSource source(launch, "index");
  StoreSource stores(source);
  const auto store = good(stores.current());
  add(*store, "late", 11 * kMinute);
  WorkLoop loop(
      source, stores, Kind::lead, {}, [](std::stop_token) { return [] { return Result<int>(0); }; },
      notify_owner);
  loop.work_due(1, [] { return Status(); });
  BOOST_TEST(messages() == 1U);
}

BOOST_AUTO_TEST_CASE(a_loop_is_told_once) {
  AppSource source(launch, "handler");
  StoreSource stores(source);
  const App app = good(source.current());
  const auto store = good(stores.current());
  good(store->remember(std::string(Loops::kFact),
                       R"({"ONX ONX:7":[0,0,0,)" + std::to_string(now_ms() + kMinute) + "]}"));
  look_after_events(app, *store);
  look_after_events(app, *store);
  BOOST_TEST(messages() == 1U);
  BOOST_TEST(told().contains("[on] ONX ONX:7: it changes what it hears of; it rests until "));
}

BOOST_AUTO_TEST_CASE(a_program_that_refuses_to_tell_is_a_fault) {
  NotifySettings settings;
  settings.command = "/bin/false";
  const Status sent = send_notice(settings, {"subject", "text"});
  BOOST_REQUIRE(!sent);
  BOOST_TEST(sent.error().code == "notify_failed");
  BOOST_TEST(sent.error().cause.contains("/bin/false ended with 1"));
}

BOOST_AUTO_TEST_CASE(a_mail_has_one_subject_and_one_recipient, *shows("T29")) {
  const std::string mail = mail_text("owner@example.com\nBcc: x@example.com", {"a\r\nb", "text\n"});
  BOOST_TEST(
      mail.starts_with("To: owner@example.com\\x0aBcc: x@example.com\nSubject: a\\x0d\\x0ab\n"));
  BOOST_TEST(mail.ends_with("\n\ntext\n"));
}

BOOST_AUTO_TEST_SUITE_END()
