// fcgi_client: a FastCGI web server's side, well-behaved or not, for tests.
#include "fcgi_client.h"

#include <arpa/inet.h>
#include <fastcgi.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace b24::test {
namespace {

void append_length(std::string& text, std::size_t length) {
  if (length > 127)
    for (int shift : {24, 16, 8})
      text += static_cast<char>((length >> shift & 0xff) | (shift == 24 ? 0x80 : 0));
  text += static_cast<char>(length & 0xff);
}

int connect_to(const std::string& where, bool at_once) {
  sockaddr_un local{};
  sockaddr_in internet{};
  const sockaddr* address = nullptr;
  socklen_t size = 0;
  if (where.starts_with("unix:")) {
    local.sun_family = AF_UNIX;
    where.copy(local.sun_path, sizeof local.sun_path - 1, 5);
    address = reinterpret_cast<const sockaddr*>(&local);
    size = sizeof local;
  } else {
    std::size_t colon = where.rfind(':');
    internet.sin_family = AF_INET;
    internet.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
    inet_pton(AF_INET, where.substr(0, colon).c_str(), &internet.sin_addr);
    address = reinterpret_cast<const sockaddr*>(&internet);
    size = sizeof internet;
  }
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int flags = fcntl(fd, F_GETFL);
  if (at_once) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (fd >= 0 && connect(fd, address, size) == 0) {
    fcntl(fd, F_SETFL, flags);
    return fd;
  }
  if (fd >= 0) close(fd);
  return -1;
}

}  // namespace

std::string fcgi_record(int type, std::string_view content, int id, int padding) {
  std::string record;
  for (int value : {1, type, id >> 8, id & 0xff, static_cast<int>(content.size() >> 8),
                    static_cast<int>(content.size() & 0xff), padding, 0})
    record += static_cast<char>(value);
  record += content;
  record.append(static_cast<std::size_t>(padding), 'p');
  return record;
}

std::string fcgi_begin(bool keep_connection, int role, int id) {
  std::string content(8, '\0');
  content[0] = static_cast<char>(role >> 8);
  content[1] = static_cast<char>(role & 0xff);
  content[2] = keep_connection ? 1 : 0;
  return fcgi_record(FCGI_BEGIN_REQUEST, content, id);
}

std::string fcgi_pairs(const Params& params) {
  std::string text;
  for (const auto& [name, value] : params) {
    append_length(text, name.size());
    append_length(text, value.size());
    text += name;
    text += value;
  }
  return text;
}

std::string fcgi_head(const Params& params, bool keep_connection) {
  std::string text = fcgi_begin(keep_connection);
  std::string pairs = fcgi_pairs(params);
  for (std::size_t at = 0; at < pairs.size(); at += 32768)
    text += fcgi_record(FCGI_PARAMS, std::string_view(pairs).substr(at, 32768));
  return text + fcgi_record(FCGI_PARAMS, "");
}

std::string fcgi_body(std::string_view body, std::size_t piece) {
  std::string text;
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    text += fcgi_record(FCGI_STDIN, body.substr(0, piece));
  return text + fcgi_record(FCGI_STDIN, "");
}

Params get_params(std::string_view query) {
  return {{"GATEWAY_INTERFACE", "CGI/1.1"}, {"REQUEST_METHOD", "GET"},
          {"SCRIPT_NAME", "/index.php"},    {"QUERY_STRING", std::string(query)},
          {"REMOTE_ADDR", "192.0.2.7"},     {"SERVER_PROTOCOL", "HTTP/1.1"},
          {"HTTP_HOST", "example.com"}};
}

Params post_params(std::string_view query, std::size_t content_length,
                   std::string_view content_type) {
  Params params = get_params(query);
  params[1].second = "POST";
  params.emplace_back("CONTENT_TYPE", content_type);
  params.emplace_back("CONTENT_LENGTH", std::to_string(content_length));
  return params;
}

std::string fcgi_get(std::string_view query) {
  return fcgi_head(get_params(query)) + fcgi_body("");
}

std::string fcgi_post(std::string_view query, std::string_view body) {
  return fcgi_head(post_params(query, body.size())) + fcgi_body(body);
}

FcgiAnswer parse_fcgi(std::string_view records) {
  FcgiAnswer answer;
  std::string text;
  auto byte = [&](std::size_t at) { return static_cast<unsigned char>(records[at]); };
  while (records.size() >= FCGI_HEADER_LEN) {
    int type = byte(1);
    std::size_t length = std::size_t{byte(4)} << 8 | byte(5);
    std::size_t size = FCGI_HEADER_LEN + length + byte(6);
    if (size > records.size()) break;
    if (type == FCGI_STDOUT) text += records.substr(FCGI_HEADER_LEN, length);
    if (type == FCGI_END_REQUEST) ++answer.requests;
    records.remove_prefix(size);
  }
  answer.complete = answer.requests == 1 && records.empty();
  std::size_t end = text.find("\r\n\r\n");
  if (end == text.npos) return answer;
  answer.head = text.substr(0, end + 2);
  answer.body = text.substr(end + 4);
  constexpr std::string_view kStatus = "Status: ";
  if (answer.head.starts_with(kStatus)) answer.status = std::atoi(&answer.head[kStatus.size()]);
  return answer;
}

Peer::Peer(const std::string& where, Connect connect)
    : socket_(connect_to(where, connect == Connect::at_once)) {
  if (socket_ < 0) throw std::runtime_error("nobody listens on " + where);
}

Peer::Peer(Peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}

Peer::~Peer() {
  if (socket_ >= 0) close(socket_);
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::finish_sending() {
  shutdown(socket_, SHUT_WR);
}

std::optional<std::string> Peer::receive(std::chrono::milliseconds deadline) {
  auto end = std::chrono::steady_clock::now() + deadline;
  std::string text;
  char block[65536];
  for (;;) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd other{socket_, POLLIN, 0};
    if (left.count() <= 0 || poll(&other, 1, static_cast<int>(left.count())) <= 0)
      return std::nullopt;
    ssize_t got = recv(socket_, block, sizeof block, 0);
    if (got <= 0) return text;  // an error too: the other side has gone
    text.append(block, static_cast<std::size_t>(got));
  }
}

bool Peer::is_dropped(std::chrono::milliseconds deadline) {
  auto received = receive(deadline);
  return received && received->empty();
}

bool listens(const std::string& where) {
  try {
    const Peer peer(where);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

FcgiAnswer ask(const std::string& where, std::string_view records) {
  Peer peer(where);
  peer.send(records);
  return parse_fcgi(peer.receive().value_or(""));
}

}  // namespace b24::test
