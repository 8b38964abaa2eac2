// SPDX-License-Identifier: Apache-2.0
#include "cli/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace immudb {
namespace {

std::string Logged(const std::string& level) {
  testing::internal::CaptureStderr();
  EXPECT_TRUE(StartLogging("immudb ", level).ok());
  spdlog::error("e");
  spdlog::warn("w");
  spdlog::info("i 100%");
  spdlog::debug("d");
  spdlog::default_logger()->flush();
  return testing::internal::GetCapturedStderr();
}

constexpr char kTime[] = "immudb  [0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} ";

// Log shippers parse these lines.
TEST(Logging, LinesHaveTheFormOfTheContract) {
  const std::string text = Logged("debug");
  EXPECT_THAT(text, testing::ContainsRegex(std::string(kTime) + "ERROR: e\n"));
  EXPECT_THAT(text, testing::ContainsRegex(std::string(kTime) + "WARNING: w\n"));
  EXPECT_THAT(text, testing::ContainsRegex(std::string(kTime) + "INFO: i 100%\n"));
  EXPECT_THAT(text, testing::ContainsRegex(std::string(kTime) + "DEBUG: d\n"));
}

TEST(Logging, TheLevelIsObeyed) {
  EXPECT_THAT(Logged(""), testing::Not(testing::HasSubstr("DEBUG")));
  EXPECT_THAT(Logged("error"), testing::Not(testing::HasSubstr("WARNING")));
  EXPECT_EQ(StartLogging("immudb ", "loud").code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace immudb
