// SPDX-License-Identifier: Apache-2.0
#include "monitoring/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace immudb {

void UntypedFamily::Set(const prometheus::Labels& labels, double value) {
  const std::lock_guard hold(mutex_);
  values_[labels] = value;
}

void UntypedFamily::Remove(const prometheus::Labels& labels) {
  const std::lock_guard hold(mutex_);
  values_.erase(labels);
}

std::vector<prometheus::MetricFamily> UntypedFamily::Collect() const {
  prometheus::MetricFamily family;
  family.name = name_;
  family.help = help_;
  family.type = prometheus::MetricType::Untyped;
  const std::lock_guard hold(mutex_);
  for (const auto& [labels, value] : values_) {
    prometheus::ClientMetric metric;
    for (const auto& [label, text] : labels) metric.label.push_back({label, text});
    metric.untyped.value = value;
    family.metric.push_back(std::move(metric));
  }
  return {std::move(family)};
}

UntypedFamily& MetricsRegistry::AddUntyped(std::string name, std::string help) {
  auto family = std::make_shared<UntypedFamily>(std::move(name), std::move(help));
  AddSource(family);
  return *family;
}

void MetricsRegistry::AddSource(std::shared_ptr<prometheus::Collectable> source) {
  const std::lock_guard hold(mutex_);
  sources_.push_back(std::move(source));
}

std::string MetricsRegistry::Text() const {
  std::vector<prometheus::MetricFamily> families = families_.Collect();
  {
    const std::lock_guard hold(mutex_);
    for (const auto& source : sources_) {
      std::ranges::move(source->Collect(), std::back_inserter(families));
    }
  }
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  for (auto& family : families) {
    std::ranges::sort(family.metric,
                      [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  std::ostringstream page;
  prometheus::TextSerializer().Serialize(page, families);
  return std::move(page).str();
}

}  // namespace immudb
