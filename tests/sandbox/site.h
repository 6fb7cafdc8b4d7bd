// site: the sandbox as a web site: the REST address, the controls under /sandbox/ and the page.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "late.h"
#include "portal.h"
#include "web/page.h"
#include "web/request.h"
#include "web/response.h"

namespace sandbox {

// What the environment sets (tests/run-site); the names are in sandbox.cpp.
struct SiteOptions {
  LimitOptions limits;
  Target target;
  std::string late_socket;
  std::string templates_dir;
};

// What the parts of the site share; whoever uses the portal's data holds the mutex.
struct Shared {
  explicit Shared(const SiteOptions& given)
      : options(given), portal(given.limits, given.target), late(given.late_socket) {}

  const SiteOptions options;
  std::mutex mutex;
  Portal portal;
  LateAnswers late;
};

// /rest/USER/SECRET/METHOD[.json], /rest/api/USER/SECRET/METHOD
b24::Response rest(Shared& shared, const b24::Request& request);
// /sandbox/NAME
b24::Response control(Shared& shared, const b24::Request& request);
// /
b24::Response overview(Shared& shared, const b24::Templates& templates);

b24::Response json_response(int status, const Value& document);

// Statuses that mean something to the web server alone (see tests/run-site).
inline constexpr int kStatusGateway = 597;  // answer a 502 of its own and close the connection
inline constexpr int kStatusClose = 598;    // close the connection without an answer
inline constexpr int kStatusLate = 599;     // fetch the answer named in Location from LateAnswers

}  // namespace sandbox
