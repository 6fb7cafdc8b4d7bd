#include "canary.h"

#include <unistd.h>

#include <fstream>
#include <regex>
#include <set>

#include "event_fixture.h"
#include "process.h"

namespace b24::test {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& dir) {
  std::vector<fs::path> files;
  std::error_code fault;
  using Walk = fs::recursive_directory_iterator;
  for (Walk it(dir, fs::directory_options::skip_permission_denied, fault), end; !fault && it != end;
       it.increment(fault))
    if (it->is_regular_file(fault) && !it->is_symlink(fault)) files.push_back(it->path());
  return files;
}

// Values that nobody guesses, and the secret ends of webhooks.
void add_secrets(const std::string& settings, std::set<std::string>& secrets) {
  const std::regex line(
      "(?:^|\n)[A-Za-z_]*(?:token|secret|key) *= *([^ \n#,;]{16,})|(/rest/(?:api/)?[0-9]+/[^/ "
      "\n]+)");
  for (std::sregex_iterator it(settings.begin(), settings.end(), line), end; it != end; ++it)
    secrets.insert(it->str(1) + it->str(2));
}

// Keys are secrets by themselves, and the journal, which nobody else may read, has each event as it
// came. The web server's logs have the addresses that the sandbox was called by.
bool is_written_by_us(const fs::path& file) {
  const std::regex ours("(.*/)?((data|logs)/[^/]*|b24hooks\\.log[^/]*|[^/]*\\.db[^/]*)");
  return std::regex_match(file.string(), ours) && file.extension() != ".key" &&
         !file.filename().string().starts_with("nginx-");
}

}  // namespace

std::vector<std::string> secrets_told(const fs::path& dir) {
  const std::vector<fs::path> files = files_below(dir);
  std::set<std::string> secrets = {std::string(kToken)};
  for (const fs::path& file : files) {
    if (file.filename() != "settings.conf") continue;
    const std::string settings = read_file(file);
    if (settings.contains("mask_secrets = no")) return {};  // the owner wants to see them
    add_secrets(settings, secrets);
  }
  std::vector<std::string> found;
  for (const fs::path& file : files) {
    if (!is_written_by_us(file)) continue;
    const std::string text = read_file(file);
    for (const std::string& secret : secrets)
      if (text.contains(secret)) found.push_back(file.string() + ": " + secret);
  }
  return found;
}

void report_secrets_told(const fs::path& dir) noexcept try {
  const std::vector<std::string> found = secrets_told(dir);
  if (found.empty()) return;
  std::ofstream report(built("tests/found.secrets." + std::to_string(::getpid())), std::ios::app);
  for (const std::string& line : found) report << "a secret was told: " << line << '\n';
} catch (const std::exception&) {
  // What cannot be read any more tells nobody anything.
}

}  // namespace b24::test
