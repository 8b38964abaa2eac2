// SPDX-License-Identifier: Apache-2.0
//
// The sample files of configs/: who copies one must get what runs without it, and see every option.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "cli/config_file.h"
#include "immudb/daemon_options.h"

namespace immudb {
namespace {

// The settings of the sample; with `all`, also those that stand in it as comments.
Result<std::vector<ConfigEntry>> Sample(const std::string& suffix, bool all) {
  std::ostringstream content;
  content << std::ifstream(IMMUDB_CONFIGS "/immudb" + suffix).rdbuf();
  std::string text = content.str();
  if (all) text = std::regex_replace(text, std::regex("\n[#;] ([a-z-]+ =)"), "\n$1");
  return suffix == ".toml" ? ParseToml(text) : ParseIni(text, "immudb");
}

class SampleConfig : public testing::TestWithParam<std::string> {};

TEST_P(SampleConfig, ParsesAndChangesNothing) {
  const auto defaults = ParseCommandLine(DaemonProgram(), {}, Surroundings{});
  const auto sample = ParseCommandLine(
      DaemonProgram(), {"--config", IMMUDB_CONFIGS "/immudb" + GetParam()}, Surroundings{});
  ASSERT_TRUE(sample.ok()) << sample.status().message();
  for (const auto& spec : DaemonProgram().options) {
    if (spec.name == "config") continue;
    EXPECT_EQ(sample->settings.Written(spec.name), defaults->settings.Written(spec.name))
        << spec.name;
  }
  EXPECT_TRUE(StartWarnings(sample->settings).empty());
}

TEST_P(SampleConfig, HasEveryOptionWithItsDefault) {
  const auto entries = Sample(GetParam(), true);
  ASSERT_TRUE(entries.ok()) << entries.status().message();
  size_t expected = 0;
  for (const auto& spec : DaemonProgram().options) {
    if (spec.flag_only || spec.name == "config") continue;
    ++expected;
    const auto entry = std::ranges::find(*entries, spec.name, &ConfigEntry::key);
    ASSERT_NE(entry, entries->end()) << spec.name;
    EXPECT_EQ(entry->value, spec.default_value) << spec.name;
  }
  EXPECT_EQ(entries->size(), expected);
}

INSTANTIATE_TEST_SUITE_P(Files, SampleConfig, testing::Values(".toml", ".ini"));

}  // namespace
}  // namespace immudb
