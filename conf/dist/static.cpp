// static: what only the static programs of the bundle have.
//
// On a foreign host the C library must load nothing of that host's: its modules (for names of
// hosts and users, for encodings) belong to another C library and end the program. And of libcurl,
// which is Debian's with all its protocols, only https is used: what it asks the others' libraries
// at its start has an answer here, and whatever else of theirs is called ends the program (see
// unused.o in the Makefile).
#include <nss.h>

#include <cstdlib>

namespace {

__attribute__((constructor)) void load_nothing_of_the_host() {
  __nss_configure_lookup("hosts", "files dns");
  __nss_configure_lookup("passwd", "files");
  __nss_configure_lookup("group", "files");
  setenv("GCONV_PATH", "/nonexistent", 1);
}

}  // namespace

extern "C" {

// nghttp2.h: nghttp2_info; no version is told, since HTTP/2 is never asked for.
struct Nghttp2Info {
  int age;
  int version;
  const char* version_text;
  const char* protocol;
};
const Nghttp2Info* nghttp2_version(int) {
  static const Nghttp2Info none = {1, 0, "", ""};
  return &none;
}

int libssh2_init(int) {
  return 0;
}
void libssh2_exit() {}
const char* libssh2_version(int) {
  return "";
}
const char* zlibVersion() {
  return "";
}
unsigned BrotliDecoderVersion() {
  return 0;
}
unsigned ZSTD_versionNumber() {
  return 0;
}
}
