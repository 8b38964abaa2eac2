// SPDX-License-Identifier: Apache-2.0
//
// The metrics of a process and their text form. Counters, gauges and histograms are the library's
// own; what it lacks, families without a type, is added here.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace immudb {

// A family whose type is "untyped". Thread-safe.
class UntypedFamily final : public prometheus::Collectable {
 public:
  UntypedFamily(std::string name, std::string help)
      : name_(std::move(name)), help_(std::move(help)) {}

  void Set(const prometheus::Labels& labels, double value);
  void Remove(const prometheus::Labels& labels);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string name_;
  const std::string help_;
  mutable std::mutex mutex_;
  std::map<prometheus::Labels, double> values_;  // guarded by mutex_
};

// All metrics of one process or component; several may live side by side. Thread-safe. Names that
// the format does not allow, and one name in two types, are defects of the caller: the library
// throws.
class MetricsRegistry {
 public:
  // For prometheus::BuildCounter() and the like; the families live as long as this object.
  prometheus::Registry& families() { return families_; }

  // Lives as long as this object.
  UntypedFamily& AddUntyped(std::string name, std::string help);

  // Families that are made anew for each page: figures that somebody else keeps.
  void AddSource(std::shared_ptr<prometheus::Collectable> source);

  // The page: families by name, their series by label values, so that it does not change its order
  // from one scrape to the next. Families without series are left out.
  std::string Text() const;

  // The Content-Type of Text().
  static constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";

 private:
  prometheus::Registry families_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<prometheus::Collectable>> sources_;  // guarded by mutex_
};

// The process_* families that client libraries of Prometheus agree upon: CPU time, descriptors,
// memory and start time of this process, read from /proc at each page.
std::shared_ptr<prometheus::Collectable> ProcessMetrics();

// The memory of this process under the names that `immuadmin stats` reads (go_memstats_*).
std::shared_ptr<prometheus::Collectable> MemoryMetrics();

}  // namespace immudb
