// install_tests: what `make install` puts where, that it works from there, and systemd's units.
#include <boost/test/unit_test.hpp>
#include <set>

#include "decorators.h"
#include "process.h"

using namespace b24::test;
namespace fs = std::filesystem;

namespace install_tests {

constexpr std::uintmax_t kMostBytes = 2'000'000;  // of a program as it is installed
constexpr const char* kHome = "usr/local/lib/b24hooks";

std::string make(const std::string& target, const TempDir& root) {
  const Ran ran = run({{"make", "--silent", target, "B=" + built(""), "PREFIX=/usr/local",
                        "DESTDIR=" + root.path().string()},
                       {},
                       "",
                       {},
                       ""},
                      10 * kDeadline);
  BOOST_TEST_REQUIRE(ran.status == 0, ran.out + ran.err);
  return ran.out;
}

std::set<std::string> files(const fs::path& dir) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(dir)) {
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(dir).string());
  }
  return names;
}

// An installed unit, so changed that it starts what lies below `root`.
void write_unit(const std::string& installed, const std::string& unit, const TempDir& root) {
  std::string text = read_file(root / ("usr/local/lib/systemd/system/" + installed));
  const std::string home = "/usr/local/lib/b24hooks";
  for (std::size_t at = 0; (at = text.find(home, at)) != text.npos; at += home.size()) {
    text.insert(at, root.path().string());
    at += root.path().string().size();
  }
  write_file(root / unit, text);
}

std::string complaints(const std::string& unit, const TempDir& root) {
  const Ran ran = run({{"systemd-analyze", "verify", "--man=no", root / unit}, {}, "", {}, ""});
  return (ran.status == 0 ? "" : "status " + std::to_string(ran.status) + " ") + ran.err;
}

}  // namespace install_tests

BOOST_AUTO_TEST_SUITE(install_tests)

BOOST_AUTO_TEST_CASE(an_upgrade_keeps_what_is_the_owners_and_brings_the_rest) {
  const TempDir root;
  make("install", root);
  const fs::path home = root / kHome;
  fs::create_directory(home / "conf/templates");
  write_file(home / "conf/settings.conf", "mine");
  write_file(home / "conf/templates/index.mustache", "mine");
  write_file(home / "templates/error.mustache", "of an older version");
  make("install", root);
  BOOST_TEST(read_file(home / "conf/settings.conf") == "mine");
  BOOST_TEST(read_file(home / "conf/templates/index.mustache") == "mine");
  BOOST_TEST(read_file(home / "templates/error.mustache") == read_file("templates/error.mustache"));
}

BOOST_AUTO_TEST_CASE(what_is_installed_works_from_there_and_goes_again) {
  const TempDir root;
  make("install", root);
  const fs::path home = root / kHome;
  const std::set<std::string> installed = files(home);
  for (const char* file :
       {"cgi-bin/index.fcgi", "cgi-bin/handler.fcgi", "cgi-bin/handler-backup.fcgi",
        "cgi-bin/checkserver.fcgi", "templates/index.mustache", "templates/messages.ru.conf",
        "conf/settings.conf.example", "conf/nginx.conf.example", "conf/apache.conf.example"}) {
    BOOST_TEST(installed.contains(file), file);
  }
  const fs::perms mode = fs::status(home / "cgi-bin/index.fcgi").permissions();
  BOOST_TEST(((mode & fs::perms::mask) == fs::perms(0755)));
  BOOST_TEST(run({{home / "cgi-bin/index.fcgi", "--version"}, {}, "", {}, ""}).status == 0);

  // Settings beside the installation, templates of the installation.
  fs::copy_file(home / "conf/settings.conf.example", home / "conf/settings.conf");
  fs::permissions(home / "conf/settings.conf", fs::perms::owner_read | fs::perms::owner_write);
  const Ran checked =
      run({{home / "cgi-bin/checkserver.fcgi", "--format", "json"}, {}, "", {}, ""});
  BOOST_TEST(checked.out.contains((home / "conf/settings.conf").string()), checked.out);
  BOOST_TEST(checked.out.contains((home / "templates").string()), checked.out);

  const Ran help = run({{root / "usr/local/bin/b24hooks-index", "--help"}, {}, "", {}, ""});
  BOOST_TEST(help.out.contains("Settings: " + (home / "conf/settings.conf").string()), help.out);

  make("uninstall", root);
  for (const std::string& file : files(root.path())) {
    const std::string inside = fs::path(file).lexically_relative(kHome);
    BOOST_TEST((inside == "conf/settings.conf" || inside.starts_with("conf/data/")), file);
  }
}

BOOST_AUTO_TEST_CASE(
    the_commands_their_manual_and_completion_are_installed_and_the_next_step_is_named) {
  const TempDir root;
  const std::string said = make("install-strip", root);
  BOOST_TEST(said == "Next, as root: /usr/local/lib/b24hooks/setup\n");
  const std::set<std::string> installed = files(root / "usr/local");
  for (const char* file :
       {"lib/b24hooks/setup", "lib/systemd/system/b24hooks.target",
        "lib/systemd/system/b24hooks@.service", "lib/systemd/system/b24hooks@.socket",
        "share/man/man1/b24hooks-index.1", "share/man/man1/b24hooks-handler.1",
        "share/man/man1/b24hooks-checkserver.1", "share/man/man5/b24hooks-settings.5",
        "share/bash-completion/completions/b24hooks-index"})
    BOOST_TEST(installed.contains(file), file);
  const std::string sections =
      run({{"readelf", "--sections", root / kHome / "cgi-bin/index.fcgi"}}).out;
  BOOST_TEST(sections.contains(".text"));
  BOOST_TEST(!sections.contains(".symtab"));
}

BOOST_AUTO_TEST_CASE(each_program_is_small, *as_released()) {
  const TempDir root;
  make("install", root);
  int programs = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / kHome / "cgi-bin")) {
    if (entry.is_symlink()) continue;
    BOOST_TEST(entry.file_size() <= kMostBytes, entry.path() << " has " << entry.file_size());
    ++programs;
  }
  BOOST_TEST(programs == 3);
}

BOOST_AUTO_TEST_CASE(systemd_has_nothing_to_say_about_the_units) {
  const TempDir root;
  make("install", root);
  const std::string service = "b24hooks@handler-backup.service",
                    socket = "b24hooks@handler-backup.socket";
  write_unit("b24hooks@.service", service, root);
  write_unit("b24hooks@.socket", socket, root);
  write_unit("b24hooks.target", "b24hooks.target", root);
  for (const std::string& unit : {service, socket, std::string("b24hooks.target")})
    BOOST_TEST(complaints(unit, root) == "", unit);
}

BOOST_AUTO_TEST_SUITE_END()
