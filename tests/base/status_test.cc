// SPDX-License-Identifier: Apache-2.0
#include "immudb/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "base/status_macros.h"

namespace immudb {
namespace {

// Failures that a log cannot tell apart send people to the wrong place.
TEST(StatusTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  const int codes = static_cast<int>(StatusCode::kUnknown) + 1;
  for (int code = 0; code < codes; ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(codes));
}

TEST(StatusTest, OkIsTheDefaultAndSaysSo) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status::Ok(), Status());
  EXPECT_EQ(Status().ToString(), "Ok");
}

TEST(StatusTest, ContextIsAddedInFrontAndKeepsTheCode) {
  const Status lost = Status::DataLoss("bad frame").WithContext("00000001.log");
  EXPECT_EQ(lost.code(), StatusCode::kDataLoss);
  EXPECT_EQ(lost.ToString(), "DataLoss: 00000001.log: bad frame");
  EXPECT_EQ(Status().WithContext("anything"), Status());
}

// Some texts are part of the contract with the original's clients: nothing may decorate them.
TEST(StatusTest, MessageIsExactlyWhatWasGiven) {
  const Status status = Status::NotFound("Key not found");
  EXPECT_EQ(status.message(), "Key not found");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
}

Result<std::unique_ptr<int>> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument("odd");
  return std::make_unique<int>(n / 2);
}

Result<int> Quarter(int n) {
  auto half = Half(n);
  IMMUDB_RETURN_IF_ERROR(half);
  auto quarter = Half(**half);
  IMMUDB_RETURN_IF_ERROR(quarter);
  return **quarter;
}

Status CanBeHalved(int n) {
  IMMUDB_RETURN_IF_ERROR(Half(n));
  return Status::Ok();
}

TEST(ResultTest, HoldsAValueThatCanOnlyBeMoved) {
  auto half = Half(8);
  ASSERT_TRUE(half.ok());
  const std::unique_ptr<int> owned = *std::move(half);
  EXPECT_EQ(*owned, 4);
}

TEST(ResultTest, ErrorsLeaveTheFunctionUnchanged) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(7).status(), Status::InvalidArgument("odd"));
  EXPECT_EQ(Quarter(6).status(), Status::InvalidArgument("odd"));
  EXPECT_EQ(CanBeHalved(3).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(CanBeHalved(4).ok());
}

}  // namespace
}  // namespace immudb
