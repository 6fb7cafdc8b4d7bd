// house_tests: the rooms of the sources, what each may know of, and how large it may be.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "decorators.h"
#include "process.h"

using namespace b24::test;
namespace fs = std::filesystem;

namespace house_tests {

// What a room's files may include, besides its own. A page's room may include every room of lib.
const std::map<std::string, std::set<std::string>> kMayKnow = {
    {"base", {}},
    {"value", {"base"}},
    {"settings", {"base", "value"}},
    {"web", {"base", "value", "settings"}},
    {"portal", {"base", "value", "settings"}},
    {"keep", {"base", "value", "settings"}},
};
const std::set<std::string> kPages = {"index", "handler", "checkserver"};

struct Source {
  std::string room;
  fs::path file;
  std::string text;
};

std::vector<Source> sources() {
  std::vector<Source> found;
  for (const char* top : {"lib", "cgi-bin"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (!entry.is_regular_file()) continue;
      const fs::path inside = entry.path().lexically_relative(top);
      found.push_back({inside.begin()->string(), entry.path(), read_file(entry.path())});
    }
  }
  return found;
}

std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex("//[^\n]*"), "");
}

}  // namespace house_tests

BOOST_AUTO_TEST_SUITE(house_tests)

BOOST_AUTO_TEST_CASE(each_source_lies_in_a_room) {
  for (const Source& source : sources()) {
    BOOST_TEST((kMayKnow.contains(source.room) || kPages.contains(source.room)), source.file);
    BOOST_TEST(source.file.parent_path().filename() == source.room, source.file);
  }
}

BOOST_AUTO_TEST_CASE(arrows_between_rooms_point_down_only) {
  const std::regex include("#include \"([a-z_]+)/[a-z_]+\\.h\"");
  int arrows = 0;
  for (const Source& source : sources()) {
    for (std::sregex_iterator it(source.text.begin(), source.text.end(), include), end; it != end;
         ++it) {
      const std::string room = it->str(1);
      const bool allowed = room == source.room ||
                           (kPages.contains(source.room) ? kMayKnow.contains(room)
                                                         : kMayKnow.at(source.room).contains(room));
      BOOST_TEST(allowed, source.file << " includes " << it->str());
      ++arrows;
    }
  }
  BOOST_TEST(arrows > 200);
}

// SQL and libpq are keep's, libcurl portal/http's and its loader's, libfcgi web/rounds's.
BOOST_AUTO_TEST_CASE(each_library_has_one_door) {
  const std::regex sql("\"(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN) |sqlite3_|libpq-fe");
  const std::regex curl("curl_easy_|CURLOPT_");
  const std::regex fcgi("FCGX_");
  for (const Source& source : sources()) {
    const std::string code = without_comments(source.text);
    if (source.room != "keep") BOOST_TEST(!std::regex_search(code, sql), source.file);
    if (source.room != "portal") BOOST_TEST(!std::regex_search(code, curl), source.file);
    if (source.file.stem() != "rounds") BOOST_TEST(!std::regex_search(code, fcgi), source.file);
  }
}

// A request's headers come as HTTP_...; HTTP_PROXY, HTTP_REDIRECT_STATUS and the like decide
// nothing.
BOOST_AUTO_TEST_CASE(these_headers_of_a_request_are_read_and_no_others,
                     *shows("T5") * shows("T8")) {
  const std::set<std::string> read = {"HTTP_ACCEPT",         "HTTP_ACCEPT_LANGUAGE",
                                      "HTTP_COOKIE",         "HTTP_HOST",
                                      "HTTP_ORIGIN",         "HTTP_REFERER",
                                      "HTTP_SEC_FETCH_SITE", "HTTP_TRANSFER_ENCODING",
                                      "HTTP_X_B24HOOKS_KEY", "HTTP_X_FORWARDED_FOR"};
  const std::regex name("\"(HTTP_[A-Z0-9_]+)\"");
  std::set<std::string> found;
  for (const Source& source : sources()) {
    const std::string code = without_comments(source.text);
    for (std::sregex_iterator it(code.begin(), code.end(), name), end; it != end; ++it)
      found.insert(it->str(1));
  }
  BOOST_TEST(found == read, boost::test_tools::per_element());
}

// X-Accel-Redirect and its like would hand out files.
BOOST_AUTO_TEST_CASE(no_header_commands_the_web_server, *shows("T17")) {
  const std::regex command("X-(Accel|Sendfile|LIGHTTPD)");
  for (const Source& source : sources())
    BOOST_TEST(!std::regex_search(source.text, command), source.file);
}

// `make tests/README.md` writes it.
BOOST_AUTO_TEST_CASE(the_table_of_promises_is_what_the_tests_say_of_themselves) {
  const Ran table = run({{"tests/promises-table"}});
  BOOST_TEST(table.status == 0, table.out + table.err);
  BOOST_TEST(read_file("tests/README.md").ends_with("\n\n" + table.out));
  const std::regex row("\n\\| ([TFA][0-9]+) \\| [^|]+ \\|([^|]*)\\|([^|]*)\\|");
  std::map<std::string, int> rows;
  for (std::sregex_iterator it(table.out.begin(), table.out.end(), row), end; it != end; ++it) {
    ++rows[it->str(1).substr(0, 1)];
    BOOST_TEST((it->str(2).contains('/') || it->str(3).contains("not reached")), it->str(1));
  }
  BOOST_TEST((rows == std::map<std::string, int>{{"T", 33}, {"F", 12}, {"A", 28}}));
}

// The budgets are what "tiny" means: whoever needs more has to take something out first.
BOOST_AUTO_TEST_CASE(rooms_and_files_keep_to_their_size) {
  const std::map<std::string, std::ptrdiff_t> budgets = {
      {"base", 1874}, {"value", 789},  {"settings", 3081}, {"web", 3654},        {"portal", 2189},
      {"keep", 7619}, {"index", 3709}, {"handler", 3062},  {"checkserver", 5975}};
  std::map<std::string, std::ptrdiff_t> lines;
  for (const Source& source : sources()) {
    const auto count = std::ranges::count(source.text, '\n');
    BOOST_TEST(count <= 400, source.file << " has " << count << " lines");
    lines[source.room] += count;
  }
  for (const auto& [room, count] : lines) {
    BOOST_TEST(count <= budgets.at(room), room << " has " << count << " lines");
  }
}

BOOST_AUTO_TEST_SUITE_END()
