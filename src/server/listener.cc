// SPDX-License-Identifier: Apache-2.0
#include "server/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/line_limiter.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

// How long the thread waits for connections before it polices those that are not trusted.
constexpr int kPoliceMs = 10;
constexpr int kForever = -1;
constexpr int kPauseMs = 2;
constexpr std::string_view kUnix = "unix:";

std::string ErrnoText() {
  return std::generic_category().message(errno);
}

void SetOption(int socket, int level, int name, int value) {
  static_cast<void>(::setsockopt(socket, level, name, &value, sizeof(value)));
}

// A listening socket; accepted ones inherit its options. -1 with errno.
int ListenAt(const sockaddr* address, socklen_t length, int user_timeout_ms) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (address->sa_family != AF_UNIX) {
    SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
  }
  if (address->sa_family == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(fd, address, length) == 0 && ::listen(fd, SOMAXCONN) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

int PortOf(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

void SetPort(sockaddr* address, int port) {
  reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(static_cast<uint16_t>(port));
}

struct HostAndPort {
  std::string host;
  std::string port;
};

// "HOST:PORT" or "[HOST]:PORT".
HostAndPort Split(const std::string& target) {
  const size_t colon = target.rfind(':');
  std::string host = target.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::move(host), target.substr(colon + 1)};
}

bool IsUnspecified(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(const std::string& target, int user_timeout_ms) {
  std::unique_ptr<Listener> listener(new Listener());
  listener->stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener->stop_ < 0) return Status::Unavailable("no descriptor: " + ErrnoText());
  const Status opened = target.starts_with(kUnix)
                            ? listener->ListenUnix(target.substr(kUnix.size()))
                            : listener->ListenTcp(target, user_timeout_ms);
  if (!opened.ok()) return opened.WithContext("cannot listen on " + target);
  return listener;
}

Listener::~Listener() {
  Stop();
}

Status Listener::ListenTcp(const std::string& target, int user_timeout_ms) {
  const auto [host, port] = Split(target);
  const bool unspecified = IsUnspecified(host);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (unspecified) hints.ai_family = AF_INET6;
  int error = ::getaddrinfo(unspecified ? "::" : host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) return Status::InvalidArgument(::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
  for (addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (port_ != 0) SetPort(at->ai_addr, port_);
    const int fd = ListenAt(at->ai_addr, at->ai_addrlen, user_timeout_ms);
    if (fd < 0) continue;
    sockets_.push_back(fd);
    port_ = PortOf(fd);
  }
  if (sockets_.empty() && unspecified) {  // a machine without IPv6
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
    const int fd = ListenAt(reinterpret_cast<sockaddr*>(&any), sizeof(any), user_timeout_ms);
    if (fd >= 0) sockets_.push_back(fd);
    if (fd >= 0) port_ = PortOf(fd);
  }
  return sockets_.empty() ? Status::Unavailable(ErrnoText()) : Status::Ok();
}

Status Listener::ListenUnix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(name.sun_path)) {
    return Status::InvalidArgument("the path of a socket is too long");
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) ::unlink(path.c_str());
  const int fd = ListenAt(reinterpret_cast<const sockaddr*>(&name), sizeof(name), 0);
  if (fd < 0) return Status::Unavailable(ErrnoText());
  sockets_.push_back(fd);
  file_ = path;
  return Status::Ok();
}

void Listener::Start(Connections& connections, Take take) {
  connections_ = &connections;
  take_ = std::move(take);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_, 1);
    thread_.join();
  }
  if (stop_ >= 0) ::close(std::exchange(stop_, -1));
  for (const int socket : std::exchange(sockets_, {})) ::close(socket);
  if (!file_.empty()) ::unlink(std::exchange(file_, {}).c_str());
}

void Listener::Run() {
  std::vector<pollfd> polled = {{stop_, POLLIN, 0}};
  for (const int socket : sockets_) polled.push_back({socket, POLLIN, 0});
  while (true) {
    const int wait = connections_->any_untrusted() ? kPoliceMs : kForever;
    const int ready = ::poll(polled.data(), polled.size(), wait);
    if (ready > 0 && polled[0].revents != 0) return;
    for (size_t i = 1; ready > 0 && i < polled.size(); ++i) {
      if (polled[i].revents != 0 && !Accept(polled[i].fd)) ::poll(polled.data(), 1, kPauseMs);
    }
    connections_->Police();
  }
}

bool Listener::Accept(int listening) {
  static LineLimiter limiter(/*burst=*/4, std::chrono::seconds(10));
  // Not without end: connections have to be policed in between.
  for (int i = 0; i < 64; ++i) {
    if (!connections_->Ready()) return false;
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      const bool scarce = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (scarce && limiter.Admit()) spdlog::warn("no connection is accepted: {}", ErrnoText());
      return !scarce;
    }
    const uint64_t before = connections_->refused();
    if (connections_->Admit(fd)) {
      take_(listening, fd);
    } else {
      ::close(fd);
    }
    if (connections_->refused() == before) continue;
    if (const auto admitted = limiter.Admit(); admitted) {
      spdlog::warn("too many connections: {} of them were closed or refused since the start",
                   connections_->refused());
    }
  }
  return true;
}

}  // namespace immudb
