// app: what every page is made from: settings, log, templates and store, kept fresh while the
// process lives.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "error.h"
#include "gate.h"
#include "log.h"
#include "page.h"
#include "request.h"
#include "response.h"
#include "server.h"
#include "settings.h"
#include "store.h"

namespace b24 {

// One version of the settings and what follows from them. Immutable; a request keeps the one that
// it began with.
struct App {
  std::shared_ptr<const Settings> settings;
  std::shared_ptr<Log> log;
};

// Safe from all threads. Opens things when they are first asked for, since a CGI process pays for
// each.
class AppSource {
 public:
  // Sets the process's time zone to log.time_zone. REQUIRES: no other thread runs yet.
  AppSource(const Launch& launch, std::string page);

  const std::string& page() const { return page_; }
  // An Error only while there have never been good settings.
  Result<App> current();
  // Why the newest settings file is not in use; nothing when it is.
  std::optional<Error> settings_fault() { return settings_.fault(); }
  // The templates of the settings' directory; without settings those beside the installation, so
  // that a person can be told what is wrong.
  Result<std::shared_ptr<const Templates>> templates();
  // Why the newest templates, or some texts of theirs, are not in use; nothing when they are.
  std::optional<Error> templates_fault();
  // The shared politeness towards the settings' portal. `reserve`: see Gate::open.
  Result<std::shared_ptr<Gate>> gate(int reserve = 0);
  // The store in the settings' data directory. After a failure it is tried again, at most once a
  // second.
  Result<std::shared_ptr<Store>> store();

 private:
  std::string page_;
  bool one_request_;  // the process ends with its first answer
  std::string document_root_;
  SettingsSource settings_;
  std::mutex mutex_;
  App app_;
  std::shared_ptr<TemplateSource> template_source();
  std::shared_ptr<TemplateSource> templates_;
  std::filesystem::path templates_dir_;
  std::shared_ptr<Store> store_;
  std::filesystem::path store_dir_;
  std::map<int, std::shared_ptr<Gate>> gates_;  // by reserve
  std::string gates_for_;                       // portal and directory they belong to
  std::optional<Error> store_error_;
  Millis store_tried_at_ = 0;
};

// A page of the suite: refusals and missing settings are answered alike by all three.
class AppPage : public Page {
 public:
  AppPage(const Launch& launch, std::string page)
      : launch_(launch), app_(launch, std::move(page)) {}

  Response refuse(const Refusal& refusal, const Environment& environment) override;
  RequestLimits limits() override;
  ServerLimits server_limits() override;

 protected:
  // A short, kind page (error.mustache, message error_<code>) or its JSON, in the visitor's
  // language.
  Response error_response(int status, std::string_view code, std::string_view accept,
                          std::string_view accept_language);
  Response error_response(int status, std::string_view code, const Request& request) {
    return error_response(status, code, request.accept, request.accept_language);
  }
  // 503 for a page that cannot work until the owner acts; the error goes to the log and stderr, not
  // to the visitor.
  Response unavailable(const Error& error, const Request& request);
  std::string language(const Request& request);

  Launch launch_;
  AppSource app_;
};

}  // namespace b24
