// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon_options.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "cli/config_update.h"
#include "cli/generator_commands.h"
#include "cli/option_value.h"
#include "cli/secret_file.h"
#include "cli/version.h"

namespace immudb {
namespace {

constexpr int64_t kKiB = int64_t{1} << 10;
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;
constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = kSecond * 24 * 3600;

bool IsGiven(const Settings& settings, std::string_view option) {
  return settings.origin(option) != OptionOrigin::kDefault;
}

// Which files TLS is served with; none: plain text. Never plain text by an oversight: files without
// `mtls` are an error, unless that says false. Then all three of them mean no TLS, because the
// original's configuration files are written so.
Result<std::optional<TlsFiles>> TlsOf(const Settings& settings) {
  TlsFiles files{settings.Text("certificate"), settings.Text("pkey"), settings.Text("clientcas")};
  if (settings.Bool("mtls")) {
    for (const char* option : {"certificate", "pkey", "clientcas"}) {
      if (settings.Text(option).empty()) {
        return Status::InvalidArgument(std::string("option ") + option + ": mtls needs a file");
      }
    }
    return std::optional(std::move(files));
  }
  const bool certificate = IsGiven(settings, "certificate");
  const bool key = IsGiven(settings, "pkey");
  if (IsGiven(settings, "clientcas")) {
    if (!IsGiven(settings, "mtls")) {
      return Status::InvalidArgument(
          "option clientcas: client certificates are asked for only with mtls; set mtls, or leave "
          "clientcas out for TLS without client certificates");
    }
    return std::optional<TlsFiles>();
  }
  if (certificate != key) {
    return Status::InvalidArgument(
        certificate ? "option pkey: it is missing; certificate needs it for TLS"
                    : "option certificate: it is missing; pkey needs it for TLS");
  }
  if (!certificate) return std::optional<TlsFiles>();
  files.client_authorities.clear();
  return std::optional(std::move(files));
}

}  // namespace

ProgramSpec DaemonProgram() {
  ProgramSpec program = {
      .name = "immudb",
      .summary =
          "immudb - the lightweight, high-speed immutable database for systems and applications.",
      .options =
          {
              {.name = "dir", .default_value = "./data", .help = "data folder"},
              {.name = "network",
               .default_value = "tcp",
               .help = "tcp, or unix: then the address is the path of the socket",
               .choices = {"tcp", "unix"}},
              {.name = "address",
               .short_name = 'a',
               .default_value = "0.0.0.0",
               .help = "bind address"},
              {.name = "port",
               .short_name = 'p',
               .type = OptionType::kInt,
               .default_value = "3322",
               .help = "port number; 0: any free port",
               .min = 0,
               .max = 65535},
              {.name = "metrics-server",
               .type = OptionType::kBool,
               .default_value = "true",
               .help = "serve metrics and health on an HTTP port of their own: /metrics, /livez, "
                       "/readyz, /startupz"},
              {.name = "metrics-address",
               .help = "bind address of the metrics server; empty: that of the server (127.0.0.1 "
                       "if that is a socket file)"},
              {.name = "metrics-port",
               .type = OptionType::kInt,
               .default_value = "9497",
               .help = "port number of the metrics server; 0: any free port",
               .min = 0,
               .max = 65535},
              {.name = "metrics-client-auth",
               .default_value = "auto",
               .help = "client certificates on the metrics port, with TLS: auto: required with "
                       "mtls, as on the port of the service; none: not asked for; require: refuse "
                       "to start without mtls",
               .choices = {"auto", "none", "require"}},
              {.name = "dbname",
               .short_name = 'n',
               .default_value = "defaultdb",
               .help = "name of the default database"},
              ConfigOption("immudb"),
              PrintConfigOption(),
              {.name = "pidfile", .help = "pid path with filename. E.g. /var/run/immudb.pid"},
              {.name = "logfile",
               .help = "log path with filename. E.g. /tmp/immudb/immudb.log; SIGHUP opens it anew"},
              {.name = "log-format",
               .default_value = "text",
               .help = "text, or json: one object a line",
               .choices = {"text", "json"}},
              {.name = "slow-log",
               .type = OptionType::kDuration,
               .default_value = "100ms",
               .help = "a call that takes longer is logged, without its keys and values; 0: none "
                       "is"},
              {.name = "detached",
               .short_name = 'd',
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "run immudb in background"},
              {.name = "auth",
               .short_name = 's',
               .type = OptionType::kBool,
               .default_value = "true",
               .help = "enable auth"},
              {.name = "mtls",
               .short_name = 'm',
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "enable mutual tls"},
              {.name = "certificate",
               .default_value = "./tools/mtls/3_application/certs/localhost.cert.pem",
               .help = "server certificate file path"},
              {.name = "pkey",
               .default_value = "./tools/mtls/3_application/private/localhost.key.pem",
               .help = "server private key path"},
              {.name = "clientcas",
               .default_value = "./tools/mtls/2_intermediate/certs/ca-chain.cert.pem",
               .help = "clients certificates list. Aka certificate authority"},
              {.name = "devmode",
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "enable dev mode: accept remote connections without auth"},
              {.name = "maintenance",
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "override the authentication flag"},
              {.name = "local-user-management",
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "users may be managed only from this machine"},
              {.name = "admin-password",
               .default_value = "immudb",
               .help = "password that the superadmin is created with (default is 'immudb'), as "
                       "plain text or base64 encoded (must be prefixed with 'enc:' then)",
               .secret = true},
              {.name = "admin-password-file",
               .help = "file that holds the admin password, instead of admin-password"},
              {.name = "sync",
               .type = OptionType::kBool,
               .default_value = "true",
               .help = "acknowledge a write only when it is on stable storage"},
              {.name = "max-message-size",
               .type = OptionType::kSize,
               .default_value = "32MiB",
               .help = "largest request that is accepted",
               .min = 64 * kKiB,
               .max = kGiB},
              {.name = "session-lifetime",
               .type = OptionType::kDuration,
               .default_value = "1h",
               .help = "how long a token is valid",
               .min = kSecond,
               .max = 365 * kDay},
              {.name = "block-cache-size",
               .type = OptionType::kSize,
               .default_value = "64MiB",
               .help = "cache for index blocks, one for all databases",
               .min = kMiB,
               .max = 1024 * kGiB},
              {.name = "write-buffer-size",
               .type = OptionType::kSize,
               .default_value = "32MiB",
               .help = "memory for index entries not yet written, of all databases together",
               .min = kMiB,
               .max = 64 * kGiB},
              {.name = "max-open-databases",
               .type = OptionType::kInt,
               .default_value = "256",
               .help = "databases open at the same time; others are opened when they are used",
               .min = 4,
               .max = 100000},
              {.name = "database-idle-timeout",
               .type = OptionType::kDuration,
               .default_value = "10m",
               .help = "an unused database is closed after it",
               .min = kSecond},
              {.name = "max-connections",
               .type = OptionType::kInt,
               .default_value = "4096",
               .help = "most connections of clients at the same time; at most a quarter of the "
                       "descriptors that the process may have",
               .min = 16,
               .max = 1000000},
              {.name = "answer-timeout",
               .type = OptionType::kDuration,
               .default_value = "1m",
               .help = "time a client has to take an answer, plus a second for each 256 KiB; "
                       "then the call is cancelled",
               .min = kSecond,
               .max = kDay},
              {.name = "consistency-check",
               .type = OptionType::kBool,
               .default_value = "true",
               .help = "enable consistency check monitor routine. To disable: "
                       "--consistency-check=false"},
              {.name = "consistency-check-rate",
               .type = OptionType::kSize,
               .default_value = "4MiB",
               .help = "bytes that the consistency check reads a second; with a limit it also "
                       "takes no more than a fifth of a core. 0: no limit",
               .min = 0,
               .max = 1024 * kGiB},
              {.name = "consistency-check-interval",
               .type = OptionType::kDuration,
               .default_value = "10m",
               .help = "from the start of one consistency check of all databases to that of the "
                       "next, at least",
               .min = kSecond,
               .max = 365 * kDay},
              {.name = "disk-reserve",
               .type = OptionType::kSize,
               .default_value = "64MiB",
               .help = "with less free on the disk of the data folder writes are refused, and the "
                       "server is not ready",
               .min = 0,
               .max = 1024 * kGiB * 1024},
              {.name = "no-histograms",
               .type = OptionType::kBool,
               .default_value = "false",
               .help = "disable collection of histogram metrics like query durations"},
              {.name = "pollers",
               .type = OptionType::kInt,
               .default_value = "1",
               .help = "completion queues, each with one thread",
               .min = 1,
               .max = 64},
              {.name = "reader-threads",
               .type = OptionType::kInt,
               .default_value = "2",
               .help = "threads for listings and other long reads",
               .min = 1,
               .max = 256},
          },
      .commands = {{.name = "audit",
                    .help = "print the audit trail of the data folder, oldest first, as JSON "
                            "lines; the server must be stopped"}},
  };
  for (auto& command : GeneratorCommands()) program.commands.push_back(std::move(command));
  return program;
}

namespace {

Result<std::string> AdminPassword(const Settings& settings) {
  const std::string& file = settings.Text("admin-password-file");
  if (!file.empty()) {
    if (settings.origin("admin-password") != OptionOrigin::kDefault) {
      return Status::InvalidArgument(
          "options admin-password and admin-password-file are both given: give one of them");
    }
    auto secret = ReadSecretFile(file);
    IMMUDB_RETURN_IF_ERROR(secret.status().WithContext("option admin-password-file"));
    return std::move(secret->text);
  }
  auto password = DecodePassword(settings.Text("admin-password"));
  if (!password.ok()) return password.status().WithContext("option admin-password");
  if (password->empty()) return Status::InvalidArgument("option admin-password: it is empty");
  return password;
}

std::function<Status(std::string_view, std::string_view)> ConfigUpdater(const std::string& file) {
  if (file.empty()) return nullptr;
  auto one_at_a_time = std::make_shared<std::mutex>();
  return [file, one_at_a_time](std::string_view key, std::string_view value) {
    const std::lock_guard lock(*one_at_a_time);
    return SetConfigKey(file, "immudb", key, value);
  };
}

}  // namespace

namespace {

std::optional<MetricsServerOptions> MetricsOf(const Settings& settings) {
  if (!settings.Bool("metrics-server")) return std::nullopt;
  MetricsServerOptions metrics;
  metrics.address = settings.Text("metrics-address");
  if (metrics.address.empty()) {
    metrics.address = settings.Text("network") == "unix" ? "127.0.0.1" : settings.Text("address");
  }
  metrics.port = static_cast<int>(settings.Int("metrics-port"));
  metrics.histograms = !settings.Bool("no-histograms");
  metrics.asks_clients = settings.Text("metrics-client-auth") != "none";
  metrics.version = std::string(VersionNumber());
  return metrics;
}

}  // namespace

Result<ServerOptions> ToServerOptions(const Settings& settings) {
  auto password = AdminPassword(settings);
  IMMUDB_RETURN_IF_ERROR(password);
  auto tls = TlsOf(settings);
  IMMUDB_RETURN_IF_ERROR(tls);
  ServerOptions options;
  options.directory = settings.Text("dir");
  options.network = settings.Text("network");
  options.address = settings.Text("address");
  options.port = static_cast<int>(settings.Int("port"));
  options.metrics = MetricsOf(settings);
  options.default_database = settings.Text("dbname");
  options.auth = settings.Bool("auth");
  options.tls = *std::move(tls);
  if (options.metrics && settings.Text("metrics-client-auth") == "require" &&
      !settings.Bool("mtls")) {
    return Status::InvalidArgument(
        "option metrics-client-auth: require needs mtls, whose clientcas say which certificates "
        "are accepted");
  }
  options.devmode = settings.Bool("devmode");
  options.maintenance = settings.Bool("maintenance");
  options.local_user_management = settings.Bool("local-user-management");
  options.admin_password = *std::move(password);
  options.admin_password_from_file = !settings.Text("admin-password-file").empty();
  options.version_text = VersionText("immudb");
  options.sync = settings.Bool("sync");
  options.max_message_bytes = settings.Size("max-message-size");
  options.block_cache_bytes = settings.Size("block-cache-size");
  options.write_buffer_bytes = settings.Size("write-buffer-size");
  options.max_open_databases = settings.Size("max-open-databases");
  options.database_idle_timeout =
      std::chrono::duration_cast<std::chrono::seconds>(settings.Duration("database-idle-timeout"));
  options.max_connections = settings.Size("max-connections");
  options.answer_timeout = settings.Duration("answer-timeout");
  options.session_lifetime =
      std::chrono::duration_cast<std::chrono::seconds>(settings.Duration("session-lifetime"));
  options.reserved_bytes = settings.Size("disk-reserve");
  options.consistency_check.reset();
  if (settings.Bool("consistency-check")) {
    options.consistency_check = {.bytes_per_second = settings.Size("consistency-check-rate"),
                                 .interval = settings.Duration("consistency-check-interval")};
  }
  options.slow_log = settings.Microseconds("slow-log");
  options.pollers = settings.Size("pollers");
  options.reader_threads = settings.Size("reader-threads");
  options.update_config = ConfigUpdater(settings.config_file());
  return options;
}

std::vector<StartWarning> StartWarnings(const Settings& settings) {
  std::vector<StartWarning> warnings;
  const bool devmode = settings.Bool("devmode");
  if (settings.Bool("maintenance")) {
    warnings.push_back(
        {std::string("maintenance mode: everybody on this machine can manage users and read and "
                     "write every database without a password") +
         (devmode ? "; devmode does not open it to the network" : "")});
  } else if (!settings.Bool("auth")) {
    warnings.push_back(
        {std::string("authentication is off: ") +
             (devmode ? "everybody who reaches the port" : "everybody on this machine") +
             " can read and write without a password",
         devmode});
  }
  if (!settings.Bool("mtls") && IsGiven(settings, "clientcas")) {
    warnings.push_back(
        {"mtls is false: serving plain text; certificate, pkey and clientcas are not used"});
  }
  const std::string& file = settings.Text("admin-password-file");
  if (const auto secret = ReadSecretFile(file); secret.ok() && secret->open_to_others) {
    warnings.push_back({"every user of this machine may read the password in " + file});
  }
  return warnings;
}

}  // namespace immudb
