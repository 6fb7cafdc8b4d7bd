// settings_keys: the table of all settings: where each value goes, what it may be, what is said of
// it. The defaults are those of the structs in settings.h.
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

template <class T>
struct Member;
template <class T, class Of>
struct Member<T Of::*> {
  using Struct = Of;
};

// A field of one struct of the settings, or of the current one when `part` is a vector.
template <auto part, auto field>
constexpr SettingField at = {
    [](const SettingPlace& place, const SettingType& type, std::string_view text) {
      auto& into = only(place.settings.*part, place).*field;
      if (!read_setting(type, text, into)) return false;
      if constexpr (std::is_same_v<decltype(into), std::filesystem::path&>) {
        if (!into.empty()) into = (place.base_dir / into).lexically_normal();
      }
      return true;
    },
    [](const SettingType& type) {
      return show_setting(type, typename Member<decltype(field)>::Struct().*field);
    }};

// The labels of a field by language: label, label_ru, ...
constexpr SettingField kLabel = {
    [](const SettingPlace& place, const SettingType& type, std::string_view text) {
      return read_setting(type, text,
                          place.settings.fields[place.item].labels[std::string(place.tail)]);
    },
    [](const SettingType&) { return std::string(); }};

// [on EVENT] or [on EVENT LABEL].
std::size_t action_item(Settings& settings, std::string_view name) {
  std::vector<ActionSettings>& all = settings.actions;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (env_form(all[i].event + (all[i].label.empty() ? "" : " " + all[i].label)) ==
        env_form(name)) {
      return i;
    }
  const std::size_t blank = std::min(name.find_first_of(" \t"), name.size());
  ActionSettings& action = all.emplace_back();
  action.event = name.substr(0, blank) == "*" ? "*" : env_form(name.substr(0, blank));
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

constexpr SettingSection kSections[] = {
    {"", "", "The portal, under the names that CRest uses; before the first section"},
    {"data", "", ""},
    {"server", "", ""},
    {"site", "", ""},
    {"page", "", ""},
    {"form", "", "The lead form (index)"},
    {"field", "One section for each field of form.fields that is not to be as it is by itself:", "",
     named_item<&Settings::fields>, "comments",
     "[field size]\n"
     "type = select\n"
     "label = Size of the company\n"
     "label_ru = Размер компании\n"
     "options = s: up to 10 | m: up to 100 | l: more\n"
     "target = UF_CRM_SIZE"},
    {"spam", "", ""},
    {"notify", "", ""},
    {"delivery", "", ""},
    {"store", "", ""},
    {"journal", "", ""},
    {"portal_call", "", ""},
    {"portal", "", "The receiver of outbound webhooks (handler)", named_item<&Settings::portals>},
    {"handler", "", ""},
    {"on",
     "One section for what is to follow an event; [on *] for all of them, [on EVENT LABEL] for "
     "several of one event. In this order:",
     "", action_item, "ONCRMDEALUPDATE"},
    {"log", "", ""},
    {"checkserver", "", "The self-check (checkserver)"},
};

constexpr SettingKey kKeys[] = {
    {"", "C_REST_WEB_HOOK_URL", at<&Settings::crest, &CRestSettings::web_hook_url>, kHook,
     "https://portal.example/rest/1/abcdef0123456789/",
     "The inbound webhook: https://your-portal.bitrix24.com/rest/1/your-secret/ (it needs the "
     "scope crm). It is a password.",
     true},
    {"", "C_REST_CURRENT_ENCODING", at<&Settings::crest, &CRestSettings::current_encoding>,
     kEncoding, "windows-1251",
     "The encoding in which your site posts without saying so, if it is not UTF-8: windows-1251, "
     "..."},
    {"", "C_REST_IGNORE_SSL", at<&Settings::crest, &CRestSettings::ignore_ssl>, kCRestFlag, "Y",
     "Y: do not check the portal's certificate. Only for trials: anybody in between can then "
     "read and change everything."},
    {"", "C_REST_BLOCK_LOG", at<&Settings::crest, &CRestSettings::block_log>, kCRestFlag, "Y",
     "Y: no structured log (b24hooks.log)."},
    {"", "C_REST_LOGS_DIR", at<&Settings::crest, &CRestSettings::logs_dir>, kPath, "logs",
     "Where b24hooks.log lies; nothing: in data.dir."},
    {"", "C_REST_LOG_TYPE_DUMP", at<&Settings::crest, &CRestSettings::log_type_dump>, kCRestFlag,
     "Y", "Y: blocks as PHP's print_r shows them, instead of one JSON object a line."},

    {"data", "dir", at<&Settings::data, &DataSettings::dir>, kPath, "/var/lib/b24hooks",
     "The leads and events, hook.log and everything else that is written. Never inside the "
     "web root."},

    {"server", "threads", at<&Settings::server, &ServerSettings::threads>, kThreads, "8",
     "Workers that are kept ready."},
    {"server", "max_threads", at<&Settings::server, &ServerSettings::max_threads>, kThreads, "32",
     "How many workers there may be while requests wait (never fewer than threads)."},
    {"server", "max_body", at<&Settings::server, &ServerSettings::max_body>, kSize, "2M",
     "The largest body of one request."},
    {"server", "request_time", at<&Settings::server, &ServerSettings::request_time>, kDuration,
     "20s",
     "A connection that has not been dealt with by then is closed; the receiver of events waits 3 "
     "seconds at the most."},
    {"server", "listen_allow", at<&Settings::server, &ServerSettings::listen_allow>, kNetworks,
     "10.0.0.0/8",
     "Who may connect to --listen HOST:PORT (addresses, or networks such as 10.0.0.0/8); nobody "
     "named: only this machine."},
    {"server", "trusted_proxies", at<&Settings::server, &ServerSettings::trusted_proxies>,
     kNetworks, "10.0.0.0/8",
     "Your proxies (addresses, or networks such as 10.0.0.0/8): only theirs is "
     "X-Forwarded-For believed."},

    {"site", "public_url", at<&Settings::site, &SiteSettings::public_url>, kUrl,
     "https://example.com/",
     "Where the pages are on the web, e.g. https://example.com/ (the directory that holds "
     "handler.php): for checkserver."},

    {"page", "templates", at<&Settings::page, &PageSettings::templates>, kPath,
     "/etc/b24hooks/templates",
     "The directory of the pages' templates; nothing: the one that was installed."},
    {"page", "language", at<&Settings::page, &PageSettings::language>, kLanguage, "ru",
     "en, ru, any other that has a file messages.LANG.conf, or auto: what the visitor's "
     "browser asks for."},
    {"page", "csp", at<&Settings::page, &PageSettings::csp>, kCsp,
     "font-src https://fonts.example, img-src https://stats.example",
     "What the form and the error pages may load besides their own, for templates of your own: "
     "directives of the Content-Security-Policy (script-src, style-src, font-src, img-src, "
     "connect-src, frame-src, media-src, worker-src) with addresses that begin with https://, "
     "parted by commas."},

    {"form", "fields", at<&Settings::form, &FormSettings::fields>, kText, "phone",
     "The fields in their order. These and second_name, company, position, comments and "
     "consent need no [field] section."},
    {"form", "title", at<&Settings::form, &FormSettings::title>, kText, "Website: {email}",
     "The title of the lead, with the names of fields in { }; nothing: the visitor's name as "
     "far as the form asks for it, else the company, e-mail or phone, else the date."},
    {"form", "values", at<&Settings::form, &FormSettings::values>, kText, "SOURCE_ID=WEB",
     "What each lead gets besides."},
    {"form", "method", at<&Settings::form, &FormSettings::method>, kMethod, "crm.item.add",
     "crm.lead.add or crm.item.add"},
    {"form", "unknown", at<&Settings::form, &FormSettings::unknown>, kUnknown, "comments",
     "Posted fields that the form does not have: ignore (the log names each once), or comments "
     "(they are added to the lead's comment, files by their names)."},
    {"form", "duplicates", at<&Settings::form, &FormSettings::duplicates>, kDuplicates, "link",
     "Customers who are known already, by phone or e-mail: ignore, or link (the lead is tied "
     "to them)."},
    {"form", "wait", at<&Settings::form, &FormSettings::wait>, kDuration, "10s",
     "How long a visitor waits for the portal. The lead is safe before that, and sent in the "
     "background."},
    {"form", "token_age", at<&Settings::form, &FormSettings::token_age>, kDuration, "7d",
     "How long a form can be sent after it was shown."},
    {"form", "min_time", at<&Settings::form, &FormSettings::min_time>, kDuration, "3s",
     "How soon after it was shown a form can be sent at the earliest."},
    {"form", "require_token", at<&Settings::form, &FormSettings::require_token>, kFlag, "no",
     "no: accept posts from forms that were not shown by this page (of your own site, of a "
     "page builder)."},
    {"form", "allowed_origins", at<&Settings::form, &FormSettings::allowed_origins>, kOrigins,
     "https://www.example.com",
     "Other sites whose pages may post here: https://www.example.com; needs require_token = no."},
    {"form", "success_url", at<&Settings::form, &FormSettings::success_url>, kUrl,
     "https://example.com/thanks",
     "Where a visitor goes after sending; nothing: the form says that it was sent."},
    {"form", "show_portal_errors", at<&Settings::form, &FormSettings::show_portal_errors>, kFlag,
     "yes", "yes: show visitors the portal's own words when it refuses a lead."},
    {"form", "frame_ancestors", at<&Settings::form, &FormSettings::frame_ancestors>, kOrigins,
     "https://www.example.com", "Sites that may show the form in a frame: https://www.example.com"},

    {"field", "type", at<&Settings::fields, &FieldSettings::type>, kFieldType, "textarea",
     "text, email, phone, textarea, select, checkbox, consent, hidden or file"},
    {"field", "label", kLabel, kText, "Size",
     "the label; label_ru, label_de, ...: in one language"},
    {"field", "label_*", kLabel, kText, "Size", "the label in one language"},
    {"field", "required", at<&Settings::fields, &FieldSettings::required>, kFlag, "yes",
     "yes or no"},
    {"field", "max_length", at<&Settings::fields, &FieldSettings::max_length>, kLength, "100",
     "in characters; of a file: in bytes"},
    {"field", "pattern", at<&Settings::fields, &FieldSettings::pattern>, kText, "[0-9]{6}",
     "a POSIX extended regular expression for the whole text"},
    {"field", "target", at<&Settings::fields, &FieldSettings::target>, kText, "COMMENTS",
     "the CRM field: COMMENTS, UF_CRM_1234, ...; none: it is not sent"},
    {"field", "options", at<&Settings::fields, &FieldSettings::options>, kText,
     "s: up to 10 | l: more", "of a select: value: label | value: label"},
    {"field", "value", at<&Settings::fields, &FieldSettings::value>, kText, "Y",
     "what it holds at first; of a checkbox: what is sent when it is ticked"},
    {"field", "link", at<&Settings::fields, &FieldSettings::link>, kUrl,
     "https://example.com/privacy", "of a consent: the page that it speaks of"},

    {"spam", "per_address", at<&Settings::spam, &SpamSettings::per_address>, kLimit, "10",
     "Submissions from one address in an hour (of IPv6: from one /64); 0: no limit."},
    {"spam", "per_day", at<&Settings::spam, &SpamSettings::per_day>, kLimit, "1000",
     "Submissions in all in a day; 0: no limit."},
    {"spam", "captcha", at<&Settings::spam, &SpamSettings::captcha>, kCaptcha, "turnstile",
     "turnstile, hcaptcha, recaptcha or smartcaptcha, with the two keys that the service gave "
     "you."},
    {"spam", "captcha_site_key", at<&Settings::spam, &SpamSettings::captcha_site_key>, kText,
     "0x4AAA", "The key that goes into the page."},
    {"spam", "captcha_secret", at<&Settings::spam, &SpamSettings::captcha_secret>, kText, "0x4BBB",
     "The key that stays here.", true},
    {"spam", "captcha_verify_url", at<&Settings::spam, &SpamSettings::captcha_verify_url>, kUrl,
     "https://relay.example/verify", "The service's address, if it has to be another one."},

    {"notify", "command", at<&Settings::notify, &NotifySettings::command>, kText,
     "/usr/local/bin/tell-me",
     "How you hear of leads that wait too long: a program that gets the text as its input,"},
    {"notify", "mail", at<&Settings::notify, &NotifySettings::mail>, kText, "owner@example.com",
     "or a mail address."},
    {"notify", "sendmail", at<&Settings::notify, &NotifySettings::sendmail>, kText,
     "/usr/lib/sendmail", "The program that sends mail."},
    {"notify", "after", at<&Settings::notify, &NotifySettings::after>, kDuration, "30m",
     "How long a lead may wait before that is trouble."},

    {"delivery", "threads", at<&Settings::delivery, &DeliverySettings::threads>, kThreads, "2",
     "Leads that are sent at the same time."},
    {"delivery", "give_up", at<&Settings::delivery, &DeliverySettings::give_up>, kDuration, "3d",
     "When a lead is given up (and kept as failed)."},
    {"delivery", "settle", at<&Settings::delivery, &DeliverySettings::settle>, kDuration, "2m",
     "How long the portal may still be working on a call that broke off."},

    {"store", "keep_days", at<&Settings::store, &StoreSettings::keep_days>, kDays, "90",
     "Leads and events that are done are erased after so many days. Failed ones never are."},

    {"journal", "keep", at<&Settings::journal, &JournalSettings::keep>, kDuration, "7d",
     "What was accepted stays in DATA/journal, as it came, for this long at least (while there is "
     "room); the store can be filled again from it."},

    {"portal_call", "connect_time", at<&Settings::call, &CallSettings::connect_time>, kDuration,
     "10s", "How calls to the portal are made: time to connect,"},
    {"portal_call", "total_time", at<&Settings::call, &CallSettings::total_time>, kDuration, "2m",
     "and for a whole call."},
    {"portal_call", "ca_file", at<&Settings::call, &CallSettings::ca_file>, kPath,
     "/etc/ssl/own.pem", "One more certificate authority (PEM), for a self-hosted portal."},
    {"portal_call", "bucket_size", at<&Settings::call, &CallSettings::bucket_size>, kBucket, "250",
     "The portal's limits: calls at once. Enterprise plans: 250."},
    {"portal_call", "bucket_drain", at<&Settings::call, &CallSettings::bucket_drain>, kDrain, "5",
     "And calls per second. Enterprise plans: 5."},

    {"portal", "application_token", at<&Settings::portals, &PortalSettings::application_tokens>,
     kTokens, "abcdef0123456789",
     "The code that the portal showed for the outbound webhook: without it no event is "
     "accepted. While it changes: both, parted by a blank. For several portals: sections "
     "[portal NAME].",
     true},
    {"portal", "member_id", at<&Settings::portals, &PortalSettings::member_id>, kText,
     "a223c6b3710f85df22e9377d6c4f7553", "If set, an event must name it, too."},
    {"portal", "domain", at<&Settings::portals, &PortalSettings::domain>, kText, "portal.example",
     "If set, an event must name it, too."},

    {"handler", "title", at<&Settings::handler, &HandlerSettings::title>, kText, "events",
     "The title of the entries of hook.log."},
    {"handler", "mask_secrets", at<&Settings::handler, &HandlerSettings::mask_secrets>, kFlag, "no",
     "no: tokens are written to hook.log as they came."},
    {"handler", "allow", at<&Settings::handler, &HandlerSettings::allow>, kNetworks, "192.0.2.0/24",
     "Who may send events: addresses or networks. Nothing, here and in allow_file: anybody "
     "who knows the token."},
    {"handler", "allow_file", at<&Settings::handler, &HandlerSettings::allow_file>, kPath,
     "/etc/b24hooks/nodes.json",
     "A file with more of them, as the vendor publishes it ({\"nodes\": [...]})."},
    {"handler", "json_log", at<&Settings::handler, &HandlerSettings::json_log>, kFlag, "no",
     "hook.jsonl beside hook.log: one JSON object per event."},
    {"handler", "work_threads", at<&Settings::handler, &HandlerSettings::work_threads>, kThreads,
     "4", "The actions below: how many at the same time."},
    {"handler", "give_up", at<&Settings::handler, &HandlerSettings::give_up>, kDuration, "2d",
     "When an action is given up (and kept as failed)."},
    {"handler", "loop_limit", at<&Settings::handler, &HandlerSettings::loop_limit>, kLimit, "50",
     "A call that changes what its section hears of makes a loop: so often it may follow its own "
     "change of an object,"},
    {"handler", "loop_time", at<&Settings::handler, &HandlerSettings::loop_time>, kDuration, "5m",
     "within this time; then the section rests for that object, as long again. 0: no limit."},

    {"on", "filter", at<&Settings::actions, &ActionSettings::filter>, kText, "data.FIELDS.ID=7",
     "only when a value matches: data.FIELDS.ID=7, result.STAGE_ID!=WON"},
    {"on", "call", at<&Settings::actions, &ActionSettings::call>, kText,
     "crm.deal.get?id={data.FIELDS.ID}",
     "a method of the portal: crm.deal.get?id={data.FIELDS.ID}"},
    {"on", "forward", at<&Settings::actions, &ActionSettings::forward>, kUrl,
     "https://example.com/in", "a URL that gets the event and the result of the call", true},
    {"on", "forward_as", at<&Settings::actions, &ActionSettings::forward_as>, kForwardAs, "form",
     "json or form"},
    {"on", "forward_secret", at<&Settings::actions, &ActionSettings::forward_secret>, kText,
     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
     "signs it as Standard Webhooks say: whsec_ and base64", true},
    {"on", "exec", at<&Settings::actions, &ActionSettings::exec>, kText,
     "/usr/local/bin/won {result.TITLE}",
     "a program and its arguments, which may name values like call: /usr/local/bin/won "
     "{result.TITLE}. It gets the event and the result as JSON, and B24_EVENT, B24_ID (of the "
     "object) and B24_ITEM in its environment."},
    {"on", "exec_time", at<&Settings::actions, &ActionSettings::exec_time>, kDuration, "1m",
     "how long it may take: 30s"},

    {"log", "time_zone", at<&Settings::log, &LogSettings::time_zone>, kTimeZone, "Europe/Moscow",
     "The time zone of hook.log, e.g. Europe/Moscow; nothing: the server's."},
    {"log", "max_size", at<&Settings::log, &LogSettings::max_size>, kSize, "100M",
     "Logs are begun anew at this size (0: never). Or let logrotate rename them at any time, "
     "without copytruncate: the next event begins a new one."},
    {"log", "daily", at<&Settings::log, &LogSettings::daily>, kFlag, "yes",
     "yes: hook.log and hook.jsonl are begun anew each day, too."},
    {"log", "keep_files", at<&Settings::log, &LogSettings::keep_files>, kFiles, "30",
     "How many old ones are kept."},

    {"checkserver", "access", at<&Settings::checkserver, &CheckserverSettings::access>, kAccess,
     "public",
     "Who sees what was found: public (everybody), summary (strangers see whether all is "
     "well), key (only with the key), off."},
    {"checkserver", "key", at<&Settings::checkserver, &CheckserverSettings::key>, kCheckKey,
     "0123456789abcdef", "At least 16 characters; it opens everything.", true},
    {"checkserver", "networks", at<&Settings::checkserver, &CheckserverSettings::networks>,
     kNetworks, "192.0.2.0/24",
     "Addresses or networks from which everything is shown without the key."},
    {"checkserver", "time_limit", at<&Settings::checkserver, &CheckserverSettings::time_limit>,
     kTimeLimit, "20s", "How long a whole run may take, from 1s to 60s."},
};

}  // namespace

std::span<const SettingKey> setting_keys() {
  return kKeys;
}
std::span<const SettingSection> setting_sections() {
  return kSections;
}

}  // namespace b24
