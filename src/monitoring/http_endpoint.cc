// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_endpoint.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <map>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "monitoring/http_connection.h"
#include "monitoring/http_tls.h"

namespace immudb {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPauseAfterFailedAccept{100};
constexpr std::chrono::minutes kPauseBetweenWarnings{1};
// What the kernel may hold of an answer for a client that does not read.
constexpr int kSendBufferBytes = 256 << 10;

}  // namespace

class HttpEndpoint::Impl final {
 public:
  Impl(const HttpEndpointOptions& options, std::map<std::string, HttpPage> pages,
       std::unique_ptr<HttpTls> tls)
      : options_(options),
        tls_(std::move(tls)),
        pages_(std::move(pages), options.max_answer_bytes,
               {.post = [this](std::function<void()> task) { asio::post(io_, std::move(task)); },
                .make_room = [this] { return EndOldestWriter(); }}) {}

  ~Impl() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { Stop(); });
    thread_.join();
  }

  Status Start() {
    error_code error;
    const auto candidates = tcp::resolver(io_).resolve(
        options_.address, std::to_string(options_.port), tcp::resolver::passive, error);
    if (!error) error = asio::error::address_family_not_supported;
    for (auto it = candidates.begin(); error && it != candidates.end(); ++it) {
      error = Listen(it->endpoint());
    }
    if (error) {
      return Status::Unavailable("cannot listen on " + options_.address + ':' +
                                 std::to_string(options_.port) +
                                 ": the port is taken, or the address is not of this machine");
    }
    port_ = acceptor_.local_endpoint().port();
    thread_ = std::thread([this] { Run(); });
    return Status::Ok();
  }

  int port() const { return port_; }

 private:
  // Not SO_REUSEPORT, with which two processes could share the port unnoticed.
  error_code Listen(const tcp::endpoint& endpoint) {
    error_code error;
    error_code closed;
    acceptor_.close(closed);
    acceptor_.open(endpoint.protocol(), error);
    if (error) return error;
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor_.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), error);
    acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    return error;
  }

  // Ends after Stop(), when all connections have noticed it. Each step guards itself; what is
  // caught here is a lack of memory between them.
  void Run() {
    while (!stopping_) {
      try {
        if (!accepting_) Accept();
        io_.run();
        io_.restart();
      } catch (const std::exception& error) {
        Warn(error.what());
        std::this_thread::sleep_for(kPauseAfterFailedAccept);
      }
    }
  }

  void Stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    while (!connections_.empty()) connections_.begin()->second->End();
  }

  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      accepting_ = false;
      if (stopping_) return;
      try {
        if (!error) Admit(std::move(socket));
      } catch (const std::exception&) {  // the connection is gone
        error = asio::error::no_memory;
      }
      if (!error || error == asio::error::connection_aborted) return Accept();
      AcceptLater();
    });
    accepting_ = true;
  }

  // No descriptor or no memory is free. The connection that waits longest for its client is given
  // up for the one that waits to be accepted.
  void AcceptLater() {
    EndOne();
    retry_.expires_after(kPauseAfterFailedAccept);
    retry_.async_wait([this](error_code) {
      accepting_ = false;
      if (!stopping_) Accept();
    });
    accepting_ = true;
  }

  void Admit(tcp::socket socket) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    error_code error;
    socket.set_option(tcp::no_delay(true), error);
    const auto peer = socket.remote_endpoint(error).address();
    if (error) return;  // it has gone already
    while (connections_.size() >= options_.max_connections) {
      Warn("too many connections: idle ones are closed");
      EndOne();
    }
    std::shared_ptr<Connection> connection;
    if (tls_ != nullptr) {
      const auto context = tls_->Context();
      connection =
          std::make_shared<HttpConnection<TlsStream>>(host_, peer, std::move(socket), *context);
    } else {
      connection = std::make_shared<HttpConnection<PlainStream>>(host_, peer, std::move(socket));
    }
    connections_.emplace(connection.get(), connection);
    connection->Begin();
  }

  // Of the address that has most connections, so that a crowd drives out only itself; of these one
  // that is idle; of these the oldest.
  void EndOne() {
    std::map<asio::ip::address, size_t> crowds;
    for (const auto& [raw, connection] : connections_) ++crowds[connection->peer()];
    const auto rank = [&crowds](const auto& entry) {
      const Connection& connection = *entry.second;
      const size_t others = std::numeric_limits<size_t>::max() - crowds[connection.peer()];
      return std::tuple(others, !connection.is_idle(), connection.since());
    };
    const auto it = std::ranges::min_element(connections_, {}, rank);
    if (it != connections_.end()) std::shared_ptr(it->second)->End();
  }

  void OnReleased() noexcept {
    try {
      pages_.Released();
    } catch (const std::exception& error) {  // the next one to ask or to let go tries again
      Warn(error.what());
    }
  }

  bool EndOldestWriter() {
    const auto rank = [](const auto& entry) {
      return std::tuple(!entry.second->is_writing(), entry.second->since());
    };
    const auto it = std::ranges::min_element(connections_, {}, rank);
    if (it == connections_.end() || !it->second->is_writing()) return false;
    std::shared_ptr(it->second)->End();
    return true;
  }

  // Clients can cause it as often as they like.
  void Warn(std::string_view what) {
    const auto now = steady_clock::now();
    if (now < next_warning_) return;
    next_warning_ = now + kPauseBetweenWarnings;
    spdlog::warn("metrics port: {}", what);
  }

  const HttpEndpointOptions options_;
  asio::io_context io_{1};  // before all that it serves
  const std::unique_ptr<HttpTls> tls_;
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  int port_ = 0;
  std::map<Connection*, std::shared_ptr<Connection>> connections_;
  steady_clock::time_point next_warning_;
  bool accepting_ = false;  // a connection is accepted, or will be after a pause
  bool stopping_ = false;
  HttpPages pages_;
  const ConnectionHost host_{.options = options_,
                             .pages = pages_,
                             .ended = [this](Connection* ended) { connections_.erase(ended); },
                             .released = [this] { OnReleased(); }};
  std::thread thread_;  // the serving one; all of the above is its own
};

HttpEndpoint::HttpEndpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpEndpoint::~HttpEndpoint() = default;

int HttpEndpoint::port() const {
  return impl_->port();
}

Result<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(const HttpEndpointOptions& options,
                                                          std::map<std::string, HttpPage> pages) {
  std::unique_ptr<HttpTls> tls;
  if (!options.tls.certificate.empty() || !options.tls.key.empty()) {
    auto opened = HttpTls::Open(options.tls);
    IMMUDB_RETURN_IF_ERROR(opened);
    tls = *std::move(opened);
  }
  auto impl = std::make_unique<Impl>(options, std::move(pages), std::move(tls));
  IMMUDB_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<HttpEndpoint>(new HttpEndpoint(std::move(impl)));
}

}  // namespace immudb
