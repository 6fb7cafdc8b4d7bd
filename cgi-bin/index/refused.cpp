// refused: see refused.h.
#include "refused.h"

#include "base/text.h"
#include "settings/form.h"
#include "value/value.h"

namespace b24 {
namespace {

// What the owner may want all the same. With a `way`: "[form] accept = ..." is said before it.
struct Remedy {
  std::string_view code, way, text;
};
constexpr Remedy kRemedies[] = {
    {"refused.token_missing", "site", " takes forms of the site's own, which have no token"},
    {"refused.json", "json", " takes JSON"},
    {"refused.tilda", "tilda",
     " takes what Tilda's webhook sends, once [form] post_key is set, too"},
    {"refused.key", "",
     "let a program's address end with ?key= and what stands in [form] post_key; a browser's post "
     "tells its site, unless something on the way takes that out"},
    {"refused.origin", "", "name the site in form.allowed_origins to take its forms"},
    {"refused.invalid", "", "let the program send what the form would take"},
    {"spam.honeypot", "", "index.fcgi --list spam shows it, --retry ID sends it all the same"},
};

}  // namespace

void tell_refused(const App& app, const FormSettings& form, const Request& request,
                  std::string_view code, std::string_view cause) {
  const auto line_of = [&] {
    Value line = Value::map(
        {{"code", code}, {"address", request.remote_address}, {"origin", request.origin}});
    if (!cause.empty()) line.set("cause", cause);
    for (const Remedy& remedy : kRemedies) {
      if (remedy.code != code) continue;
      std::vector<std::string> accept = form.accept;
      accept.emplace_back(remedy.way);
      const std::string ways = "[form] accept = " + text::join(accept, ", ");
      std::string text = (remedy.way.empty() ? "" : ways) + std::string(remedy.text);
      text::replace_all(text, "[form]", section_of(form));
      line.set("remedy", text);
    }
    return line;
  };
  // A lost lead has a name of its own, so that those who guess do not crowd it out.
  app.log->write_bounded(Log::Level::warning,
                         code == "refused.invalid" ? "program_refused" : "refused", line_of);
}

void tell_ignored(const std::vector<std::string>& names, Store& store, Log& log) {
  constexpr const char* kFact = "form.ignored";
  constexpr std::size_t kMostBytes = 4'000;
  if (names.empty()) return;
  std::string told = "\n" + store.recall(kFact).value_or(""), news;
  for (const std::string& name : names) {
    if (told.contains("\n" + name + "\n") || told.size() > kMostBytes) continue;
    told += name + "\n";
    news += (news.empty() ? "" : ", ") + name;
  }
  if (news.empty() || !store.remember(kFact, told.substr(1))) return;
  log.write(Log::Level::warning, "ignored_fields",
            Value::map({{"fields", news},
                        {"remedy", "name them in form.fields, or set form.unknown = comments"}}));
}

}  // namespace b24
