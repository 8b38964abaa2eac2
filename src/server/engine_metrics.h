// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "database/databases.h"
#include "database/login_throttle.h"
#include "database/sessions.h"

namespace immudb {

class HealthChecks;

// The families immudb_*: those that the original had, filled from our engine, and our own. A page
// costs some figures of each open database (their number is bounded), however large they are.
// Thread-safe.
class EngineMetrics final : public prometheus::Collectable {
 public:
  struct Sources {
    const Databases& databases;
    const Sessions& sessions;
    const LoginThrottle& throttle;
    const HealthChecks& health;
  };

  EngineMetrics(bool histograms, std::string version)
      : histograms_(histograms), version_(std::move(version)) {}

  // From now on; the sources outlive the call of Close().
  void Serving(const Sources& sources);
  // The sources are not looked at any more when it returns.
  void Close();

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  class Page;
  void AddContract(const Sources& sources, Page& page) const;
  void AddDatabases(const Sources& sources, Page& page) const;
  void AddWrites(const Sources& sources, Page& page) const;
  void AddIndex(const Sources& sources, Page& page) const;
  void AddServer(const Sources& sources, Page& page) const;
  static void AddIntegrity(const Sources& sources, Page& page);

  const bool histograms_;
  const std::string version_;
  std::chrono::steady_clock::time_point serving_since_;  // guarded by mutex_

  mutable std::shared_mutex mutex_;
  std::optional<Sources> sources_;  // guarded by mutex_
};

}  // namespace immudb
