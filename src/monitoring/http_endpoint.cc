// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_endpoint.h"

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "monitoring/http_connection.h"

namespace immudb {
namespace {

// A fixed number of threads and a bounded queue: when it is full, accepting waits.
class Workers final : public httplib::TaskQueue {
 public:
  Workers(size_t threads, size_t max_waiting) : max_waiting_(max_waiting) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return tasks_.size() < max_waiting_ || ending_; });
    tasks_.push_back(std::move(task));  // also at the end: the task closes its connection
    changed_.notify_all();
  }

  // Finishes what waits; the endpoint has cut the connections before.
  void shutdown() override {
    {
      const std::lock_guard hold(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void Run() {
    std::unique_lock hold(mutex_);
    for (;;) {
      changed_.wait(hold, [this] { return !tasks_.empty() || ending_; });
      if (tasks_.empty()) return;
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      changed_.notify_all();
      hold.unlock();
      task();
      hold.lock();
    }
  }

  const size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool ending_ = false;                      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace

// The library's server with our connections in place of its own.
class HttpEndpoint::Impl final : public httplib::Server {
 public:
  Impl(const HttpEndpointOptions& options, std::map<std::string, HttpHandler> handlers,
       SslContext ssl)
      : options_(options), handlers_(std::move(handlers)), ssl_(std::move(ssl)) {
    new_task_queue = [this] { return new Workers(options_.threads, options_.max_waiting); };
    set_payload_max_length(0);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Answer(request, response);
      return HandlerResponse::Handled;
    });
    // The library sets SO_REUSEPORT too, with which two processes could share the port unnoticed.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
  }

  Status Start() {
    port_ = options_.port;
    const bool bound = options_.port == 0 ? (port_ = bind_to_any_port(options_.address)) > 0
                                          : bind_to_port(options_.address, options_.port);
    if (!bound) {
      return Status::Unavailable("cannot listen on " + options_.address + ':' +
                                 std::to_string(options_.port) +
                                 ": the port is taken, or the address is not of this machine");
    }
    listening_ = svr_sock_;
    acceptor_ = std::thread([this] { listen_after_bind(); });
    return Status::Ok();
  }

  void Stop() {
    if (!acceptor_.joinable()) return;
    {
      const std::lock_guard hold(mutex_);
      stopping_ = true;
      for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    }
    // Not stop(): that one ends nothing if the acceptor has not come to its loop yet. The loop ends
    // when its socket does.
    ::shutdown(listening_, SHUT_RDWR);
    acceptor_.join();
  }

  int port() const { return port_; }

 private:
  bool process_and_close_socket(socket_t socket) override {
    {
      const std::lock_guard hold(mutex_);
      if (stopping_) {
        ::close(socket);
        return false;
      }
      open_.insert(socket);
    }
    bool done = false;
    {
      HttpConnection connection(socket, ssl_.get(), options_.max_request_bytes, options_.timeout);
      bool closed = false;
      done = connection.Open() && process_request(connection, true, closed, nullptr);
    }
    const std::lock_guard hold(mutex_);
    open_.erase(socket);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return done;
  }

  void Answer(const httplib::Request& request, httplib::Response& response) const {
    if (request.method != "GET" && request.method != "HEAD") {
      response.status = 405;
      response.set_header("Allow", "GET, HEAD");
      return;
    }
    auto handler = handlers_.find(request.target);
    if (handler == handlers_.end()) handler = handlers_.find(request.path);
    if (handler == handlers_.end()) handler = handlers_.find("*");
    if (handler == handlers_.end()) {
      response.status = 404;
      response.set_content("404 page not found\n", "text/plain; charset=utf-8");
      return;
    }
    const HttpReply reply = handler->second();
    response.status = reply.status;
    response.set_content(reply.body, reply.content_type);
  }

  const HttpEndpointOptions options_;
  const std::map<std::string, HttpHandler> handlers_;
  const SslContext ssl_;
  int port_ = 0;
  int listening_ = -1;
  std::thread acceptor_;
  std::mutex mutex_;
  std::set<int> open_;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
};

HttpEndpoint::HttpEndpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpEndpoint::~HttpEndpoint() {
  impl_->Stop();
}

int HttpEndpoint::port() const {
  return impl_->port();
}

Result<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(
    const HttpEndpointOptions& options, std::map<std::string, HttpHandler> handlers) {
  SslContext ssl;
  if (!options.certificate.empty() || !options.key.empty()) {
    auto made = MakeSslContext(options.certificate, options.key);
    IMMUDB_RETURN_IF_ERROR(made);
    ssl = *std::move(made);
  }
  auto impl = std::make_unique<Impl>(options, std::move(handlers), std::move(ssl));
  IMMUDB_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<HttpEndpoint>(new HttpEndpoint(std::move(impl)));
}

}  // namespace immudb
