// fcgi_exchange: one checked request through libfcgi and a page, in memory.
#include "web/fcgi_exchange.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "web/answer.h"

namespace b24 {
namespace {

bool write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string read_range(int file, off_t from, off_t to) {
  std::string bytes(static_cast<std::size_t>(to - from), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got =
        pread(file, bytes.data() + done, bytes.size() - done, from + static_cast<off_t>(done));
    if (got <= 0) return {};
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

FcgiExchange::FcgiExchange(Page& page) : page_(page) {
  // -1: the library can never accept a connection itself.
  FCGX_InitRequest(&request_, -1, FCGI_FAIL_ACCEPT_ON_INTR);
}

FcgiExchange::~FcgiExchange() {
  FCGX_Free(&request_, 1);
}

bool FcgiExchange::prepare() {
  // The library closes what it reads from whenever something displeases it.
  if (request_.ipcFd < 0) request_.ipcFd = memfd_create("request", MFD_CLOEXEC);
  return request_.ipcFd >= 0;
}

bool FcgiExchange::load(const std::string& records) {
  int file = request_.ipcFd;
  return lseek(file, 0, SEEK_SET) == 0 && write_whole(file, records) &&
         lseek(file, 0, SEEK_SET) == 0;
}

std::string FcgiExchange::answer(const std::string& records) {
  if (!load(records)) return {};
  request_.keepConnection = 1;  // else the library begins with closing the file
  request_.detached = 1;        // and when it does close it, not as a socket
  if (FCGX_Accept_r(&request_) < 0) return {};
  if (FCGX_GetError(request_.in) != 0) {
    FCGX_Finish_r(&request_);
    return {};
  }
  std::string text = ask_page();
  off_t from = lseek(request_.ipcFd, 0, SEEK_CUR);
  std::string_view rest = text;
  while (!rest.empty()) {
    auto size = static_cast<int>(std::min<std::size_t>(rest.size(), INT_MAX));
    if (FCGX_PutStr(rest.data(), size, request_.out) != size) break;
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  FCGX_Finish_r(&request_);
  if (request_.ipcFd < 0) return {};
  std::string records_out = read_range(request_.ipcFd, from, lseek(request_.ipcFd, 0, SEEK_CUR));
  // Nothing of this request is there when the next one comes.
  if (ftruncate(request_.ipcFd, 0) != 0) FCGX_Free(&request_, 1);
  return records_out;
}

std::string FcgiExchange::ask_page() {
  auto read = [this](char* buffer, std::size_t size) -> long {
    int got =
        FCGX_GetStr(buffer, static_cast<int>(std::min<std::size_t>(size, INT_MAX)), request_.in);
    return got == 0 && FCGX_GetError(request_.in) != 0 ? -1 : got;
  };
  return b24::answer(page_, Environment(request_.envp), read);
}

}  // namespace b24
