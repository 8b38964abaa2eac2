// SPDX-License-Identifier: Apache-2.0
#include "server/monitor.h"

#include <map>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr char kJson[] = "application/json";

HttpReply HealthReply(const HealthChecks& health, bool ok, bool verbose) {
  return {.status = ok ? 200 : 503, .content_type = kJson, .body = health.Json(ok, verbose)};
}

}  // namespace

Monitor::Monitor(const MetricsServerOptions& options, const HealthChecks& health,
                 std::shared_ptr<prometheus::Collectable> more)
    : health_(health),
      calls_(std::make_shared<CallMetrics>(options.histograms)),
      engine_(std::make_shared<EngineMetrics>(options.histograms, options.version)) {
  registry_.AddSource(calls_);
  registry_.AddSource(std::move(more));
  registry_.AddSource(engine_);
  registry_.AddSource(ProcessMetrics());
  registry_.AddSource(MemoryMetrics());
}

Status Monitor::Listen(const MetricsServerOptions& options, const std::optional<TlsFiles>& tls) {
  std::map<std::string, HttpPage> pages;
  pages["/metrics"].render = [this] {
    return HttpReply{.content_type = MetricsRegistry::kContentType, .body = registry_.Text()};
  };
  // Whoever gets an answer sees that the process lives. Neither locks nor a disk that hangs may
  // have a supervisor kill it.
  pages["/livez"] = {
      [] { return HttpReply{.content_type = kJson, .body = "{\"status\":\"ok\"}\n"}; },
      HttpLane::kAtOnce};
  pages["/livez?verbose"] = {[this] { return HealthReply(health_, true, true); }, HttpLane::kProbe};
  for (const bool verbose : {false, true}) {
    const std::string query = verbose ? "?verbose" : "";
    pages["/readyz" + query] = {
        [this, verbose] { return HealthReply(health_, health_.Ready(), verbose); },
        HttpLane::kProbe};
    pages["/startupz" + query] = {[this, verbose] {
                                    const bool started =
                                        health_.phase() != HealthChecks::Phase::kStarting;
                                    return HealthReply(health_, started, verbose);
                                  },
                                  HttpLane::kProbe};
  }
  HttpEndpointOptions endpoint{.address = options.address, .port = options.port};
  const std::string& host = options.address;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    endpoint.address = host.substr(1, host.size() - 2);
  }
  if (tls) {
    endpoint.tls = {.certificate = tls->certificate,
                    .key = tls->key,
                    .authorities = options.asks_clients ? tls->client_authorities : ""};
  }
  auto started = HttpEndpoint::Start(endpoint, std::move(pages));
  if (started.status().code() == StatusCode::kUnavailable) {
    return Status::Unavailable("option metrics-port: " + started.status().message() +
                               "; choose another (0: any free one), or set metrics-server=false");
  }
  IMMUDB_RETURN_IF_ERROR(started);
  endpoint_ = *std::move(started);
  return Status::Ok();
}

Result<std::unique_ptr<Monitor>> Monitor::Start(const ServerOptions& options,
                                                const HealthChecks& health,
                                                std::shared_ptr<prometheus::Collectable> more) {
  std::unique_ptr<Monitor> monitor(new Monitor(*options.metrics, health, std::move(more)));
  IMMUDB_RETURN_IF_ERROR(monitor->Listen(*options.metrics, options.tls));
  return monitor;
}

}  // namespace immudb
