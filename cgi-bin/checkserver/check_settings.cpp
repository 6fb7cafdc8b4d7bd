// check_settings: checks of the settings file, the templates and the encoding.
#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "check_seen.h"
#include "settings/form.h"

namespace b24::check {
namespace {

Finding judge_file(const Seen& seen) {
  const Subject& subject = *seen.subject;
  if (subject.settings_error) {
    return failed(subject.settings ? "not_in_use" : "none", *subject.settings_error, State::error,
                  Value::map({{"file", subject.place.settings_file.string()}}),
                  seen.storage ? seen.storage->settings_file.cure : Lines());
  }
  if (!subject.settings) return info("no_settings");
  if (subject.settings->file.empty()) return ok("environment");
  return ok("read",
            Value::map({{"file", subject.settings->file.string()}, {"places", list_of_places()}}));
}

Finding judge_privacy(const Seen& seen) {
  if (!seen.storage) return warning("late");
  const PathSeen& file = seen.storage->settings_file;
  if (!file.exists) return info("no_file");
  const Value facts = Value::map({{"file", file.path.string()}});
  if (file.in_document_root) return error("in_web_root", facts);
  if (file.open_to_others) return error("open", facts, file.cure);
  return ok("private", facts);
}

Finding judge_templates(const Seen& seen) {
  if (seen.subject->templates_error) return failed("broken", *seen.subject->templates_error);
  if (seen.subject->templates_warning) {
    return failed("partly", *seen.subject->templates_warning, State::warning);
  }
  const std::string dirs = text::join(template_places(*seen.subject->settings), ", ");
  return ok("loaded", Value::map({{"dir", dirs}}));
}

Finding judge_form(const Seen& seen) {
  const Settings& settings = *seen.subject->settings;
  const Result<Forms> forms = make_forms(settings);
  if (!forms) return failed("broken", forms.error());
  Value facts = Value::map({{"fields", static_cast<std::int64_t>(forms->front().fields.size())}});
  for (const Form& form : *forms) {
    const auto is_there = [&](const std::filesystem::path& dir) {
      std::error_code ignored;
      return std::filesystem::exists(dir / (form.settings.page + ".mustache"), ignored);
    };
    if (std::ranges::any_of(template_places(settings), is_there)) continue;
    facts.set("file", form.settings.page + ".mustache");
    facts.set("section", section_of(form.settings));
    return warning("no_template", facts);
  }
  if (forms->size() == 1) return ok("made", facts);
  std::string names;
  for (const Form& form : *forms)
    if (!form.name().empty()) names += (names.empty() ? "?form=" : ", ?form=") + form.name();
  facts.set("names", names);
  return ok("several", facts);
}

Finding judge_encoding(const Seen& seen) {
  const std::string& encoding = seen.subject->settings->crest.current_encoding;
  const Value facts = Value::map({{"encoding", encoding.empty() ? "UTF-8" : encoding.c_str()}});
  if (!encoding.empty() && !text::known_encoding(encoding)) return error("unknown", facts);
  return ok("known", facts);
}

Finding judge_time_zone(const Seen& seen) {
  const std::string& zone = seen.subject->settings->log.time_zone;
  const bool is_known = zone.empty() || is_utc_offset(zone) || has_time_zone(zone);
  const Value facts = Value::map({{"zone", zone}, {"now", php_date(seen.at)}});
  return is_known ? ok("known", facts) : warning("unknown", facts, {"[log]", "time_zone = +03:00"});
}

}  // namespace

std::span<const Check> setting_checks() {
  static constexpr Check kChecks[] = {
      {"settings", Group::settings, "", judge_file, Needs::nothing},
      {"settings_privacy", Group::settings, "", judge_privacy, Needs::nothing},
      {"templates", Group::settings, "", judge_templates},
      {"form", Group::settings, "", judge_form},
      {"encoding", Group::settings, "", judge_encoding},
      {"time_zone", Group::settings, "", judge_time_zone},
  };
  return kChecks;
}

}  // namespace b24::check
