// sandbox: a stand-in for a Bitrix24 account, to try the pages and to test them.
//
// The environment: SANDBOX_TEMPLATES (directory of its page), SANDBOX_LATE_SOCKET (where the web
// server fetches late answers), SANDBOX_DOMAIN, SANDBOX_HANDLER_URL and SANDBOX_TOKEN (outbound
// webhooks), SANDBOX_BUCKET_SIZE and SANDBOX_BUCKET_DRAIN.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "site.h"
#include "web/server.h"

namespace sandbox {

namespace {

std::string environment(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

SiteOptions site_options() {
  SiteOptions options;
  options.limits.size = std::stoi(environment("SANDBOX_BUCKET_SIZE", "50"));
  options.limits.drain = std::stod(environment("SANDBOX_BUCKET_DRAIN", "2"));
  options.target.url = environment("SANDBOX_HANDLER_URL");
  options.target.token = environment("SANDBOX_TOKEN");
  options.target.domain = environment("SANDBOX_DOMAIN", "localhost");
  options.late_socket = environment("SANDBOX_LATE_SOCKET", "sandbox-late.sock");
  options.templates_dir = environment("SANDBOX_TEMPLATES", "tests/sandbox/templates");
  return options;
}

std::shared_ptr<const b24::Templates> load_templates(const std::string& dir) {
  auto templates = b24::Templates::load({dir});
  if (!templates) throw std::runtime_error(templates.error().cause);
  return *templates;
}

class SandboxPage : public b24::Page {
 public:
  SandboxPage()
      : shared_(site_options()), templates_(load_templates(shared_.options.templates_dir)) {}

  b24::Response respond(const b24::Request& request) override {
    const std::string& path = request.script_name;
    if (path.starts_with("/rest/")) return rest(shared_, request);
    if (path.starts_with("/sandbox/")) return control(shared_, request);
    if (path == "/") return overview(shared_, *templates_);
    return b24::text_response(404, "There is nothing here.\n");
  }

  b24::Response refuse(const b24::Refusal& refusal, const b24::Environment&) override {
    return json_response(refusal.status, Value::map({{"error", "INVALID_REQUEST"},
                                                     {"error_description", refusal.cause}}));
  }

  void work(std::stop_token stop) override {
    const std::jthread late([this](std::stop_token ended) { shared_.late.serve(ended); });
    shared_.portal.events.send_all(stop);
  }

  int command(const b24::Arguments&) override {
    std::fputs("sandbox: give --listen unix:PATH; `make run` starts it\n", stderr);
    return 2;
  }

  b24::RequestLimits limits() override {
    b24::RequestLimits limits;
    limits.body = 16 << 20;
    limits.names = {20'000, 64};
    return limits;
  }

 private:
  Shared shared_;
  std::shared_ptr<const b24::Templates> templates_;
};

std::unique_ptr<b24::Page> make(const b24::Launch&) {
  return std::make_unique<SandboxPage>();
}

}  // namespace

}  // namespace sandbox

int main(int argc, char** argv) {
  return b24::serve(argc, argv,
                    {"sandbox", "a stand-in for a Bitrix24 account", {}, &sandbox::make});
}
