// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/databases.h"
#include "database/login_throttle.h"
#include "database/random.h"
#include "database/server_identifier.h"
#include "database/sessions.h"
#include "database/users.h"
#include "server/call_context.h"
#include "server/denied_acts.h"
#include "server/dispatcher.h"
#include "server/grpc_front.h"
#include "server/health_checks.h"
#include "server/integrity_checker.h"
#include "server/listen_address.h"
#include "server/monitor.h"
#include "server/request_log.h"
#include "server/tls_credentials.h"

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kDefaultGrace{500};
constexpr char kCheckerStateFile[] = "immudb.checker";

std::chrono::steady_clock::time_point Now() {
  return std::chrono::steady_clock::now();
}

size_t DescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<size_t>(limit.rlim_cur);
}

// Of the quarter of all descriptors that databases leave to others, those that connections do not
// get: standard streams, log, lock, listening sockets, epoll; the metrics port.
constexpr size_t kOtherDescriptors = 48;

size_t MaxConnections(const ServerOptions& options) {
  const size_t share = std::max<size_t>(DescriptorLimit() / 4, 64) - kOtherDescriptors;
  return std::min(options.max_connections, share);
}

DatabasesOptions DatabasesOptionsOf(const ServerOptions& options) {
  return {.directory = options.directory,
          .default_database = options.default_database,
          .sync = options.sync,
          .block_cache_bytes = options.block_cache_bytes,
          .write_buffer_bytes = options.write_buffer_bytes,
          .max_open = options.max_open_databases,
          .descriptors = DescriptorLimit(),
          .idle_timeout = options.database_idle_timeout,
          .reserved_bytes = options.reserved_bytes,
          .new_system_database = options.maintenance || options.admin_password_from_file};
}

}  // namespace

// The members stand in the order in which they are built on each other; they go in reverse.
class Server::Impl {
 public:
  explicit Impl(const ServerOptions& options)
      : options_(options),
        request_log_(
            std::make_shared<RequestLog>(options.slow_log, std::chrono::system_clock::now())),
        health_(options.directory, options.reserved_bytes),
        sessions_(options.session_lifetime, Now),
        throttle_(Now) {}

  Status Start();
  Status Shutdown(std::chrono::milliseconds grace);
  Result<std::unique_ptr<Users>> OpenUsers();
  int port() const { return options_.network == "unix" ? 0 : front_->port(); }
  int metrics_port() const { return monitor_ == nullptr ? 0 : monitor_->port(); }

 private:
  const ServerOptions options_;
  const std::shared_ptr<RequestLog> request_log_;
  HealthChecks health_;
  std::unique_ptr<Monitor> monitor_;  // null: not wanted
  Sessions sessions_;
  LoginThrottle throttle_;
  std::unique_ptr<Databases> databases_;
  std::unique_ptr<IntegrityChecker> checker_;  // null: not wanted
  std::unique_ptr<Users> users_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<DeniedActs> denied_acts_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<GrpcFront> front_;

  std::mutex shutdown_mutex_;  // one at a time
};

Status Server::Impl::Start() {
  if (options_.tls) IMMUDB_RETURN_IF_ERROR(CheckTlsFiles(*options_.tls));
  IMMUDB_RETURN_IF_ERROR(ProbeListen(options_));
  if (options_.metrics) {
    auto monitor = Monitor::Start(options_, health_, request_log_);
    IMMUDB_RETURN_IF_ERROR(monitor);
    monitor_ = *std::move(monitor);
  }
  auto databases = Databases::Open(DatabasesOptionsOf(options_));
  IMMUDB_RETURN_IF_ERROR(databases);
  databases_ = *std::move(databases);
  const auto identifier = databases_->Identifier(options_.maintenance);
  IMMUDB_RETURN_IF_ERROR(identifier);
  if (!options_.auth && !options_.maintenance && databases_->multiple()) {
    spdlog::error("Authentication must be on.");
    return Status::FailedPrecondition(
        "auth should be on: there are several databases, and without authentication nobody could "
        "select one");
  }
  auto users = OpenUsers();
  IMMUDB_RETURN_IF_ERROR(users);
  users_ = *std::move(users);
  services_ = std::make_unique<Services>(
      Services{options_, *databases_, *users_, sessions_, throttle_, health_});
  denied_acts_ = std::make_unique<DeniedActs>(databases_->audit());
  std::vector<CallObserver*> observers = {request_log_.get(), denied_acts_.get()};
  if (monitor_ != nullptr) observers.push_back(monitor_->observer());
  dispatcher_ = std::make_unique<Dispatcher>(*services_, options_.reader_threads, observers);

  const auto target = ListenTarget(options_);
  IMMUDB_RETURN_IF_ERROR(target);
  auto front = GrpcFront::Start(
      {.target = *target,
       .max_message_bytes = options_.max_message_bytes,
       .pollers = options_.pollers,
       .max_connections = MaxConnections(options_),
       .answer_timeout = options_.answer_timeout,
       .server_uuid = ServerIdentifierText(*identifier),
       .tls = options_.tls,
       .health = [this](const std::string& service) { return health_.Serves(service); }},
      *dispatcher_);
  IMMUDB_RETURN_IF_ERROR(front);
  front_ = *std::move(front);
  if (options_.consistency_check) {
    checker_ = std::make_unique<IntegrityChecker>(
        *databases_,
        IntegrityCheckerOptions{.bytes_per_second = options_.consistency_check->bytes_per_second,
                                .interval = options_.consistency_check->interval,
                                .state_file = JoinPath(options_.directory, kCheckerStateFile)});
  }
  health_.Serving(*databases_, checker_.get());
  if (monitor_ != nullptr) monitor_->Serving({*databases_, sessions_, throttle_, health_});
  spdlog::info("serving {} on {}{}", options_.directory, *target,
               options_.port == 0 && options_.network == "tcp"
                   ? " (port " + std::to_string(front_->port()) + ")"
                   : "");
  return Status::Ok();
}

Result<std::unique_ptr<Users>> Server::Impl::OpenUsers() {
  std::string password = options_.admin_password;
  const auto exists = Users::HasAdministrator(databases_->system_store());
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) {
    const auto first = databases_->IsFirstStart();
    IMMUDB_RETURN_IF_ERROR(first);
    // Maintenance mode alone gives no password that a stranger might know.
    if (!*first && !options_.admin_password_from_file) {
      IMMUDB_RETURN_IF_ERROR(InitRandom());
      password = RandomToken();
    }
  }
  return Users::Open(databases_->system_store(), databases_->audit(), password);
}

Status Server::Impl::Shutdown(std::chrono::milliseconds grace) {
  const std::lock_guard lock(shutdown_mutex_);
  health_.Stopping();
  front_->Shutdown(grace);
  // Not after the stores are closed.
  if (checker_ != nullptr) checker_->Stop();
  health_.Close();
  if (monitor_ != nullptr) monitor_->Close();
  return databases_->Close();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  if (const Status closed = impl_->Shutdown(kDefaultGrace); !closed.ok()) {
    spdlog::error("shutting down: {}", closed.ToString());
  }
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  if (Status started = impl->Start(); !started.ok()) return started;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

int Server::port() const {
  return impl_->port();
}

int Server::metrics_port() const {
  return impl_->metrics_port();
}

Status Server::Shutdown(std::chrono::milliseconds grace) {
  return impl_->Shutdown(grace);
}

}  // namespace immudb
