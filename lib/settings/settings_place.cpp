// settings_place: where settings and templates lie.
#include <sys/auxv.h>

#include "base/text.h"
#include "settings/settings.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

fs::path program_dir() {
  return program().parent_path();
}

fs::path installed_templates() {
  const fs::path dir = program_dir();
  // Installed (beside cgi-bin), in one folder, and in the build directories.
  const fs::path candidates[] = {dir / "../templates", dir / "templates", dir / "../../templates",
                                 dir / "../../../templates"};
  std::error_code ignored;
  for (const fs::path& candidate : candidates)
    if (fs::is_directory(candidate, ignored)) return candidate.lexically_normal();
  return candidates[0].lexically_normal();
}

}  // namespace

const fs::path& program() {
  static const fs::path found = [] {
    std::error_code fault;
    fs::path file = fs::read_symlink("/proc/self/exe", fault);
    // Without /proc, as it was named when it was started. getauxval gives an address as a number.
    if (fault) file = fs::absolute(reinterpret_cast<const char*>(getauxval(AT_EXECFN)), fault);
    return file.lexically_normal();
  }();
  return found;
}

std::string_view variable(const char* const* environment, std::string_view name) {
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return entry.substr(name.size() + 1);
  }
  return {};
}

std::vector<fs::path> settings_places() {
  const fs::path dir = program_dir();
  std::vector<fs::path> places;
  for (const char* place :
       {"../conf/settings.conf", "../settings.conf", "conf/settings.conf", "settings.conf"}) {
    places.push_back((dir / place).lexically_normal());
  }
  places.emplace_back("/etc/b24hooks/settings.conf");
  return places;
}

std::string list_of_places() {
  return text::join(settings_places(), ", ");
}

fs::path find_settings(const std::string& given, const char* const* environment) {
  if (!given.empty()) return given;
  if (const std::string_view named = variable(environment, kFileVariable); !named.empty())
    return named;
  const std::vector<fs::path> places = settings_places();
  std::error_code ignored;
  for (const fs::path& place : places)
    if (fs::exists(place, ignored)) return place;
  return places.back();
}

std::string settings_whereabouts(const std::string& given, const char* const* environment) {
  const fs::path file = find_settings(given, environment);
  std::error_code ignored;
  return "Settings: " + file.string() + (fs::exists(file, ignored) ? "" : " (not there)") +
         "\nLooked for by --settings, by B24HOOKS_SETTINGS, then at " + list_of_places() + "\n";
}

std::vector<fs::path> template_places(const Settings& settings) {
  const fs::path installed = installed_templates();
  const fs::path beside = settings.file.parent_path() / "templates";
  std::error_code ignored;
  fs::path own = settings.page.templates;
  if (own.empty() && !settings.file.empty() && fs::is_directory(beside, ignored)) own = beside;
  if (own.empty() || own == installed) return {installed};
  return {own, installed};
}

}  // namespace b24
