// SPDX-License-Identifier: Apache-2.0
#include "monitoring/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>

namespace immudb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Programs read some families only when they have no type.
TEST(Metrics, AFamilyMayHaveNoType) {
  MetricsRegistry registry;
  registry.AddUntyped("immudb_lsm_size_bytes", "LSM Size in bytes")
      .Set({{"database", "data/defaultdb"}}, 4096);
  const std::string page = registry.Text();
  EXPECT_THAT(page, HasSubstr("# HELP immudb_lsm_size_bytes LSM Size in bytes\n"
                              "# TYPE immudb_lsm_size_bytes untyped\n"
                              "immudb_lsm_size_bytes{database=\"data/defaultdb\"} 4096\n"));
}

// The first series on the page is what some programs show.
TEST(Metrics, SeriesAreSortedByLabelsAndFamiliesByName) {
  MetricsRegistry registry;
  auto& gauge = prometheus::BuildGauge().Name("b").Help("h").Register(registry.families());
  for (const char* name : {"m", "z", "a", "k"}) gauge.Add({{"l", name}});
  registry.AddUntyped("a", "h").Set({}, 1);
  const std::string page = registry.Text();
  EXPECT_LT(page.find("a 1"), page.find("b{l=\"a\"}"));
  EXPECT_LT(page.find("b{l=\"a\"}"), page.find("b{l=\"k\"}"));
  EXPECT_LT(page.find("b{l=\"m\"}"), page.find("b{l=\"z\"}"));
}

TEST(Metrics, RemovedAndEmptySeriesAreNotShown) {
  MetricsRegistry registry;
  auto& family = registry.AddUntyped("gone", "h");
  family.Set({{"database", "a"}}, 1);
  family.Remove({{"database", "a"}});
  EXPECT_THAT(registry.Text(), Not(HasSubstr("gone")));
}

TEST(Metrics, LabelValuesAreEscaped) {
  MetricsRegistry registry;
  registry.AddUntyped("u", "h").Set({{"l", "a\"\n\\"}}, 1);
  EXPECT_THAT(registry.Text(), HasSubstr("u{l=\"a\\\"\\n\\\\\"} 1\n"));
}

TEST(Metrics, TheProcessIsDescribed) {
  MetricsRegistry registry;
  registry.AddSource(ProcessMetrics());
  const std::string page = registry.Text();
  EXPECT_THAT(page, HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
  for (const char* zero : {"process_resident_memory_bytes 0\n", "process_open_fds 0\n",
                           "process_start_time_seconds 0\n", "process_virtual_memory_bytes 0\n"}) {
    EXPECT_THAT(page, Not(HasSubstr(zero)));
  }
}

}  // namespace
}  // namespace immudb
