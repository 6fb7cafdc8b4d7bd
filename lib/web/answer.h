// answer: requests on their way through a page, from their variables to the text that CGI and
// FastCGI send.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "web/request.h"
#include "web/server.h"

namespace b24 {

// One request. The steps are taken in their order, each once; an exception that escapes the page in
// one of them becomes a plain 500 and a complaint, and never gets out of here.
class Exchange {
 public:
  // `page` and the variables behind `environment` must outlive this.
  Exchange(Page& page, Environment environment);

  void read(const BodyReader& body);  // to its end, or to a refusal
  void respond();
  std::string text() const;  // what is sent

  // One Page::keep for all of `round` that promised something; when it fails, none of these says
  // what it would have said. Whether anything was kept.
  static bool keep(Page& page, std::span<Exchange> round);

 private:
  template <class Step>
  void guarded(Step step);

  Page* page_;
  Environment environment_;
  std::expected<Request, Refusal> request_;
  Response response_;
  bool failed_ = false;
};

// One line on stderr, cleaned for a log; at most one a second (the next tells how many were left
// out), so that nobody can fill the disk with them. Safe from all threads.
void complain(std::string_view what);

}  // namespace b24
