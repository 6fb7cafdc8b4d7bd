// answer: one request through a page, from its variables to the text that CGI and FastCGI send.
#pragma once

#include <string>
#include <string_view>

#include "web/request.h"
#include "web/server.h"

namespace b24 {

// Reads the request and asks the page. An exception that escapes the page becomes a plain 500 and a
// complaint; it never gets out of here.
std::string answer(Page& page, const Environment& environment, const BodyReader& read);

// One line on stderr, cleaned for a log; at most one a second (the next tells how many were left
// out), so that nobody can fill the disk with them. Safe from all threads.
void complain(std::string_view what);

}  // namespace b24
