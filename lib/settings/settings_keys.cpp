// settings_keys: settings.def as a table, and where each value of it goes.
#include "settings/settings_keys.h"

#include <algorithm>
#include <type_traits>

#include "base/text.h"

namespace b24 {
namespace {

template <class T>
T& only(T& part, const SettingPlace&) {
  return part;
}
template <class T>
T& only(std::vector<T>& items, const SettingPlace& place) {
  return items[place.item];
}
// 0 is the one without a name.
FormSettings& only(FormSettings& form, const SettingPlace& place) {
  return place.item == 0 ? form : place.settings.forms[place.item - 1];
}

// A field of one struct of the settings, or of the current one when `part` is a vector.
template <auto part, auto field>
bool set(const SettingPlace& place, const SettingType& type, std::string_view text) {
  auto& into = only(place.settings.*part, place).*field;
  if (!read_setting(type, text, into)) return false;
  if constexpr (std::is_same_v<decltype(into), std::filesystem::path&>) {
    if (!into.empty()) into = (place.base_dir / into).lexically_normal();
  }
  return true;
}

// Texts by language: label, label_ru, ...
template <auto part, auto texts>
bool set_texts(const SettingPlace& place, const SettingType& type, std::string_view text) {
  Labels& all = only(place.settings.*part, place).*texts;
  const std::string language = text::lower(place.tail);
  if (!read_setting(type, text, all[language])) return false;
  if (text.empty()) all.erase(language);
  return true;
}

// Of the portal without a name it is what CRest has a name for.
bool set_webhook(const SettingPlace& place, const SettingType& type, std::string_view text) {
  PortalSettings& portal = place.settings.portals[place.item];
  if (portal.name.empty() && text.empty()) return true;
  return read_setting(type, text,
                      portal.name.empty() ? place.settings.crest.web_hook_url : portal.webhook);
}

using namespace setting_types;

// Each section's keys in a namespace of its own.
#define SECTION(Struct, part)               \
  namespace of_##part {                     \
    using Own = Struct;                     \
    constexpr auto kPart = &Settings::part; \
    constexpr SettingKey kKeys[] = {
#define SETTING(name, ...) NAMED(#name, name, __VA_ARGS__)
#define NAMED(key, name, ...) {key, set<kPart, &Own::name>, __VA_ARGS__},
#define KEY(...) {__VA_ARGS__},
#define FIELD(type, name)
// clang-format off
#define END(Struct) }; }
// clang-format on
#include "settings/settings.def"

// [on EVENT] or [on EVENT LABEL].
std::size_t action_item(Settings& settings, std::string_view name) {
  std::vector<ActionSettings>& all = settings.actions;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (env_form(name_of(all[i])) == env_form(name)) return i;
  const std::size_t blank = std::min(name.find_first_of(" \t"), name.size());
  ActionSettings& action = all.emplace_back();
  action.event = name.substr(0, blank) == "*" ? "*" : event_form(name.substr(0, blank));
  action.label = text::trim(name.substr(blank));
  return all.size() - 1;
}

template <auto items>
std::size_t named_item(Settings& settings, std::string_view name) {
  auto& all = settings.*items;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (env_form(all[i].name) == env_form(name)) return i;
  all.emplace_back().name = name;
  return all.size() - 1;
}

std::size_t form_item(Settings& settings, std::string_view name) {
  return name.empty() ? 0 : 1 + named_item<&Settings::forms>(settings, name);
}

constexpr SettingSection kSections[] = {
    {"", of_crest::kKeys, "The portal, under the names that CRest uses; before the first section"},
    {"data", of_data::kKeys},
    {"server", of_server::kKeys},
    {"site", of_site::kKeys},
    {"page", of_page::kKeys},
    {"form", of_form::kKeys,
     "The lead form (index); [form NAME]: further ones, at index.php?form=NAME", form_item, "", "",
     "", true},
    {"field", of_fields::kKeys, "", named_item<&Settings::fields>, "comments",
     "One section for each field of form.fields that is not to be as it is by itself:",
     "[field size]\n"
     "type = select\n"
     "label = Size of the company\n"
     "label_ru = Размер компании\n"
     "options = s: up to 10 | m: up to 100 | l: more\n"
     "target = UF_CRM_SIZE"},
    {"spam", of_spam::kKeys},
    {"notify", of_notify::kKeys},
    {"delivery", of_delivery::kKeys},
    {"store", of_store::kKeys},
    {"journal", of_journal::kKeys},
    {"portal_call", of_call::kKeys},
    {"portal", of_portals::kKeys, "The receiver of outbound webhooks (handler)",
     named_item<&Settings::portals>},
    {"handler", of_handler::kKeys},
    {"robot", of_robots::kKeys, "", named_item<&Settings::robots>, "won",
     "One section for each robot or business process whose \"Outgoing webhook\" may call; it "
     "becomes "
     "the event ROBOT:NAME, about the object that it is of ({data.FIELDS.ID}, {document.entity}):",
     "[robot won]\n"
     "secret = 0123456789abcdef\n"
     "[on ROBOT:won]\n"
     "call = crm.deal.get?id={data.FIELDS.ID}"},
    {"watch", of_watches::kKeys, "", named_item<&Settings::watches>, "deal",
     "One section for each kind of which no event may be missed: lead, deal, contact, company, "
     "task (scope task), or a smart process's number; [watch deal shop]: of [portal shop]. What "
     "sent no event, since the server was away or muted, becomes one of its usual name with "
     "{recovered}:"},
    {"on", of_actions::kKeys, "", action_item, "ONCRMDEALUPDATE",
     "One section for what is to follow an event; [on *] for all of them, [on EVENT LABEL] for "
     "several of one event. In this order:"},
    {"log", of_log::kKeys},
    {"checkserver", of_checkserver::kKeys, "The self-check (checkserver)"},
};

}  // namespace

std::string name_of(const ActionSettings& action) {
  return action.event + (action.label.empty() ? "" : " ") + action.label;
}

CalledPortal called_portal(const Settings& settings, std::string_view name) {
  const CallSettings& all = settings.call;
  if (name.empty())
    return {"", settings.crest.web_hook_url, "C_REST_WEB_HOOK_URL", all.bucket_size,
            all.bucket_drain};
  CalledPortal called{std::string(name), "", "[portal " + std::string(name) + "] webhook",
                      all.bucket_size, all.bucket_drain};
  for (const PortalSettings& portal : settings.portals) {
    if (portal.name.empty() || env_form(portal.name) != env_form(name)) continue;
    called.url = portal.webhook;
    if (portal.bucket_size != 0) called.bucket_size = portal.bucket_size;
    if (portal.bucket_drain != 0) called.bucket_drain = portal.bucket_drain;
  }
  return called;
}

std::vector<CalledPortal> called_portals(const Settings& settings) {
  std::vector<CalledPortal> all = {called_portal(settings, "")};
  for (const PortalSettings& portal : settings.portals)
    if (!portal.webhook.empty()) all.push_back(called_portal(settings, portal.name));
  return all;
}

std::span<const SettingSection> setting_sections() {
  return kSections;
}

const SettingSection* find_section(std::string_view name) {
  const auto* const found = std::ranges::find(kSections, name, &SettingSection::name);
  return found == std::end(kSections) ? nullptr : found;
}

const SettingKey* SettingSection::find(std::string_view key) const {
  const auto found =
      std::ranges::find_if(keys, [&](const auto& each) { return each.matches(key); });
  return found == keys.end() ? nullptr : &*found;
}

std::string event_form(std::string_view name) {
  std::string form = env_form(name);
  if (form.starts_with("ROBOT_")) form[5] = ':';
  return form;
}

std::string env_form(std::string_view name) {
  std::string result = text::upper(name);
  for (char& c : result)
    if (!text::is_letter(c) && !text::is_digit(c)) c = '_';
  return result;
}

}  // namespace b24
