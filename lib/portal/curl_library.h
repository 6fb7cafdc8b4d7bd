// curl_library: libcurl, loaded when it is first needed.
//
// It brings 30 libraries and 10 ms with it, which a CGI process that only shows a form or stores an
// event must not pay. Only http uses this.
#pragma once

#include <curl/curl.h>

#include "base/error.h"

namespace b24 {

// Its functions under their own names, without "curl_".
struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_version_info) version_info;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_reset) easy_reset;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_url) url;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_free) free;
};

// Loads it once, whoever of the threads comes first; an Error of kind network, "curl_missing", when
// there is no usable libcurl.
const Result<Curl>& curl_library();

}  // namespace b24
