// SPDX-License-Identifier: Apache-2.0
//
// Families of a page, built by hand from figures that somebody else keeps.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

#include "base/atomic_histogram.h"

namespace immudb {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

inline prometheus::MetricFamily MakeFamily(std::string name, std::string help,
                                           prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

// The new series of `family`.
inline prometheus::ClientMetric& AddSeries(prometheus::MetricFamily& family, MetricLabels labels) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  return metric;
}

// Of a counter, a gauge or an untyped family.
inline void AddValue(prometheus::MetricFamily& family, double value, MetricLabels labels = {}) {
  prometheus::ClientMetric& metric = AddSeries(family, std::move(labels));
  switch (family.type) {
    case prometheus::MetricType::Counter:
      metric.counter.value = value;
      break;
    case prometheus::MetricType::Gauge:
      metric.gauge.value = value;
      break;
    default:
      metric.untyped.value = value;
  }
}

// So many of the histogram's values make one of the family's unit (of nanoseconds, 1e9).
inline void AddHistogram(prometheus::MetricFamily& family, const AtomicHistogram& histogram,
                         double per_unit, MetricLabels labels = {}) {
  const AtomicHistogram::Values values = histogram.Read();
  auto& target = AddSeries(family, std::move(labels)).histogram;
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    target.bucket.push_back(
        {values.cumulative[i], static_cast<double>(histogram.bounds()[i]) / per_unit});
  }
  target.sample_count = values.cumulative.back();
  target.sample_sum = static_cast<double>(values.sum) / per_unit;
}

}  // namespace immudb
