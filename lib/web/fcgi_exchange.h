// fcgi_exchange: one checked request through libfcgi and a page, in memory.
//
// libfcgi reads from and writes to a memory file instead of a connection: so it never waits for a
// peer, never sees a byte that fcgi_guard has not checked, and cannot keep or lose a connection.
#pragma once

#include <fcgiapp.h>

#include <string>

#include "web/server.h"

namespace b24 {

// Belongs to one thread. FCGX_Init must have been called.
class FcgiExchange {
 public:
  explicit FcgiExchange(Page& page);
  FcgiExchange(const FcgiExchange&) = delete;
  FcgiExchange& operator=(const FcgiExchange&) = delete;
  ~FcgiExchange();

  // Makes the memory file if there is none; false when the process is out of descriptors.
  bool prepare();
  // The records of the answer; empty when the system has no memory for it or libfcgi takes offence.
  // REQUIRES: prepare() said true.
  std::string answer(const std::string& records);

 private:
  bool load(const std::string& records);
  std::string ask_page();

  Page& page_;
  FCGX_Request request_{};
};

}  // namespace b24
