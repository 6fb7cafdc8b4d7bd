// settings_place: where settings and data lie, and who may see them.
#include "settings/settings_place.h"

#include "base/files.h"
#include "base/text.h"
#include "settings/permission.h"
#include "settings/settings.h"

namespace b24 {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSystemFile = "/etc/b24hooks/settings.conf";

// The directory of the running program; empty when /proc is not there.
fs::path program_dir() {
  std::error_code fault;
  const fs::path program = fs::read_symlink("/proc/self/exe", fault);
  return fault ? fs::path() : program.parent_path();
}

}  // namespace

std::unexpected<Error> settings_error(std::string code, std::string cause, std::string remedy) {
  return std::unexpected(
      Error{ErrorKind::settings, std::move(code), std::move(cause), std::move(remedy)});
}

std::string_view variable(const char* const* environment, std::string_view name) {
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return entry.substr(name.size() + 1);
  }
  return {};
}

Status check_outside_web(const fs::path& path, std::string_view web_root, const char* code,
                         const std::string& what, const std::string& where) {
  if (web_root.empty() || !is_inside(path, web_root)) return {};
  return settings_error(code,
                        path.string() + ": " + what + " lies below the web root " +
                            text::for_log(web_root) + ", where anyone may fetch it",
                        "move it " + where);
}

Status check_settings_outside_web(const fs::path& file, std::string_view web_root) {
  if (file.empty()) return {};
  return check_outside_web(file, web_root, "settings_in_web_root", "the settings file",
                           "to " + std::string(kSystemFile));
}

std::unexpected<Error> no_settings_file(const fs::path& file) {
  return settings_error("no_settings_file", file.string() + ": there is no such settings file",
                        "copy conf/settings.conf.example to " + std::string(kSystemFile) +
                            ", set C_REST_WEB_HOOK_URL in it, then " +
                            in_one_line(lines_to_read(kSystemFile)) +
                            "; or name another file, outside the web root, by --settings or "
                            "B24HOOKS_SETTINGS");
}

std::vector<fs::path> settings_places() {
  const fs::path dir = program_dir();
  std::vector<fs::path> places;
  for (const char* place :
       {"../conf/settings.conf", "../settings.conf", "conf/settings.conf", "settings.conf"}) {
    places.push_back((dir / place).lexically_normal());
  }
  places.emplace_back(kSystemFile);
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

fs::path find_templates() {
  const fs::path dir = program_dir();
  // Installed (beside cgi-bin), in one folder, and in the build directories.
  const fs::path candidates[] = {dir / "../templates", dir / "templates", dir / "../../templates",
                                 dir / "../../../templates"};
  std::error_code ignored;
  for (const fs::path& candidate : candidates)
    if (fs::is_directory(candidate, ignored)) return candidate.lexically_normal();
  return candidates[0].lexically_normal();
}

}  // namespace b24
