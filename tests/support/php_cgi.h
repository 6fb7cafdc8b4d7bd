// php_cgi: real PHP, the oracle of how requests are parsed and values printed.
#pragma once

#include <string>
#include <string_view>

#include "php_bodies.h"
#include "process.h"

namespace b24::test {

// One php-cgi for all requests of a test; its time zone is UTC.
class PhpCgi {
 public:
  PhpCgi();  // throws when it does not answer

  // A page of the directory; what it writes lies there, too.
  void page(const std::string& name, std::string_view source) const {
    write_file(directory_ / name, source);
  }
  std::filesystem::path file(std::string_view name) const { return directory_ / name; }
  // What the page prints.
  std::string ask(const std::string& name, const PhpRequest& request) const;

 private:
  Command command() const;

  TempDir directory_;
  Process process_;
  std::string socket_;
};

}  // namespace b24::test
