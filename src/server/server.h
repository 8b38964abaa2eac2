// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// PEM files. They are read again for each new connection; wrong ones are not used (the log says
// why), those before them stay.
struct TlsFiles {
  std::string certificate;  // of the server, with its chain
  std::string key;
  // Clients must show a certificate that leads to one of these; empty: clients need none.
  std::string client_authorities;
};

// The HTTP page of metrics and health. With TLS it is served with the server's files, which are
// followed as for the gRPC port.
struct MetricsServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;            // 0: any free port (see Server::metrics_port)
  bool histograms = true;  // also durations of calls, commits and syncs
  // With TLS: clients must show a certificate where those of the gRPC port must.
  bool asks_clients = true;
  std::string version = {};
};

// The walk over the stored bytes; see server/integrity_checker.h.
struct ConsistencyCheckOptions {
  uint64_t bytes_per_second = uint64_t{4} << 20;  // 0: as fast as it goes
  std::chrono::milliseconds interval{std::chrono::minutes(10)};
};

// Everything the service needs to know; the daemon fills it from its option table.
struct ServerOptions {
  std::string directory = "./data";
  std::string network = "tcp";  // or "unix": then `address` is the path of the socket
  std::string address = "0.0.0.0";
  int port = 3322;                              // 0: any free port (see Server::port)
  std::optional<MetricsServerOptions> metrics;  // none: no such page
  std::string default_database = "defaultdb";
  bool auth = true;
  bool devmode = false;                   // without auth: also accept peers that are not local
  bool maintenance = false;               // overrides `auth`; see docs/operations.md
  bool local_user_management = false;     // users may be managed only from this machine
  std::optional<TlsFiles> tls;            // none: plain text
  std::string admin_password = "immudb";  // plain text here; "enc:" is decoded by the option table
  // Then it also is the way back in when the system database is lost: see docs/recovery.md.
  bool admin_password_from_file = false;
  std::string version_text = "no version info available";  // HealthResponse.version
  bool sync = true;                                        // false: acknowledged before fdatasync
  size_t max_message_bytes = size_t{32} << 20;
  size_t block_cache_bytes = size_t{64} << 20;      // one for all databases
  size_t write_buffer_bytes = size_t{32} << 20;     // index memtables of all databases together
  size_t max_open_databases = 256;                  // at most; fewer if descriptors are scarce
  std::chrono::seconds database_idle_timeout{600};  // an unused database is closed after it
  std::chrono::seconds session_lifetime{3600};
  size_t max_connections = 4096;  // of the gRPC port, at most; fewer if descriptors are scarce
  // A call ends whose client does not take its answer: after this and a second each 256 KiB of it.
  std::chrono::milliseconds answer_timeout{std::chrono::seconds(60)};
  // Of the disk: with less free there are no writes, and the server is not ready.
  uint64_t reserved_bytes = uint64_t{64} << 20;
  std::optional<ConsistencyCheckOptions> consistency_check = ConsistencyCheckOptions();
  size_t pollers = 1;         // completion queues, each with one thread
  size_t reader_threads = 2;  // for listings and other long reads
  // Sets a key of the configuration file that the process was started with, for the next start.
  // Null: there is no such file.
  std::function<Status(std::string_view key, std::string_view value)> update_config;
  // A call that takes longer is a line of the log, and counted; 0: none is. See
  // server/request_log.h.
  std::chrono::microseconds slow_log{std::chrono::milliseconds(100)};
};

// The gRPC service over a data directory: immudb.schema.ImmuService, grpc.health.v1 and reflection.
// Owns the databases, sessions and threads. Thread-safe after Start.
class Server {
 public:
  // Locks the directory, opens (or creates) the default and the system database, binds, serves.
  // Errors name the file or the option that is wrong: directory not writable, directory in use by
  // another server, address taken, damaged database, TLS files that do not fit.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options);

  // Shuts down with a short grace period, if that was not done.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The TCP port that is served (that of ServerOptions, or the one the system chose for 0).
  int port() const;

  // The port of the metrics server; 0: there is none.
  int metrics_port() const;

  // Health goes NOT_SERVING, new calls are refused, calls in flight may finish within `grace`, then
  // the databases close. Idempotent; not from a handler.
  Status Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
