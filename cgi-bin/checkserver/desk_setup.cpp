// desk_setup: what is set, where it comes from, what else it could be, and what is wrong with it.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "check_output.h"
#include "desk.h"
#include "settings/settings_keys.h"

namespace b24::desk {
namespace {

bool is_problem(const Value& check) {
  return check["state"].text() == "error" || check["state"].text() == "warning";
}

// Whether a check's lines to paste set this: "[form]", "title = ...".
bool names(const Value& check, const SettingInUse& setting) {
  std::string section;
  for (const Value::Member& member : check["paste"].members()) {
    const std::string line = member.value.text();
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    if (section == setting.section && line.starts_with(setting.key + " =")) return true;
  }
  return false;
}

std::string block_of(const Value& lines) {
  std::string block;
  for (const Value::Member& line : lines.members()) block += line.value.text() + "\n";
  return block;
}

// How people read it.
Value shown(const Visit& visit, const Value& setting) {
  Value row = setting;
  const std::string place = setting["place"].text();
  std::string origin = place.empty() ? visit.say("desk_setup_default") : place;
  if (place.starts_with(kVariablePlace)) {
    const Value name = Value::map({{"name", place.substr(kVariablePlace.size())}});
    origin = visit.say("desk_setup_variable", name);
  }
  row.set("origin", origin);
  const std::string help = setting["help"].text(), expects = setting["expects"].text();
  row.set("help", visit.say_or(help_key(setting["section"].text(), setting["key"].text()), help));
  row.set("expects", visit.say_or(expects_key(expects), expects));
  row.set("is_set", !place.empty());
  row.set("is_wrong", setting["problems"].size() > 0);
  row.set("lines", block_of(setting["lines"]));
  if (const std::string over = setting["passed_over"].text(); !over.empty()) {
    row.set("passed_over", visit.say("desk_setup_over", Value::map({{"place", over}})));
  }
  return row;
}

Value section_of(const Visit& visit, const Value& rows) {
  const std::string name = rows[0]["section"].text();
  bool is_wrong = false;
  std::int64_t count = 0;
  for (const Value::Member& row : rows.members()) {
    is_wrong |= row.value["is_wrong"].boolean();
    count += row.value["is_set"].boolean() ? 1 : 0;
  }
  const Value counted = Value::map({{"count", count}});
  return Value::map({{"heading", name.empty() ? visit.say("desk_setup_first") : "[" + name + "]"},
                     {"is_open", is_wrong},
                     {"set", count == 0 ? "" : visit.say("desk_setup_set", counted)},
                     {"rows", rows}});
}

Value sections_of(const Visit& visit, const Value& settings) {
  Value sections = Value::array(), rows = Value::array();
  for (const Value::Member& setting : settings.members()) {
    if (rows.size() > 0 && rows[0]["section"].text() != setting.value["section"].text()) {
      sections.append(section_of(visit, std::exchange(rows, Value::array())));
    }
    rows.append(shown(visit, setting.value));
  }
  if (rows.size() > 0) sections.append(section_of(visit, rows));
  return sections;
}

}  // namespace

std::string help_key(std::string_view section, std::string_view key) {
  section = section.substr(0, section.find(' '));
  // Of "label_de" they are those of "label_*".
  const SettingSection* known = find_section(section);
  if (const SettingKey* row = known != nullptr ? known->find(key) : nullptr) key = row->name;
  return "setting_" + std::string(section) + (section.empty() ? "" : "_") + std::string(key);
}

// An ini file's key has fifty bytes at most.
std::string expects_key(std::string_view expects) {
  return "setting_expects_" + text::lower(env_form(expects.substr(0, 30)));
}

Value setup_value(const std::vector<SettingInUse>& settings, const Value& checks) {
  Value rows = Value::array(), others = Value::array();
  for (const SettingInUse& setting : settings) {
    Value problems = Value::array();
    for (const Value::Member& check : checks["checks"].members()) {
      if (is_problem(check.value) && names(check.value, setting)) problems.append(check.value);
    }
    rows.append(Value::map({{"section", setting.section},
                            {"key", setting.key},
                            {"value", setting.value},
                            {"place", setting.place},
                            {"passed_over", setting.passed_over},
                            {"default", setting.initial},
                            {"expects", setting.expects},
                            {"example", setting.example},
                            {"help", setting.help},
                            {"lines", check::list_of(setting.lines)},
                            {"problems", problems}}));
  }
  for (const Value::Member& check : checks["checks"].members()) {
    const bool is_of_settings = check.value["group"].text() == "settings";
    const auto is_named = [&](const auto& setting) { return names(check.value, setting); };
    if (is_of_settings && is_problem(check.value) && std::ranges::none_of(settings, is_named)) {
      others.append(check.value);
    }
  }
  return Value::map({{"settings", rows}, {"problems", others}});
}

Value with_blocks(const Value& checks) {
  Value rows = Value::array();
  for (const Value::Member& check : checks.members()) {
    Value row = check.value;
    row.set("paste", block_of(row["paste"]));
    rows.append(row);
  }
  return rows;
}

Answer show_setup(const Visit& visit) {
  const auto settings = settings_in_use(visit.launch.settings_file, visit.launch.environment);
  const Value checks =
      check::json_form(visit.checks(3 * kSecond), &visit.templates, visit.language);
  Value all = setup_value(settings.value_or(std::vector<SettingInUse>()), checks);
  if (visit.wants("json")) return json_answer(all);
  all.set("sections", sections_of(visit, all["settings"]));
  all.set("problems", with_blocks(all["problems"]));
  all.set("is_broken", !settings);
  all.set("file", visit.settings().file.string());
  return page(visit, "setup", all);
}

}  // namespace b24::desk
