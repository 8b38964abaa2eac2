// SPDX-License-Identifier: Apache-2.0
#include <httplib.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cstddef>

#include "base/status_macros.h"
#include "immuadmin/stats/metrics_page.h"
#include "immuadmin/stats/stats_source.h"

namespace immudb {
namespace {

constexpr int kTimeoutSeconds = 3;
constexpr size_t kMaxPageBytes = size_t{16} << 20;

template <typename HttpClient>
Result<std::string> Get(HttpClient& http, const std::string& place) {
  http.set_connection_timeout(kTimeoutSeconds);
  http.set_read_timeout(kTimeoutSeconds);
  std::string page;
  bool too_large = false;
  const auto answer = http.Get("/metrics", [&](const char* data, size_t size) {
    too_large = page.size() + size > kMaxPageBytes;
    if (!too_large) page.append(data, size);
    return !too_large;
  });
  if (too_large) return Status::ResourceExhausted("the metrics page of " + place + " is too large");
  if (!answer) {
    return Status::Unavailable("cannot read the metrics of " + place + ": " +
                               httplib::to_string(answer.error()));
  }
  if (answer->status != 200) {
    return Status::Unavailable(place + " answers " + std::to_string(answer->status) +
                               " instead of its metrics");
  }
  return page;
}

// The library takes nothing else for a host that has another name. Empty: there is no such host.
std::string NumericAddress(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return "";
  char text[NI_MAXHOST] = "";
  ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return text;
}

}  // namespace

Result<std::string> FetchMetricsPage(const StatsSource& source) {
  std::string place = source.tls ? "https://" : "http://";
  place += source.address;
  place += ':';
  place += std::to_string(source.port);
  if (!source.tls) {
    httplib::Client http(source.address, source.port);
    return Get(http, place);
  }
  const std::string& name = source.server_name.empty() ? source.address : source.server_name;
  httplib::SSLClient https(name, source.port, source.certificate, source.key);
  if (name != source.address) https.set_hostname_addr_map({{name, NumericAddress(source.address)}});
  if (!source.authorities.empty()) https.set_ca_cert_path(source.authorities.c_str());
  https.enable_server_certificate_verification(true);
  return Get(https, place);
}

Result<ServerStats> FetchStats(const StatsSource& source) {
  const auto text = FetchMetricsPage(source);
  IMMUDB_RETURN_IF_ERROR(text);
  const auto page = ParseMetricsPage(*text);
  IMMUDB_RETURN_IF_ERROR(page);
  return ReadStats(*page);
}

}  // namespace immudb
