// SPDX-License-Identifier: Apache-2.0
#include "immudb/start_block.h"

#include <cstddef>

namespace immudb {
namespace {

constexpr std::string_view kLogo =
    "  #                             #  #\n"
    "                                #  #\n"
    "  #  ## ##   ## ##   #   #   ####  ####\n"
    "  #  # # #   # # #   #   #  #   #  #   #\n"
    "  #  # # #   # # #   #   #  #   #  #   #\n"
    "  #  # # #   # # #    ####   ####  ####\n";

constexpr std::string_view kDefaultPassword = "immudb";
constexpr size_t kLabelWidth = 16;

std::string Line(std::string_view label, std::string_view value) {
  std::string text(label);
  text.resize(kLabelWidth, ' ');
  return text.append(": ").append(value) + '\n';
}

std::string_view Word(bool value) {
  return value ? "true" : "false";
}

std::string HostAndPort(const std::string& host, int port) {
  const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string Endpoint(const ServerOptions& options, int port) {
  return options.network == "unix" ? "unix:" + options.address : HostAndPort(options.address, port);
}

std::string MetricsPage(const ServerOptions& options, int port) {
  return options.metrics ? HostAndPort(options.metrics->address, port) + "/metrics" : "off";
}

}  // namespace

std::string StartBlock(const ServerOptions& options, int port, int metrics_port,
                       const ProcessFiles& files) {
  const bool default_password = options.admin_password == kDefaultPassword;
  std::string text(kLogo);
  text += "\n================ Config ================\n";
  text += Line("Data dir", options.directory);
  text += Line("Address", Endpoint(options, port));
  text += Line("Metrics address", MetricsPage(options, metrics_port));
  text += Line("Config file", files.config.empty() ? "none" : files.config);
  if (!files.pid.empty()) text += Line("PID file", files.pid);
  if (!files.log.empty()) text += Line("Log file", files.log);
  const bool mtls = options.tls && !options.tls->client_authorities.empty();
  text += Line("MTLS enabled", Word(mtls));
  if (options.tls && !mtls) text += Line("TLS enabled", Word(true));
  text += Line("Auth enabled", Word(options.auth));
  text += Line("Dev mode", Word(options.devmode));
  text += Line("Default database", options.default_database);
  text += Line("Maintenance mode", Word(options.maintenance));
  text += "----------------------------------------\n";
  text += "Superadmin default credentials\n";
  text += Line("   Username", "immudb");
  text += Line("   Password", default_password ? kDefaultPassword : "********");
  text += "========================================\n";
  return text;
}

std::string ReadyLine(bool colour) {
  const std::string green = colour ? "\x1b[32m" : "";
  const std::string blue = colour ? "\x1b[34m" : "";
  const std::string end = colour ? "\x1b[0m" : "";
  const auto name = [&](const char* word) { return blue + word + green; };
  return green + "You can now use " + name("immuadmin") + " and " + name("immuclient") +
         " CLIs to login with the " + name("immudb") + " superadmin user and start using " +
         name("immudb") + "." + end + '\n';
}

}  // namespace immudb
