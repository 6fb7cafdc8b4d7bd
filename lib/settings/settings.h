// settings: everything an owner can set, typed, with the defaults beside the fields.
//
// One ini file (settings.conf) and the environment over it: B24HOOKS_<SECTION>_<KEY>, and CRest's
// own names as they are. settings_keys.cpp is the table of keys; what is said of them is made from
// it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"

namespace b24 {

// CRest's settings under their own names, at the top of the file before any section.
struct CRestSettings {
  std::string web_hook_url;      // C_REST_WEB_HOOK_URL: https://portal/rest/1/secret/ ; a password
  std::string current_encoding;  // C_REST_CURRENT_ENCODING: what the site posts; empty = UTF-8
  bool ignore_ssl = false;       // C_REST_IGNORE_SSL
  bool block_log = false;        // C_REST_BLOCK_LOG: no structured log
  std::filesystem::path
      logs_dir;                // C_REST_LOGS_DIR: where the structured log lies; empty = data.dir
  bool log_type_dump = false;  // C_REST_LOG_TYPE_DUMP: print_r blocks instead of JSON lines
  bool operator==(const CRestSettings&) const = default;
};

// [data]
struct DataSettings {
  std::filesystem::path dir = "data";  // relative: to the settings file; never inside the web root
  bool operator==(const DataSettings&) const = default;
};

// [server]
struct ServerSettings {
  int threads = 2;                    // kept ready
  int max_threads = 64;               // the pool grows to this while requests wait
  std::size_t max_body = 1 << 20;     // bytes of one request's body
  Millis request_time = 10'000;       // a connection that has not been dealt with by then is closed
  std::vector<Network> listen_allow;  // who may connect by TCP; empty: this machine only
  std::vector<Network> trusted_proxies;  // whose X-Forwarded-For is believed
  bool operator==(const ServerSettings&) const = default;
};

// [page]
struct PageSettings {
  std::filesystem::path templates = "";  // empty: beside the installation
  std::string language = "auto";         // en, ru, or auto: by the visitor's Accept-Language
  std::string csp;                       // what the form's Content-Security-Policy allows besides
  bool operator==(const PageSettings&) const = default;
};

// [log]
struct LogSettings {
  std::string time_zone;            // empty: the server's
  std::size_t max_size = 10 << 20;  // bytes; then the file is rotated
  bool daily = false;               // so are hook.log and hook.jsonl when a day begins
  int keep_files = 5;
  bool operator==(const LogSettings&) const = default;
};

// [handler]
struct HandlerSettings {
  std::string title = "incoming";
  bool mask_secrets = true;
  std::vector<Network> allow;  // who may send events; empty: anybody who knows the token
  std::filesystem::path
      allow_file;        // more of them: the vendor's list, {"nodes": ["192.0.2.1", ...]}
  bool json_log = true;  // hook.jsonl beside hook.log
  int work_threads = 2;  // for the actions
  Millis give_up = 24 * 3'600'000;  // an action that still fails then is kept as failed
  int loop_limit = 20;  // changes of one object by a section that hears of them; 0: no limit
  Millis loop_time = 10 * 60'000;  // within which; and how long the section rests then
  bool operator==(const HandlerSettings&) const = default;
};

// [portal NAME]
struct PortalSettings {
  std::string name;
  std::vector<std::string>
      application_tokens;  // key application_token: one or, while rotating, two
  std::string member_id;
  std::string domain;
  bool operator==(const PortalSettings&) const = default;
};

// [portal_call]: how we call the portal
struct CallSettings {
  Millis connect_time = 5'000;
  Millis total_time = 65'000;     // the portal runs a request for 60 s at most
  std::filesystem::path ca_file;  // an extra certificate authority (a self-hosted portal, the
                                  // sandbox); empty: the system's
  int bucket_size = 50;           // X of the portal's leaky bucket; Enterprise 250
  double bucket_drain = 2;        // Y per second; Enterprise 5
  bool operator==(const CallSettings&) const = default;
};

// [form]: the lead form; what it is made of is form.h
struct FormSettings {
  std::string fields = "first_name, last_name, phone, email";  // in this order
  std::string title;  // of the lead, with {field} in it; empty: made from what the form asks for
  // What every lead gets besides: NAME=value, separated by commas.
  std::string values = "STATUS_ID=NEW, OPENED=Y, ASSIGNED_BY_ID=1";
  std::string method = "crm.lead.add";  // or crm.item.add
  std::string unknown = "ignore";       // posted fields that the form lacks; or comments
  std::string duplicates = "ignore";    // repeat customers; or link
  Millis wait = 5'000;                  // how long a visitor waits for the portal
  Millis token_age = 24 * 3'600'000;    // how long a shown form can be sent
  Millis min_time = 0;  // a form sent sooner than this after it was shown is refused
  bool require_token = true;
  std::vector<std::string> allowed_origins;  // other sites whose pages may post here
  std::string success_url;                   // where a visitor goes after sending; empty: the form
  bool show_portal_errors = false;           // tell visitors the portal's own words
  std::string frame_ancestors;               // sites that may embed the form
  bool operator==(const FormSettings&) const = default;
};

// [field NAME]: what is said about one field; empty = as form.h has it for that name
struct FieldSettings {
  std::string name;
  std::string type;  // text, email, phone, textarea, select, checkbox, consent, hidden, file
  std::map<std::string, std::string, std::less<>> labels;  // key label: ""; label_ru: "ru"
  bool required = false;
  std::size_t max_length = 0;  // characters; of a file: bytes
  std::string pattern;         // POSIX extended expression for the whole text
  std::string target;          // CRM field; none: not sent
  std::string options;         // of a select: "value: label | value: label"
  std::string value;           // at first; of a checkbox: what is sent when it is ticked
  std::string link;            // of a consent: the page that it speaks of
  bool operator==(const FieldSettings&) const = default;
};

// [on EVENT] or [on EVENT LABEL] or [on *]: what follows an event, in the order of the file; within
// one section in the order of these fields
struct ActionSettings {
  std::string event;    // "ONCRMDEALUPDATE", or "*"
  std::string label;    // tells several sections of one event apart
  std::string filter;   // "data.FIELDS.ID=7", "result.STAGE_ID=WON", "!=" for not; empty: always
  std::string call;     // "crm.deal.get?id={data.FIELDS.ID}"
  std::string forward;  // the URL to post the event and the call's result to
  std::string forward_as = "json";  // json or form
  std::string forward_secret;       // signs what is forwarded, Standard Webhooks: "whsec_" + base64
  std::string exec;                 // a program and its arguments, separated by blanks; no shell
  Millis exec_time = 30'000;
  bool operator==(const ActionSettings&) const = default;
};

// [spam]
struct SpamSettings {
  int per_address = 120;  // submissions an hour from one address (IPv6: one /64); 0: no limit
  int per_day = 0;        // submissions a day in all; 0: no limit
  std::string captcha;    // turnstile, hcaptcha, recaptcha or smartcaptcha; empty: none
  std::string captcha_site_key;    // goes into the page
  std::string captcha_secret;      // stays here
  std::string captcha_verify_url;  // instead of the service's own, e.g. behind a relay
  bool operator==(const SpamSettings&) const = default;
};

// [notify]: how the owner hears of trouble; neither command nor mail: not at all
struct NotifySettings {
  std::string command;  // a program and its arguments, separated by blanks; the text is its input
  std::string mail;     // an address, sent to by sendmail
  std::string sendmail = "/usr/sbin/sendmail";
  Millis after = 15 * 60'000;  // how long a lead may wait before that is trouble
  bool operator==(const NotifySettings&) const = default;
};

// [delivery]: how leads get to the portal
struct DeliverySettings {
  int threads = 4;
  Millis give_up = 7 * 24 * 3'600'000;  // since the lead was received; then it is failed, and kept
  Millis settle = 60'000;  // how long the portal may still be working on a call that broke
  bool operator==(const DeliverySettings&) const = default;
};

// [store]
struct StoreSettings {
  int keep_days = 30;  // what is done is erased after this; what failed never is
  bool operator==(const StoreSettings&) const = default;
};

// [journal]
struct JournalSettings {
  Millis keep = 3 * 24 * 3'600'000;  // at least, while there is room; longer while not yet stored
  bool operator==(const JournalSettings&) const = default;
};

// [site]: where these pages are on the web
struct SiteSettings {
  std::string public_url;  // of the directory that holds handler.php, e.g. https://example.com/
  bool operator==(const SiteSettings&) const = default;
};

// [checkserver]
struct CheckserverSettings {
  // Who sees what was found. "public": everybody all of it; "summary": strangers get the verdict,
  // the key or a listed network opens the rest; "key": strangers get a form for the key, and no
  // verdict; "off": nobody by the web; the shell still can.
  std::string access = "summary";
  std::string key;                // at least 16 characters; empty: there is none
  std::vector<Network> networks;  // from which everything is shown without the key
  Millis time_limit = 9'000;      // of a whole run
  bool operator==(const CheckserverSettings&) const = default;
};

struct Settings {
  std::filesystem::path file;  // where this was read; empty when only the environment gave settings
  CRestSettings crest;
  DataSettings data;
  ServerSettings server;
  PageSettings page;
  LogSettings log;
  HandlerSettings handler;
  CallSettings call;
  SiteSettings site;
  CheckserverSettings checkserver;
  FormSettings form;
  std::vector<FieldSettings> fields;  // in the order of the file
  DeliverySettings delivery;
  SpamSettings spam;
  NotifySettings notify;
  std::vector<ActionSettings> actions;
  JournalSettings journal;
  StoreSettings store;
  std::vector<PortalSettings> portals;
  bool operator==(const Settings&) const = default;
};

// Reads a file and the environment over it (`environment`: "NAME=value" pointers, as `environ`).
// Paths come out absolute. No file is needed when the environment sets something, names no file by
// B24HOOKS_SETTINGS, and gives data.dir an absolute path. Errors (kind settings) name file, line,
// key, remedy and the places that are looked at; codes: no_settings_file, settings_open_to_others
// (anyone but the owner can read or write it; the process's own group may read),
// settings_in_web_root and data_in_web_root (below DOCUMENT_ROOT, when that is given), broken_line
// (no entry, or longer than the parser takes), unknown_section, unknown_key, bad_value,
// duplicate_key, no_data_dir.
Result<Settings> load_settings(const std::filesystem::path& file, const char* const* environment);

// Where a file is looked for when none is named: conf/settings.conf and settings.conf beside the
// installation (the directory above the program's, then the program's own), then
// /etc/b24hooks/settings.conf.
std::vector<std::filesystem::path> settings_places();
std::string list_of_places();  // the same, for people

// Where the file is: `given` (from --settings), else B24HOOKS_SETTINGS, else the first of the
// places that is there, else the last of them.
std::filesystem::path find_settings(const std::string& given, const char* const* environment);

// A line for people: which file that is, whether it is there, and where it was looked for.
std::string settings_whereabouts(const std::string& given, const char* const* environment);

// settings_in_web_root when the file lies below this web root (empty: unknown, and no fault).
Status check_settings_outside_web(const Settings& settings, std::string_view web_root);

// conf/settings.conf.example, and what --help settings prints: both made from the table of keys.
std::string settings_example();
std::string settings_help();

// The templates beside the installation: what page.templates is when nobody sets it.
std::filesystem::path find_templates();

// Keeps the settings of a running process fresh. Safe from all threads.
class SettingsSource {
 public:
  SettingsSource(std::filesystem::path file, const char* const* environment, Clock clock = now_ms)
      : file_(std::move(file)), environment_(environment), clock_(std::move(clock)) {}

  // The settings as of now: looks at the file at most once a second and reads it again when it
  // changed. While the new ones are broken the old ones stay; an error only when there never were
  // good ones.
  Result<std::shared_ptr<const Settings>> current();
  // Why the newest version of the file is not in use; nothing when it is.
  std::optional<Error> fault();

 private:
  std::mutex mutex_;
  std::filesystem::path file_;
  const char* const* environment_;
  Clock clock_;
  std::shared_ptr<const Settings> settings_;
  std::optional<Error> fault_;
  Millis looked_at_ = 0;
  std::string stamp_;  // inode, size and time of change of what was read last
};

}  // namespace b24
