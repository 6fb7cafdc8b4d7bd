// app_page: what the pages of the suite have in common: templates kept fresh, refusals and missing
// settings answered alike.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "settings/app.h"
#include "web/page.h"
#include "web/page_cache.h"
#include "web/request.h"
#include "web/response.h"
#include "web/server.h"

namespace b24 {

class AppPage : public Page {
 public:
  AppPage(const Launch& launch, std::string page);

  Response refuse(const Refusal& refusal, const Environment& environment) override;
  Response not_kept(const Error& error, const Request& request) override {
    return unavailable(error, request);
  }
  RequestLimits limits() override;
  ServerLimits server_limits() override;

 protected:
  // A short, kind page (error.mustache, message error_<code>), its JSON, or for whoever does not
  // say that it reads HTML the message alone; in the visitor's language.
  Response error_response(int status, std::string_view code, const Request& request);
  // 503 for a page that cannot work until the owner acts; the error goes to the log and stderr, not
  // to the visitor.
  Response unavailable(const Error& error, const Request& request);
  std::string language(const Request& request);
  // Those of now; while there have never been good ones the defaults.
  std::shared_ptr<const Settings> settings();

  Launch launch_;
  AppSource app_;
  // Without settings those beside the installation, so that a person can be told what is wrong.
  TemplateSource templates_;

 private:
  std::mutex complained_mutex_;
  std::pair<Millis, std::string> complained_;  // in which minute (steady) of what: once is enough
  PageCache error_pages_;
};

}  // namespace b24
