// SPDX-License-Identifier: Apache-2.0
#include "support/connection_options.h"

#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

bool IsGiven(const Settings& settings, std::string_view option) {
  return settings.origin(option) != OptionOrigin::kDefault;
}

Result<std::optional<TlsOptions>> TlsOf(const Settings& settings) {
  TlsOptions tls{.authorities = settings.Text("clientcas"),
                 .certificate = settings.Text("certificate"),
                 .key = settings.Text("pkey"),
                 .server_name = settings.Text("servername")};
  if (settings.Bool("mtls")) {
    for (const char* option : {"certificate", "pkey", "clientcas"}) {
      if (settings.Text(option).empty()) {
        return Status::InvalidArgument(std::string("option ") + option + ": mtls needs a file");
      }
    }
    return std::optional(std::move(tls));
  }
  const bool pair = IsGiven(settings, "certificate") || IsGiven(settings, "pkey");
  if (pair && !IsGiven(settings, "mtls")) {
    return Status::InvalidArgument(
        "options certificate and pkey: a client certificate is shown only with mtls; set mtls, or "
        "give clientcas alone for TLS without one");
  }
  if (pair || !IsGiven(settings, "clientcas")) return std::optional<TlsOptions>();
  if (tls.authorities.empty()) return Status::InvalidArgument("option clientcas: it is empty");
  tls.certificate.clear();
  tls.key.clear();
  return std::optional(std::move(tls));
}

}  // namespace

std::vector<OptionSpec> ConnectionOptions() {
  return {{.name = "immudb-address",
           .short_name = 'a',
           .default_value = "127.0.0.1",
           .help = "immudb host address, or unix:<path>"},
          {.name = "immudb-port",
           .short_name = 'p',
           .type = OptionType::kInt,
           .default_value = "3322",
           .help = "immudb port number",
           .min = 1,
           .max = 65535},
          {.name = "mtls",
           .short_name = 'm',
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "enable mutual tls"},
          {.name = "servername",
           .help = "name or address that the server's certificate must be for; empty: that of "
                   "immudb-address"},
          {.name = "certificate",
           .default_value = "./tools/mtls/4_client/certs/localhost.cert.pem",
           .help = "client certificate file path"},
          {.name = "pkey",
           .default_value = "./tools/mtls/4_client/private/localhost.key.pem",
           .help = "client private key path"},
          {.name = "clientcas",
           .default_value = "./tools/mtls/2_intermediate/certs/ca-chain.cert.pem",
           .help = "certificate authorities of the server; given without mtls: tls without a "
                   "client certificate"}};
}

Result<ClientOptions> ToClientOptions(const Settings& settings) {
  auto tls = TlsOf(settings);
  IMMUDB_RETURN_IF_ERROR(tls);
  ClientOptions options;
  options.address = settings.Text("immudb-address");
  options.port = static_cast<int>(settings.Int("immudb-port"));
  options.tls = *std::move(tls);
  return options;
}

}  // namespace immudb
