// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon_options.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/status_macros.h"
#include "cli/option_value.h"
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
    spdlog::warn("mtls is false: serving plain text; certificate, pkey and clientcas are not used");
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
  return {
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
              {.name = "dbname",
               .short_name = 'n',
               .default_value = "defaultdb",
               .help = "name of the default database"},
              ConfigOption("immudb"),
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
              {.name = "admin-password",
               .default_value = "immudb",
               .help = "password that the superadmin is created with (default is 'immudb'), as "
                       "plain text or base64 encoded (must be prefixed with 'enc:' then)",
               .secret = true},
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
  };
}

Result<ServerOptions> ToServerOptions(const Settings& settings) {
  auto password = DecodePassword(settings.Text("admin-password"));
  if (!password.ok()) return password.status().WithContext("option admin-password");
  if (password->empty()) return Status::InvalidArgument("option admin-password: it is empty");
  auto tls = TlsOf(settings);
  IMMUDB_RETURN_IF_ERROR(tls);
  ServerOptions options;
  options.directory = settings.Text("dir");
  options.network = settings.Text("network");
  options.address = settings.Text("address");
  options.port = static_cast<int>(settings.Int("port"));
  options.default_database = settings.Text("dbname");
  options.auth = settings.Bool("auth");
  options.tls = *std::move(tls);
  options.devmode = settings.Bool("devmode");
  options.admin_password = *std::move(password);
  options.version_text = VersionText("immudb");
  options.sync = settings.Bool("sync");
  options.max_message_bytes = settings.Size("max-message-size");
  options.block_cache_bytes = settings.Size("block-cache-size");
  options.write_buffer_bytes = settings.Size("write-buffer-size");
  options.session_lifetime =
      std::chrono::duration_cast<std::chrono::seconds>(settings.Duration("session-lifetime"));
  options.pollers = settings.Size("pollers");
  options.reader_threads = settings.Size("reader-threads");
  return options;
}

}  // namespace immudb
