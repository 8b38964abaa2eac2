// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/gauge.h>

#include <map>
#include <string>

#include "client/auditor.h"
#include "monitoring/metrics.h"

namespace immudb {

// The gauges of metrics.md section 4. Each has one series with the original's two labels, which
// shows the worst database of the latest round, and one more for each database, with a third label.
// Update() is to be called by one thread; reading the registry by any.
class AuditMetrics {
 public:
  // `registry` must outlive this object.
  AuditMetrics(MetricsRegistry& registry, std::string address);

  void Update(const RoundReport& report);

 private:
  struct Values {
    double result = -1;
    double current = -1;
    double previous = -1;
    double run_at = -1;
  };
  static Values Of(const DatabaseReport& report, double run_at);
  void Set(const std::string& database, const Values& values);
  void Identify(const std::string& server_id);

  using Gauges = prometheus::Family<prometheus::Gauge>;
  struct Series {
    prometheus::Gauge* result;
    prometheus::Gauge* current;
    prometheus::Gauge* previous;
    prometheus::Gauge* run_at;
  };

  const std::string address_;
  Gauges& result_;
  Gauges& current_;
  Gauges& previous_;
  Gauges& run_at_;
  std::string server_id_ = "unknown";
  std::map<std::string, Series> series_;  // by database; "": of the server
};

}  // namespace immudb
