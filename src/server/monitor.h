// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "immudb/status.h"
#include "monitoring/http_endpoint.h"
#include "monitoring/metrics.h"
#include "server/call_metrics.h"
#include "server/dispatcher.h"
#include "server/engine_metrics.h"
#include "server/health_checks.h"
#include "server/server.h"

namespace immudb {

// The HTTP side of a server: /metrics, and /livez, /readyz, /startupz (200 or 503, JSON; with
// ?verbose all checks). It is there while the data is being recovered and while the server stops,
// so that whoever asks learns that. Thread-safe.
class Monitor {
 public:
  // Listens and answers. kUnavailable names the option: the address cannot be had. The page has
  // `more` too.
  static Result<std::unique_ptr<Monitor>> Start(const ServerOptions& options,
                                                const HealthChecks& health,
                                                std::shared_ptr<prometheus::Collectable> more);

  // Sees the calls for the page.
  CallObserver* observer() { return calls_.get(); }
  // The page has the figures of these from now on, until Close().
  void Serving(const EngineMetrics::Sources& sources) { engine_->Serving(sources); }
  void Close() { engine_->Close(); }

  int port() const { return endpoint_->port(); }

 private:
  Monitor(const MetricsServerOptions& options, const HealthChecks& health,
          std::shared_ptr<prometheus::Collectable> more);
  Status Listen(const MetricsServerOptions& options, const std::optional<TlsFiles>& tls);

  const HealthChecks& health_;
  const std::shared_ptr<CallMetrics> calls_;
  const std::shared_ptr<EngineMetrics> engine_;
  MetricsRegistry registry_;
  std::unique_ptr<HttpEndpoint> endpoint_;  // the last: it reads all the others
};

}  // namespace immudb
