// tls_server: a scripted HTTPS (or HTTP) server on 127.0.0.1, with certificates of its own making.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "process.h"

namespace b24::test {

// A certificate and its key, as OpenSSL holds them.
struct Certificate;
std::string pem_of(const Certificate& certificate);  // and of its key

// An authority that makes certificates; its own is in ca_file().
class Authority {
 public:
  explicit Authority(const std::string& name = "b24hooks tests");
  const std::filesystem::path& ca_file() const { return file_; }
  // For the name, valid from ten days ago for so many days.
  std::shared_ptr<Certificate> issue(const std::string& name, int days = 100) const;

 private:
  TempDir dir_;
  std::filesystem::path file_;
  std::shared_ptr<Certificate> own_;
};

struct Received {
  std::string method;
  std::string path;
  std::string head;  // the request line and the headers
  std::string body;
  int connection = 0;  // 1, 2, ...
  int number = 0;      // of the request, over all connections: 1, 2, ...
};

struct Reply {
  enum class Then {
    keep,   // the connection waits for another request
    close,  // in good order
    cut,    // TCP ends, without TLS's goodbye
    reset,
    hold,  // nothing more is sent, and it stays open until the server ends
  };
  std::string bytes;  // the whole answer as it is sent
  Then then = Then::keep;
};

// "HTTP/1.1 200 OK", Content-Length and the body; `headers` end in "\r\n" each.
Reply answer(int status, std::string_view body, std::string_view headers = "");
Reply json(std::string_view body);

class TlsServer {
 public:
  using Handler = std::function<Reply(const Received&)>;

  // `certificate`: null for plain HTTP. The handler is called by one connection at a time.
  TlsServer(std::shared_ptr<Certificate> certificate, Handler handler);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();

  int port() const { return port_; }
  std::string url(std::string_view path) const;  // https://localhost:PORT and the path
  std::vector<Received> requests() const;
  int connections() const;
  // From now on answers as soon as the headers are there, and leaves the body unread.
  void leave_bodies_unread() { leave_bodies_ = true; }
  // Until all connections have ended.
  bool wait_until_closed() const;

 private:
  void accept_all();
  void serve(int socket, int connection);

  std::shared_ptr<Certificate> certificate_;
  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Received> requests_;
  std::list<int> open_;
  int connections_ = 0;
  bool ending_ = false;
  std::atomic<bool> leave_bodies_ = false;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace b24::test
