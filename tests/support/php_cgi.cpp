// php_cgi: see php_cgi.h.
#include "php_cgi.h"

#include <stdexcept>

#include "fcgi_client.h"

namespace b24::test {

PhpCgi::PhpCgi() : process_(command()), socket_("unix:" + (directory_ / "php.sock").string()) {
  page("ready.php", "<?php echo 'ready';");
  const auto answers = [this] {
    try {
      return ask("ready.php", {}) == "ready";
    } catch (const std::exception&) {
      return false;
    }
  };
  if (!wait_until(answers)) throw std::runtime_error("php-cgi: no answer");
}

std::string PhpCgi::ask(const std::string& name, const PhpRequest& request) const {
  Peer peer(socket_);
  peer.send(fcgi_head({{"GATEWAY_INTERFACE", "CGI/1.1"},
                       {"REDIRECT_STATUS", "200"},
                       {"SCRIPT_FILENAME", file(name).string()},
                       {"REQUEST_METHOD", "POST"},
                       {"QUERY_STRING", request.query},
                       {"CONTENT_TYPE", request.content_type},
                       {"CONTENT_LENGTH", std::to_string(request.body.size())}}) +
            fcgi_body(request.body));
  return parse_fcgi(peer.receive().value_or("")).body;
}

Command PhpCgi::command() const {
  Command command;
  command.args = {"php-cgi", "-n", "-b", file("php.sock").string()};
  const std::string settings[] = {
      "precision=-1",      // shortest reals, as they are kept here
      "display_errors=0",  // warnings would get between the lines
      "log_errors=0",     "date.timezone=UTC", "upload_tmp_dir=" + directory_.path().string(),
  };
  for (const std::string& setting : settings) {
    command.args.emplace_back("-d");
    command.args.push_back(setting);
  }
  command.environment = {"PHP_FCGI_CHILDREN=0", "PHP_FCGI_MAX_REQUESTS=1000000"};
  return command;
}

}  // namespace b24::test
