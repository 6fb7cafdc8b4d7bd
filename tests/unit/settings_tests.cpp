// settings_tests: what a file and the environment set, and how their faults are named.
#include "settings/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include "decorators.h"
#include "process.h"
#include "settings/app.h"
#include "settings/form.h"
#include "settings/settings_keys.h"

using namespace b24;
namespace fs = std::filesystem;

namespace settings_tests {

struct Fixture {
  test::TempDir dir;
  fs::path file = dir / "settings.conf";
  std::vector<std::string> variables;
  std::vector<const char*> environment;

  const char* const* env() {
    environment.clear();
    for (const std::string& variable : variables) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
    return environment.data();
  }
  Result<Settings> load() { return load_settings(file, env()); }
  Result<Settings> load(std::string_view text) {
    test::write_file(file, text);
    return load();
  }
  // REQUIRES that it loads.
  Settings good(std::string_view text) {
    Result<Settings> settings = load(text);
    BOOST_TEST_REQUIRE((settings ? "" : settings.error().cause) == "");
    return *settings;
  }
  std::string code() {
    const Result<Settings> settings = load();
    return settings ? "" : settings.error().code;
  }
};

// The checks of a result that is an error.
Error fault_of(const Result<Settings>& settings) {
  BOOST_TEST_REQUIRE(!settings.has_value());
  BOOST_TEST((settings.error().kind == ErrorKind::settings));
  BOOST_TEST(!settings.error().remedy.empty());
  return settings.error();
}

std::vector<std::pair<SettingSection, SettingKey>> all_keys() {
  std::vector<std::pair<SettingSection, SettingKey>> all;
  for (const SettingSection& section : setting_sections())
    for (const SettingKey& key : section.keys) all.emplace_back(section, key);
  return all;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace settings_tests

BOOST_FIXTURE_TEST_SUITE(settings_tests, Fixture)

BOOST_AUTO_TEST_CASE(an_empty_file_gives_the_defaults) {
  Settings settings = good("");
  BOOST_TEST(settings.file == file);
  BOOST_TEST(settings.data.dir == dir / "data");
  settings.file.clear();
  settings.data = DataSettings();
  BOOST_TEST((settings == Settings()));
}

BOOST_AUTO_TEST_CASE(templates_of_the_owner_go_before_those_of_the_installation) {
  const auto places = [&](std::string_view text) { return template_places(good(text)); };
  const std::vector<fs::path> installed = template_places(Settings());
  BOOST_TEST_REQUIRE(installed.size() == 1U);
  BOOST_TEST(installed[0].is_absolute());
  BOOST_TEST(fs::exists(installed[0] / "base.css"));
  BOOST_TEST(places("") == installed);
  BOOST_TEST((places("[page]\ntemplates = own\n") == std::vector{dir / "own", installed[0]}));
  fs::create_directory(dir / "templates");
  BOOST_TEST((places("") == std::vector{dir / "templates", installed[0]}));
  BOOST_TEST((places("[page]\ntemplates = own\n") == std::vector{dir / "own", installed[0]}));
}

BOOST_AUTO_TEST_CASE(values_of_every_type_are_read) {
  const Settings settings = good(
      "C_REST_WEB_HOOK_URL = https://p.example/rest/1/abc/?x=1;y\n"
      "C_REST_IGNORE_SSL=Y\n"
      "C_REST_LOGS_DIR = logs\n"
      "[server]\nthreads: 7\nmax_body = 128K\nrequest_time = 500ms ; a comment\n"
      "trusted_proxies = 10.0.0.0/8, 2001:db8::1\n"
      "[page]\nlanguage = RU\ncsp = font-src https://f.example/a%20b data:, img-src "
      "https://*.i.example:8443\n"
      "[portal_call]\nbucket_drain = 2.5\ntotal_time = 2m\nca_file = /etc/ca.pem\n"
      "[log]\ntime_zone = Europe/Moscow\nmax_size = 0\n"
      "[checkserver]\naccess = public\nkey = 0123456789abcdef\n"
      "[form]\nmethod = crm.item.add\ntoken_age = 7d\nallowed_origins = https://a https://b\n"
      "accept = own, json\n");
  BOOST_TEST(settings.crest.web_hook_url == "https://p.example/rest/1/abc/?x=1;y");
  BOOST_TEST(settings.crest.ignore_ssl);
  BOOST_TEST(settings.crest.logs_dir == (dir / "logs").string());
  BOOST_TEST(settings.server.threads == 7);
  BOOST_TEST(settings.server.max_body == 128U << 10);
  BOOST_TEST(settings.server.request_time == 500);
  BOOST_TEST(settings.server.trusted_proxies.size() == 2U);
  BOOST_TEST(settings.page.language == "ru");
  BOOST_TEST(settings.page.csp ==
             "font-src https://f.example/a%20b data:, img-src https://*.i.example:8443");
  BOOST_TEST(settings.call.bucket_drain == 2.5);
  BOOST_TEST(settings.call.total_time == 120'000);
  BOOST_TEST(settings.call.ca_file == "/etc/ca.pem");
  BOOST_TEST(settings.log.time_zone == "Europe/Moscow");
  BOOST_TEST(settings.log.max_size == 0U);
  BOOST_TEST(settings.checkserver.access == "public");
  BOOST_TEST(settings.form.method == "crm.item.add");
  BOOST_TEST(settings.form.token_age == 7 * 86'400'000LL);
  BOOST_TEST(settings.form.allowed_origins.size() == 2U);
  BOOST_TEST((settings.form.accept == std::vector<std::string>{"own", "json"}));
}

BOOST_AUTO_TEST_CASE(flags_have_many_spellings) {
  for (const char* yes : {"yes", "true", "1", "Y", "YES"})
    BOOST_TEST(good(std::string("[form]\nshow_portal_errors = ") + yes).form.show_portal_errors);
  for (const char* no : {"no", "false", "0", "N", "No"})
    BOOST_TEST(!good(std::string("[handler]\njson_log = ") + no).handler.json_log);
}

BOOST_AUTO_TEST_CASE(sections_with_names_fill_lists_in_the_order_of_the_file) {
  const Settings settings = good(
      "[portal b]\napplication_token = one two\n[portal a]\ndomain = a.example\n"
      "[portal]\nmember_id = 7\nbucket_size =\nwebhook = https://p.example/rest/1/s/\n"
      "[field size]\nlabel = Size\nlabel_ru = Размер\n"
      "[on oncrmdealupdate]\ncall = crm.deal.get\n[on ONCRMDEALUPDATE second]\nexec = /bin/true\n"
      "[on *]\nforward = https://example.com/\n");
  BOOST_TEST_REQUIRE(settings.portals.size() == 3U);
  BOOST_TEST(settings.portals[0].name == "b");
  BOOST_TEST(settings.portals[0].application_tokens.at(1) == "two");
  BOOST_TEST(settings.portals[1].domain == "a.example");
  BOOST_TEST(settings.portals[2].name == "");
  BOOST_TEST(settings.portals[2].webhook == "");
  BOOST_TEST(settings.crest.web_hook_url == "https://p.example/rest/1/s/");
  BOOST_TEST_REQUIRE(settings.fields.size() == 1U);
  BOOST_TEST(settings.fields[0].labels.at("") == "Size");
  BOOST_TEST(settings.fields[0].labels.at("ru") == "Размер");
  BOOST_TEST_REQUIRE(settings.actions.size() == 3U);
  BOOST_TEST(settings.actions[0].event == "ONCRMDEALUPDATE");
  BOOST_TEST(settings.actions[1].label == "second");
  BOOST_TEST(settings.actions[2].event == "*");
}

BOOST_AUTO_TEST_CASE(indented_lines_continue_a_value) {
  const Settings settings = good(
      "[form]\nfields = first_name,\n  last_name,\n\n\t# a comment of the owner\n  phone\n"
      "title = x\n");
  BOOST_TEST(settings.form.fields == "first_name, last_name, phone");
  BOOST_TEST(settings.form.title == "x");
}

BOOST_AUTO_TEST_CASE(crlf_a_byte_order_mark_and_a_missing_last_line_break_are_read) {
  const Settings settings = good("\xef\xbb\xbf[server]\r\nthreads = 5\r\nmax_threads = 6");
  BOOST_TEST(settings.server.threads == 5);
  BOOST_TEST(settings.server.max_threads == 6);
}

BOOST_AUTO_TEST_CASE(lines_may_be_as_long_as_the_parser_takes_and_comments_longer) {
  const std::string head = "title = ";
  const std::string longest = head + std::string(199 - head.size(), 'x');
  BOOST_TEST(
      good("# " + std::string(5000, 'c') + "\n[handler]\n" + longest + "\n").handler.title.size() ==
      199 - head.size());
  const Error fault = fault_of(load("[handler]\n" + longest + "y\n"));
  BOOST_TEST(fault.code == "broken_line");
  BOOST_TEST(contains(fault.cause, "settings.conf:2: "));
  BOOST_TEST(fault.remedy == "continue the value on an indented line");
  const std::string name = std::string(41, 'a');
  BOOST_TEST(good("[portal " + name + "]\napplication_token = x\n").portals.at(0).name == name);
  BOOST_TEST(contains(fault_of(load("[portal a" + name + "]\napplication_token = x\n")).cause,
                      "longer than 48 bytes"));
}

BOOST_AUTO_TEST_CASE(each_fault_names_its_kind_and_line) {
  const struct {
    const char* text;
    const char* code;
    int line;
    const char* names;  // a part of the cause
  } cases[] = {
      {"threads = 4\n", "unknown_key", 1, "threads"},
      {"C_REST_CLIENT_ID = 4\n", "unknown_key", 1, "C_REST_CLIENT_ID"},
      {"[server]\n\n# x\nthread = 4\n", "unknown_key", 4, "thread"},
      {"[servers]\nthreads = 4\n", "unknown_section", 2, "[servers]"},
      {"[server main]\nthreads = 4\n", "unknown_section", 2, "[server main]"},
      {"[field]\nlabel = x\n", "unknown_section", 2, "[field]"},
      {"[on]\ncall = x\n", "unknown_section", 2, "[on]"},
      {"[field x]\nlabel_ = x\n", "unknown_key", 2, "label_"},
      {"[server]\nthreads = 0\n", "bad_value", 2, "server.threads expects a whole number"},
      {"[checkserver]\ntime_limit = 0s\n", "bad_value", 2, "a time from 1s to 60s"},
      {"[checkserver]\ntime_limit = 2m\n", "bad_value", 2, "a time from 1s to 60s"},
      {"[checkserver]\nkey 0123456789abcdef==\n", "unknown_key", 2, "no = after key"},
      {"[server]\nthreads = 4x\n", "bad_value", 2, "not \"4x\""},
      {"[form]\nmethod = crm.deal.add\n", "bad_value", 2, "crm.lead.add or crm.item.add"},
      {"[form]\nunknown = keep\n", "bad_value", 2, "ignore or comments"},
      {"[form]\nduplicates = yes\n", "bad_value", 2, "ignore, link or comment"},
      {"[checkserver]\naccess = all\n", "bad_value", 2, "public, summary, key or off"},
      {"[server]\nthreads =\n", "bad_value", 2, "server.threads"},
      {"[server]\nmax_threads = 99999999999999999999\n", "bad_value", 2, "max_threads"},
      {"[server]\nmax_body = 1T\n", "bad_value", 2, "max_body"},
      {"[server]\nmax_body = -1\n", "bad_value", 2, "max_body"},
      {"[server]\nmax_body = 9999999999999G\n", "bad_value", 2, "max_body"},
      {"[server]\nrequest_time = 5 s\n", "bad_value", 2, "request_time"},
      {"[server]\nrequest_time = soon\n", "bad_value", 2, "request_time"},
      {"[server]\nrequest_time = s\n", "bad_value", 2, "request_time"},
      {"[server]\ntrusted_proxies = 10.0.0.0/33\n", "bad_value", 2, "trusted_proxies"},
      {"[server]\ntrusted_proxies = localhost\n", "bad_value", 2, "trusted_proxies"},
      {"C_REST_IGNORE_SSL = maybe\n", "bad_value", 1, "C_REST_IGNORE_SSL"},
      {"C_REST_CURRENT_ENCODING = klingon\n", "bad_value", 1, "C_REST_CURRENT_ENCODING"},
      {"[data]\nstore = postgres://u:secret@h/b\n", "bad_value", 2, "data.store"},
      {"[data]\nstore = postgres://u@h/b?password=secret\n", "bad_value", 2, "data.store"},
      {"[data]\nstore = mysql://u@h/b\n", "bad_value", 2, "data.store"},
      {"[log]\nmachines = a machine\n", "bad_value", 2, "log.machines"},
      {"[portal]\napplication_token = <the code>\n", "bad_value", 2, "application_token"},
      {"[form]\npost_key = <16 characters or more>\n", "bad_value", 2, "post_key"},
      {"[log]\nmachines =\n", "bad_value", 2, "log.machines"},
      {"[log]\nmachines = -web1\n", "bad_value", 2, "log.machines"},
      {"[log]\nmachines = web1.\n", "bad_value", 2, "log.machines"},
      {"[store]\nurl = postgres://u@h/b\n", "unknown_key", 2, "url"},
      {"[page]\ncsp = default-src https://a.example\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = font-src\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = font-src https://a.example; script-src *\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = script-src 'unsafe-inline'\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = script-src data:\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = script-src https:\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = script-src https://*\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = script-src http://a.example\n", "bad_value", 2, "csp"},
      {"[page]\ncsp = frame-ancestors https://a.example\n", "bad_value", 2, "csp"},
      {"[log]\ntime_zone = Mars/Base\n", "bad_value", 2, "time_zone"},
      {"[log]\ntime_zone = ../../etc/passwd\n", "bad_value", 2, "time_zone"},
      {"[page]\nlanguage = ../en\n", "bad_value", 2, "language"},
      {"[portal_call]\nbucket_drain = 0\n", "bad_value", 2, "bucket_drain"},
      {"[portal_call]\nbucket_drain = nan\n", "bad_value", 2, "bucket_drain"},
      {"[portal_call]\nbucket_size = 1\n", "bad_value", 2, "bucket_size"},
      {"[portal a]\nbucket_size = 1\n", "bad_value", 2, "bucket_size"},
      {"[checkserver]\naccess = all\n", "bad_value", 2, "access"},
      {"[checkserver]\nkey = short\n", "bad_value", 2, "key"},
      {"[form]\nmethod = or\n", "bad_value", 2, "method"},
      {"[form]\nmethod = crm.deal.add\n", "bad_value", 2, "method"},
      {"[form]\nentity = order\n", "bad_value", 2, "entity"},
      {"[form]\nentity = 0\n", "bad_value", 2, "entity"},
      {"[form]\ncontact = yes\n", "bad_value", 2, "contact"},
      {"[form]\nunknown = keep\n", "bad_value", 2, "unknown"},
      {"[form]\nduplicates = yes\n", "bad_value", 2, "duplicates"},
      {"[field x]\ntype = number\n", "bad_value", 2, "type"},
      {"[handler]\ntitle = a\x1b[31m\n", "bad_value", 2, "title"},
      {"[portal a\x1b]\nmember_id = \x1b\n", "bad_value", 2, "portal a\\x1b.member_id"},
      {"[field x]\nlabel_\x1b = \x1b\n", "bad_value", 2, "label_\\x1b"},
      {"[server]\nthreads = 1\n[log]\n[server]\nthreads = 2\n", "duplicate_key", 5, "threads"},
      {"[portal a-b]\ndomain = x\n[portal a_b]\ndomain = y\n", "duplicate_key", 4, "domain"},
      {"[server]\nthreads = 1\n  max_threads = 2\n", "broken_line", 2, "max_threads"},
      {"[server\nthreads = 1\n", "broken_line", 1, ""},
      {"[server]\njust words\n", "broken_line", 2, ""},
      {"[server]\nthreads = 1\njust words\n[nonsense]\nx = 1\n", "broken_line", 3, ""},
  };
  for (const auto& [text, code, line, names] : cases) {
    const Error fault = fault_of(load(text));
    BOOST_TEST(fault.code == code, text << ": " << fault.code << ", " << fault.cause);
    BOOST_TEST(fault.cause.starts_with(file.string() + ":" + std::to_string(line) + ": "),
               text << ": " << fault.cause);
    BOOST_TEST(contains(fault.cause, names), text << ": " << fault.cause);
    BOOST_TEST(!contains(fault.cause, "\x1b"));
  }
}

BOOST_AUTO_TEST_CASE(a_zero_byte_or_an_endless_section_name_is_a_broken_line) {
  using namespace std::string_view_literals;
  const std::string lengthy = "[portal " + std::string(60, 'x') + "]\ndomain = a\n";
  for (const std::string_view text : {"[server]\nthreads = 1\0\n"sv, std::string_view(lengthy)})
    BOOST_TEST(fault_of(load(text)).code == "broken_line");
}

BOOST_AUTO_TEST_CASE(a_watched_kind_is_one_that_there_is_of_any_portal) {
  for (const std::string name : {"task", "147", "deal shop", "deal \tmy shop"})
    BOOST_TEST(load("[watch " + name + "]\ninterval = 1h\n").has_value(), name);
  for (const std::string name : {"deals", "shop deal", "-1", "deal\x1b"})
    BOOST_TEST(fault_of(load("[watch " + name + "]\ninterval = 1h\n")).code == "bad_value", name);
}

BOOST_AUTO_TEST_CASE(a_bad_secret_is_not_shown) {
  const Error fault = fault_of(load("[checkserver]\nkey = opensesame\n"));
  BOOST_TEST(!contains(fault.cause, "opensesame"));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_named) {
  const Error fault = fault_of(load());
  BOOST_TEST(fault.code == "no_settings_file");
  BOOST_TEST(contains(fault.cause, file.string()));
}

BOOST_AUTO_TEST_CASE(the_environment_may_stand_alone_with_a_data_directory) {
  variables = {"C_REST_WEB_HOOK_URL=https://p.example/rest/1/abc/"};
  BOOST_TEST(code() == "no_data_dir");
  variables.push_back("B24HOOKS_DATA_DIR=" + (dir / "d").string());
  const Result<Settings> settings = load();
  BOOST_TEST_REQUIRE(settings.has_value());
  BOOST_TEST(settings->file == "");
  BOOST_TEST(settings->data.dir == dir / "d");
  BOOST_TEST(settings->crest.web_hook_url == "https://p.example/rest/1/abc/");
  variables.push_back("B24HOOKS_SETTINGS=" + file.string());  // asked for by name
  BOOST_TEST(code() == "no_settings_file");
}

BOOST_AUTO_TEST_CASE(the_environment_goes_before_the_file) {
  variables = {"B24HOOKS_SERVER_MAX_BODY=2M",          "B24HOOKS_PORTAL_MAIN_APPLICATION_TOKEN=new",
               "B24HOOKS_PORTAL_CALL_CONNECT_TIME=9s", "B24HOOKS_PORTAL_DOMAIN=d.example",
               "B24HOOKS_FIELD_SIZE_LABEL_RU=Размер",  "B24HOOKS_ON_ONCRMLEADADD_FORWARD_AS=form",
               "C_REST_CLIENT_ID=of another program",  "PATH=/bin",
               "B24HOOKS_DATA_STORE=postgres://u@h/b", "B24HOOKS_SETTINGS=" + file.string()};
  const Settings settings =
      good("[server]\nmax_body = 1M\nthreads = 3\n[portal Main]\napplication_token = old older\n");
  BOOST_TEST(settings.server.max_body == 2U << 20);
  BOOST_TEST(settings.server.threads == 3);
  BOOST_TEST(settings.data.store == "postgres://u@h/b");
  BOOST_TEST_REQUIRE(settings.portals.size() == 2U);
  BOOST_TEST(settings.portals[0].name == "Main");
  BOOST_TEST_REQUIRE(settings.portals[0].application_tokens.size() == 1U);
  BOOST_TEST(settings.portals[0].application_tokens[0] == "new");
  BOOST_TEST(settings.portals[1].domain == "d.example");
  BOOST_TEST(settings.call.connect_time == 9000);
  BOOST_TEST(settings.fields.at(0).labels.at("ru") == "Размер");
  BOOST_TEST(settings.actions.at(0).event == "ONCRMLEADADD");
  BOOST_TEST(settings.actions.at(0).forward_as == "form");
}

BOOST_AUTO_TEST_CASE(a_wrong_variable_is_named) {
  const std::string longest = "B24HOOKS_LOG_MACHINES=" + std::string(253, 'a');
  variables = {longest};
  BOOST_TEST(good("").log.machines == std::string(253, 'a'));
  const std::pair<std::string, const char*> cases[] = {
      {longest + "a", "bad_value"},
      {"B24HOOKS_SERVER_THREAD=4", "unknown_key"},
      {"B24HOOKS_=4", "unknown_key"},
      {"B24HOOKS_FIELD_LABEL=x", "unknown_key"},
      {"B24HOOKS_SERVER_MAIN_THREADS=4", "unknown_key"},
      {"B24HOOKS_SERVER_THREADS=", "bad_value"},
      {"C_REST_BLOCK_LOG=maybe", "bad_value"}};
  for (const auto& [variable, code] : cases) {
    variables = {variable};
    const Error fault = fault_of(load(""));
    const std::string name = variables[0].substr(0, variables[0].find('='));
    BOOST_TEST(fault.code == code, variable << ": " << fault.cause);
    BOOST_TEST(contains(fault.cause, "environment variable " + name), fault.cause);
  }
}

BOOST_AUTO_TEST_CASE(only_the_owner_and_the_own_group_may_read_the_file, *shows("T26")) {
  load("");
  const struct {
    mode_t mode;
    bool good;
  } cases[] = {{0600, true},  {0400, true},  {0640, true},  {0660, false},
               {0644, false}, {0604, false}, {0602, false}, {0620, false}};
  for (const auto& [mode, is_good] : cases) {
    BOOST_TEST_REQUIRE(chmod(file.c_str(), mode) == 0);
    BOOST_TEST(code() == (is_good ? "" : "settings_open_to_others"), mode);
  }
  if (geteuid() != 0) return;
  BOOST_TEST_REQUIRE(chown(file.c_str(), 0, 12345) == 0);
  BOOST_TEST_REQUIRE(chmod(file.c_str(), 0640) == 0);
  BOOST_TEST(code() == "settings_open_to_others");
}

BOOST_AUTO_TEST_CASE(neither_settings_nor_data_may_lie_in_the_web_root, *shows("T26")) {
  variables = {"DOCUMENT_ROOT=" + dir.path().string()};
  BOOST_TEST(fault_of(load("")).code == "settings_in_web_root");
  fs::create_directories(dir / "web");
  variables = {"DOCUMENT_ROOT=" + (dir / "web").string() + "/"};
  BOOST_TEST(load("").has_value());
  BOOST_TEST(fault_of(load("[data]\ndir = web/data\n")).code == "data_in_web_root");
  fs::create_directory_symlink(dir / "web", dir / "elsewhere");
  BOOST_TEST(fault_of(load("[data]\ndir = elsewhere/data\n")).code == "data_in_web_root");
  BOOST_TEST(load("[data]\ndir = web-data\n").has_value());
  BOOST_TEST(fault_of(load("[data]\ndir =\n")).code == "no_data_dir");
}

BOOST_AUTO_TEST_CASE(the_file_is_the_given_one_or_that_of_the_environment) {
  variables = {"B24HOOKS_SETTINGS=/b"};
  BOOST_TEST(find_settings("/a", env()) == "/a");
  BOOST_TEST(find_settings("", env()) == "/b");
  variables.clear();
  BOOST_TEST(find_settings("", env()).is_absolute());
  BOOST_TEST(find_settings("", env()).filename() == "settings.conf");
}

BOOST_AUTO_TEST_CASE(a_running_process_sees_a_change_within_a_second) {
  Millis now = 1'000'000;
  AppSource source({Mode::shell, file, env()}, "index", [&] { return now; });
  BOOST_TEST(!source.current().has_value());
  BOOST_TEST(source.settings_fault()->code == "no_settings_file");

  load("[server]\nthreads = 1\n");
  BOOST_TEST(!source.current().has_value());  // looked less than a second ago
  now += 1000;
  const auto first = source.current();
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST(first->settings->server.threads == 1);
  BOOST_TEST(!source.settings_fault().has_value());
  now += 1000;
  BOOST_TEST(source.current()->settings == first->settings);  // unchanged: not read again

  load("[server]\nthreads = 22\n");
  BOOST_TEST(source.current()->settings->server.threads == 1);
  now -= 3'600'000;  // a clock that was set back
  BOOST_TEST(source.current()->settings->server.threads == 22);
  BOOST_TEST(first->settings->server.threads == 1);
}

BOOST_AUTO_TEST_CASE(broken_settings_leave_the_old_ones_in_use) {
  Millis now = 1'000'000;
  load("[server]\nthreads = 1\n");
  AppSource source({Mode::shell, file, env()}, "index", [&] { return now; });
  BOOST_TEST_REQUIRE(source.current().has_value());
  const std::pair<std::function<void()>, const char*> damages[] = {
      {[&] { load("[server]\nthreads = none\n"); }, "bad_value"},
      {[&] { fs::remove(file); }, "no_settings_file"},
      {[&] {
         load("[server]\nthreads = 3\n");
         chmod(file.c_str(), 0644);
       },
       "settings_open_to_others"}};
  for (const auto& [damage, code] : damages) {
    damage();
    now += 1000;
    BOOST_TEST(source.current()->settings->server.threads == 1);
    BOOST_TEST_REQUIRE(source.settings_fault().has_value());
    BOOST_TEST(source.settings_fault()->code == code);
  }
  chmod(file.c_str(), 0600);
  now += 1000;
  BOOST_TEST(source.current()->settings->server.threads == 3);
  BOOST_TEST(!source.settings_fault().has_value());
}

// "make example" writes it.
BOOST_AUTO_TEST_CASE(the_example_is_what_the_table_prints) {
  const std::string example = test::read_file("conf/settings.conf.example");
  BOOST_TEST(example == settings_example());
  BOOST_TEST((good(example).form == FormSettings()));  // as it was delivered
}

BOOST_AUTO_TEST_CASE(a_form_with_a_name_takes_from_the_default_one_what_it_does_not_set) {
  const Settings settings = good(
      "[form callback]\nfields = phone\nheading_ru = Перезвоните\n[field phone]\nrequired = yes\n"
      "[field extra]\ntype = hidden\n"
      "[form]\nmin_time = 3s\naccept = own, site\nheading = Write to us\nwait = 1s\n"
      "[form Long]\nwait = 9s\n");
  BOOST_TEST_REQUIRE(settings.forms.size() == 2U);
  const FormSettings& callback = settings.forms[0];
  BOOST_TEST(callback.name == "callback");
  BOOST_TEST(callback.fields == "phone");
  BOOST_TEST(callback.min_time == 3'000);
  BOOST_TEST(callback.wait == 1'000);
  BOOST_TEST((callback.accept == std::vector<std::string>{"own", "site"}));
  BOOST_TEST(text_in(callback.heading, "ru") == "Перезвоните");
  BOOST_TEST(text_in(callback.heading, "de") == "Write to us");
  BOOST_TEST(settings.forms[1].wait == 9'000);
  BOOST_TEST(settings.form.wait == 1'000);

  const Forms forms = make_forms(settings).value();
  BOOST_TEST_REQUIRE(forms.size() == 3U);
  BOOST_TEST(forms[0].fields.size() == 5U);  // "extra" is named by none
  BOOST_TEST_REQUIRE(forms[1].fields.size() == 1U);
  BOOST_TEST(forms[1].fields[0].required);
  BOOST_TEST(forms[2].fields.size() == 5U);
  BOOST_TEST(find_form(forms, "") == &forms[0]);
  BOOST_TEST(find_form(forms, "long") == &forms[2]);
  BOOST_TEST((find_form(forms, "nobody") == nullptr));
}

BOOST_AUTO_TEST_CASE(a_further_form_with_a_fault_is_told_by_its_name) {
  for (const char* bad : {"[form a b]\nwait = 1s\n", "[form x]\ntemplate = ../index\n",
                          "[form x]\ntitle = {nobody}\n", "[form x]\naccept = tilda\n",
                          "[form x]\nfields = phone, phone\n", "[form x]\nvalues = A\n"}) {
    const Result<Forms> forms = make_forms(good(bad));
    BOOST_TEST_REQUIRE(!forms, bad);
    BOOST_TEST(contains(forms.error().cause, std::string(bad).substr(0, 6)), forms.error().cause);
  }
}

BOOST_AUTO_TEST_CASE(every_key_is_in_the_example_and_in_the_help) {
  const std::string example = settings_example();
  const std::string help = settings_help();
  for (const auto& [section, key] : all_keys()) {
    const std::string name(key.name);
    BOOST_TEST(!key.help.empty(), name);
    BOOST_TEST(!key.type.expects.empty(), name);
    BOOST_TEST(contains(help, "  " + name + ": " + std::string(key.type.expects)), name);
    const bool is_shown = contains(example, "\n#" + name + " =") ||
                          contains(example, "\n#   " + name + " ") || name.ends_with('*');
    BOOST_TEST(is_shown, name);
  }
}

BOOST_AUTO_TEST_CASE(with_every_default_of_the_example_in_force_nothing_is_other_than_without) {
  std::istringstream lines(settings_example());
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    all += (is_key ? line.substr(1) : line) + "\n";
  }
  Settings settings = good(all);
  BOOST_TEST_REQUIRE(settings.portals.size() == 1U);
  BOOST_TEST((settings.portals[0] == PortalSettings()));
  settings.portals.clear();
  BOOST_TEST((settings == good("")));
}

// "fields = phone" alone once made the form unusable, since the default title named first_name.
BOOST_AUTO_TEST_CASE(a_key_set_alone_leaves_a_form_that_can_be_shown) {
  for (const auto& [section, key] : all_keys()) {
    std::string text;
    if (!section.name.empty()) {
      text = "[" + std::string(section.name) + (section.needs_name.empty() ? "" : " ") +
             std::string(section.needs_name) + "]\n";
    }
    const std::string name = std::string(key.stem()) + (key.name.ends_with('*') ? "ru" : "");
    text += name + " = " + std::string(key.example) + "\n";
    const Settings settings = good(text);
    const Result<Form> form = make_form(settings);
    BOOST_TEST((form ? "" : form.error().cause) == "", text);
    BOOST_TEST((settings != good("")), text);  // the example says something
  }
}

BOOST_AUTO_TEST_CASE(the_name_that_was_meant_is_told) {
  BOOST_TEST(contains(fault_of(load("[form]\nfeilds = phone\n")).remedy, "did you mean fields?"));
  BOOST_TEST(contains(fault_of(load("[portal-call]\nca_file = x\n")).remedy,
                      "did you mean [portal_call]?"));
  BOOST_TEST(!contains(fault_of(load("[form]\nxyzzy = phone\n")).remedy, "did you mean"));
}

BOOST_AUTO_TEST_CASE(every_error_tells_the_file_and_the_places_that_were_looked_at) {
  for (const char* text :
       {"nonsense = 1\n", "[server]\nthreads = many\n", "[data\n", "[data]\ndir =\n"}) {
    const Error fault = fault_of(load(text));
    BOOST_TEST(contains(fault.cause, file.string()), fault.cause);
    for (const fs::path& place : settings_places())
      BOOST_TEST(contains(fault.cause, place.string()), fault.cause);
  }
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_told_with_the_places_and_no_way_into_the_web_root) {
  BOOST_TEST(settings_places().back() == "/etc/b24hooks/settings.conf");
  const Result<Settings> nothing = load_settings(settings_places().front(), env());
  const Error fault = fault_of(nothing);
  for (const fs::path& place : settings_places())
    BOOST_TEST(contains(fault.cause, place.string()), fault.cause);
  BOOST_TEST(contains(fault.remedy, "/etc/b24hooks/settings.conf"));
  BOOST_TEST(
      contains(settings_whereabouts("/nowhere/s.conf", env()), "/nowhere/s.conf (not there)"));
}

BOOST_AUTO_TEST_SUITE_END()
