// SPDX-License-Identifier: Apache-2.0
//
// Calls that wait for closed databases.
#include "server/database_opener.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "database/database.h"
#include "database/databases.h"
#include "support/gate_file_system.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

class DatabaseOpenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Databases::Open({.directory = directory_.path(),
                                   .default_database = "defaultdb",
                                   .max_open = 2,
                                   .file_system = &files_});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    databases_ = *std::move(opened);
    for (const char* name : {"slow", "a", "b"}) {
      ASSERT_TRUE(databases_->Create(name, {}).ok());
    }
  }
  // How the opening ends; that it was not taken is an error too.
  std::future<Status> Open(DatabaseOpener& opener, const char* name) {
    auto end = std::make_shared<std::promise<Status>>();
    auto ended = end->get_future();
    const bool taken = opener.Open(
        *databases_->Find(name),
        [end](Result<std::shared_ptr<Store>> opened) { end->set_value(opened.status()); });
    if (!taken) end->set_value(Status::ResourceExhausted("not taken"));
    return ended;
  }
  static Status Wait(std::future<Status>& ended) {
    if (ended.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
      return Status::Internal("never ended");
    }
    return ended.get();
  }
  bool IsOpen(const char* name) { return databases_->Find(name)->LastUse().has_value(); }

  TempDir directory_;
  GateFileSystem files_{"/slow/"};
  std::unique_ptr<Databases> databases_;
};

// A database that recovers for minutes is no other one's delay, and makes room once.
TEST_F(DatabaseOpenerTest, ManyCallsForOneHoldUpNoOther) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(databases_->OpenStore(*databases_->Find(name)).ok());
  }
  ASSERT_FALSE(IsOpen("slow"));
  files_.CloseGate();
  DatabaseOpener opener(*databases_);
  std::vector<std::future<Status>> slow;
  for (int i = 0; i < 8; ++i) slow.push_back(Open(opener, "slow"));
  EXPECT_TRUE(files_.WaitForArrival());
  EXPECT_EQ(IsOpen("a") + IsOpen("b"), 1) << "made room for more than one";
  auto other = Open(opener, IsOpen("a") ? "b" : "a");
  EXPECT_EQ(Wait(other), Status::Ok());
  files_.OpenGate();
  for (auto& each : slow) EXPECT_EQ(Wait(each), Status::Ok());
  EXPECT_LE(databases_->open_count(), 2U);
}

TEST_F(DatabaseOpenerTest, NotMoreThanSoManyWaitForOne) {
  ASSERT_TRUE(databases_->Find("slow")->CloseIfUnused(Database::Time::max()) || !IsOpen("slow"));
  files_.CloseGate();
  DatabaseOpener opener(*databases_);
  std::vector<std::future<Status>> slow;
  for (int i = 0; i < 513; ++i) slow.push_back(Open(opener, "slow"));
  EXPECT_EQ(Wait(slow.back()), Status::ResourceExhausted("not taken"));
  slow.pop_back();
  auto other = Open(opener, "a");
  EXPECT_EQ(Wait(other), Status::Ok());
  files_.OpenGate();
  for (auto& each : slow) EXPECT_EQ(Wait(each), Status::Ok());
}

TEST_F(DatabaseOpenerTest, AllLearnOfTheSameFailure) {
  ASSERT_FALSE(IsOpen("slow"));
  files_.FailWith(Status::ResourceExhausted("Too many open files"));
  DatabaseOpener opener(*databases_);
  std::vector<std::future<Status>> slow;
  for (int i = 0; i < 4; ++i) slow.push_back(Open(opener, "slow"));
  for (auto& each : slow) EXPECT_EQ(Wait(each).code(), StatusCode::kResourceExhausted);
  files_.FailWith(Status::Ok());
  auto again = Open(opener, "slow");
  EXPECT_EQ(Wait(again), Status::Ok());
}

}  // namespace
}  // namespace immudb::testing
