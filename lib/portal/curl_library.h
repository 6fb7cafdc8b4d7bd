// curl_library: libcurl, loaded when it is first needed; the static programs of the bundle have it
// within.
//
// It brings 30 libraries and 10 ms with it, which a CGI process that only shows a form or stores an
// event must not pay. Only http uses this.
#pragma once

#include <curl/curl.h>

#include <string>

#include "base/error.h"

namespace b24 {

// clang-format off
#define B24_CURL_FUNCTIONS(EACH)                                                \
  EACH(global_init) EACH(version_info)                                          \
  EACH(easy_init) EACH(easy_reset) EACH(easy_setopt) EACH(easy_perform)         \
  EACH(easy_getinfo) EACH(easy_strerror) EACH(easy_cleanup)                     \
  EACH(slist_append) EACH(slist_free_all)                                       \
  EACH(url) EACH(url_set) EACH(url_get) EACH(url_cleanup) EACH(free)
// clang-format on

// The functions that are used, under their own names, without "curl_".
struct Curl {
#define B24_MEMBER(name) decltype(&curl_##name) name;  // NOLINT(bugprone-macro-parentheses)
  B24_CURL_FUNCTIONS(B24_MEMBER)
#undef B24_MEMBER
};

// Loads it once, whoever of the threads comes first; an Error of kind network, "curl_missing", when
// there is no usable libcurl.
const Result<Curl>& curl_library();

// Where this system keeps the certificate authorities that it trusts: a directory in which OpenSSL
// finds each by its hash; else a file with all of them, which costs some 40 ms of CPU for a
// process's first connection: the system's, or what the bundle brings. Both empty: libcurl has its
// own idea.
struct Authorities {
  std::string dir;
  std::string file;
};
// Looked for once.
const Authorities& authorities();

}  // namespace b24
