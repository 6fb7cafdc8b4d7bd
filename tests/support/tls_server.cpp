// tls_server: a scripted HTTPS (or HTTP) server on 127.0.0.1, with certificates of its own making.
#include "tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace b24::test {

struct Certificate {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ~Certificate() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

namespace {

void add_extension(X509* certificate, int kind, const std::string& text) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str());
  if (extension == nullptr) throw std::runtime_error("extension " + text);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself when that is null.
std::shared_ptr<Certificate> make(const std::string& name, int days, const Certificate* issuer) {
  constexpr long kDay = 86'400;
  static std::atomic<long> serial{1};
  auto made = std::make_shared<Certificate>();
  made->key = EVP_EC_gen("P-256");
  X509* certificate = made->certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), (days - 10) * kDay);
  X509_set_pubkey(certificate, made->key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const Certificate& by = issuer == nullptr ? *made : *issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(by.certificate));
  if (issuer == nullptr) {
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(certificate, NID_subject_alt_name, "DNS:" + name);
  }
  if (X509_sign(certificate, by.key, EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
  return made;
}

// One connection, with or without TLS.
class Stream {
 public:
  Stream(int socket, const Certificate* certificate) : socket_(socket) {
    if (certificate == nullptr) return;
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, certificate->certificate);
    SSL_CTX_use_PrivateKey(context_, certificate->key);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool begin() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }
  bool read_some(std::string& to) {
    char buffer[4096];
    const auto got = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                     : ::recv(socket_, buffer, sizeof buffer, 0);
    if (got > 0) to.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  bool write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto put = ssl_ != nullptr
                           ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  void say_goodbye() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
  }
  // Until the other side ends the connection, or the server does.
  void hold() const {
    char byte = 0;
    while (::recv(socket_, &byte, 1, 0) > 0) {
    }
  }

 private:
  int socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

std::size_t content_length(const std::string& head) {
  const std::size_t at = head.find("\r\nContent-Length: ");
  std::size_t length = 0;
  if (at != std::string::npos)
    std::from_chars(head.data() + at + 18, head.data() + head.size(), length);
  return length;
}

// The next request; false when the connection ended before it was whole.
bool read_request(Stream& stream, bool leave_body, Received& request) {
  std::string bytes;
  std::size_t end = 0;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (!stream.read_some(bytes)) return false;
  }
  request.head = bytes.substr(0, end + 2);
  request.body = bytes.substr(end + 4);
  const std::size_t length = content_length(request.head);
  while (!leave_body && request.body.size() < length) {
    if (!stream.read_some(request.body)) return false;
  }
  const std::size_t space = request.head.find(' ');
  request.method = request.head.substr(0, space);
  request.path = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
  return true;
}

void reset_on_close(int socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace

std::string pem_of(const Certificate& certificate) {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, certificate.certificate);
  PEM_write_bio_PrivateKey(memory, certificate.key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

Authority::Authority(const std::string& name)
    : file_(dir_ / "ca.pem"), own_(make(name, 100, nullptr)) {
  FILE* file = std::fopen(file_.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + file_.string());
  PEM_write_X509(file, own_->certificate);
  std::fclose(file);
}

std::shared_ptr<Certificate> Authority::issue(const std::string& name, int days) const {
  return make(name, days, own_.get());
}

Reply answer(int status, std::string_view body, std::string_view headers) {
  return {.bytes = "HTTP/1.1 " + std::to_string(status) +
                   " Scripted\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                   std::string(headers) + "\r\n" + std::string(body)};
}

Reply json(std::string_view body) {
  return answer(200, body, "Content-Type: application/json; charset=utf-8\r\n");
}

TlsServer::TlsServer(std::shared_ptr<Certificate> certificate, Handler handler)
    : certificate_(std::move(certificate)), handler_(std::move(handler)) {
  constexpr int kQueue = 64;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, kQueue) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

TlsServer::~TlsServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  acceptor_.join();
  threads_.clear();
  ::close(listener_);
}

std::string TlsServer::url(std::string_view path) const {
  return std::string(certificate_ ? "https" : "http") + "://localhost:" + std::to_string(port_) +
         std::string(path);
}

std::vector<Received> TlsServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

int TlsServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

bool TlsServer::wait_until_closed() const {
  return wait_until([this] {
    const std::lock_guard lock(mutex_);
    return open_.empty();
  });
}

void TlsServer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    if (ending_) {
      ::close(socket);
      return;
    }
    open_.push_back(socket);
    threads_.emplace_back(
        [this, socket, connection = ++connections_] { serve(socket, connection); });
  }
}

void TlsServer::serve(int socket, int connection) {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  {
    Stream stream(socket, certificate_.get());
    Received request;
    Reply reply;
    bool going = stream.begin();
    while (going && read_request(stream, leave_bodies_, request)) {
      {
        const std::lock_guard lock(mutex_);
        request.connection = connection;
        request.number = static_cast<int>(requests_.size()) + 1;
        requests_.push_back(request);
        reply = handler_(request);
      }
      going = stream.write_all(reply.bytes) && reply.then == Reply::Then::keep;
    }
    if (reply.then == Reply::Then::close) stream.say_goodbye();
    if (reply.then == Reply::Then::hold) stream.hold();
    if (reply.then == Reply::Then::reset) reset_on_close(socket);
  }
  const std::lock_guard lock(mutex_);
  ::close(socket);
  open_.remove(socket);
}

}  // namespace b24::test
