// catalogue: the messages of the pages in one language.
#include "web/catalogue.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "settings/ini_file.h"

namespace b24 {
namespace {

Error catalogue_error(std::string cause, std::string remedy) {
  return {ErrorKind::settings, "broken_catalogue", std::move(cause), std::move(remedy)};
}

std::set<std::string> names_in(std::string_view message) {
  std::set<std::string> names;
  text::fill(message, "{{", "}}", [&](std::string_view name) {
    names.emplace(text::trim(name));
    return "";
  });
  return names;
}

// Adds to "a, b, ...", which stays short enough for a log.
void list(std::string& keys, const std::string& key) {
  if (keys.ends_with("...")) return;
  keys += (keys.empty() ? "" : ", ") + (keys.size() < 400 ? key : "...");
}

}  // namespace

Result<Messages> read_messages(const std::string& file) {
  const Result<std::string> text = read_settings_text(file);
  if (!text) return std::unexpected(text.error());
  if (!text::is_valid_utf8(*text)) {
    return std::unexpected(
        catalogue_error(file + ": the text is not UTF-8", "save the file as UTF-8"));
  }
  Result<std::vector<IniEntry>> entries = parse_ini(*text, file);
  if (!entries) return std::unexpected(entries.error());
  Messages messages;
  for (IniEntry& entry : *entries) {
    const auto place = [&] { return file + ":" + std::to_string(entry.line) + ": "; };
    if (!entry.section.empty()) {
      return std::unexpected(
          catalogue_error(place() + "a catalogue has no sections", "remove the line in brackets"));
    }
    if (!messages.try_emplace(entry.name, std::move(entry.value)).second) {
      return std::unexpected(catalogue_error(place() + entry.name + " occurs a second time",
                                             "keep one of the two lines"));
    }
  }
  return messages;
}

Status make_alike(Messages& other, const Messages& english, const std::string& file) {
  std::string missing, different, surplus;
  std::erase_if(other, [&](const auto& own) {
    if (english.contains(own.first) || own.first.starts_with(kTranslatedOnly)) return false;
    list(surplus, own.first);
    return true;
  });
  for (const auto& [key, message] : english) {
    const auto [own, added] = other.try_emplace(key, message);
    if (added) list(missing, key);
    if (names_in(own->second) == names_in(message)) continue;
    list(different, key);
    own->second = message;
  }
  std::string cause;
  for (const auto& [what, keys] :
       {std::pair("there is no ", &missing),
        std::pair("other {{names}} than in messages.en.conf has ", &different),
        std::pair("messages.en.conf does not know ", &surplus)}) {
    if (!keys->empty()) cause += (cause.empty() ? ": " : "; ") + (what + *keys);
  }
  if (cause.empty()) return {};
  return std::unexpected(catalogue_error(
      file + cause, "until these texts are as in messages.en.conf, the English ones are shown"));
}

std::string fill(std::string_view text, const Value& data) {
  return text::fill(text, "{{", "}}",
                    [&](std::string_view name) { return data[text::trim(name)].text(); });
}

}  // namespace b24
