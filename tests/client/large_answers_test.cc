// SPDX-License-Identifier: Apache-2.0
//
// Our clients take what the server may send, and read in pages what no message holds.
#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "client/audit_source.h"
#include "immuclient_live.h"

namespace immudb {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// The server's limit is above that of a client which is told nothing.
class LargerThanUsual : public LiveImmuclient {
 protected:
  LargerThanUsual() { max_message_bytes_ = 40 * kMiB; }
};

TEST_F(LargerThanUsual, EachWayToReadALargeValueWorks) {
  const std::string value(36 * kMiB, 'v');
  ASSERT_TRUE(client_->SafeSet("large", value).ok());
  const auto item = client_->Get("large");
  ASSERT_TRUE(item.ok()) << item.status().ToString();
  EXPECT_EQ(item->value.size(), value.size());
  EXPECT_TRUE(client_->SafeGet("large").ok());
  EXPECT_EQ(client_->Scan({}).value().size(), 1U);
  EXPECT_EQ(client_->History("large").value().size(), 1U);
  uint64_t records = 0;
  const auto dumped = client_->Dump([&](const DumpRecord& /*record*/) {
    ++records;
    return Status::Ok();
  });
  EXPECT_TRUE(dumped.ok()) << dumped.status().ToString();
  EXPECT_EQ(records, 2U);  // a node of the tree, the entry

  ClientOptions options;
  options.port = server_->port();
  auto source = DialAuditSource(options);
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Login("immudb", "immudb").ok());
  ASSERT_TRUE((*source)->Use("defaultdb").ok());
  EXPECT_EQ((*source)->IScan(1, 512).value().items.size(), 1U);
}

TEST_F(LargerThanUsual, AClientMayTakeLess) {
  ASSERT_TRUE(client_->Set("large", std::string(2 * kMiB, 'v')).ok());
  ClientOptions options;
  options.port = server_->port();
  options.max_message_bytes = kMiB;
  options.token_file = directory_ / "token";
  options.root_directory = directory_.path();
  const auto client = Client::Connect(options);
  ASSERT_TRUE(client.ok());
  EXPECT_EQ((*client)->Get("large").status().code(), StatusCode::kResourceExhausted);
}

class SmallerThanUsual : public LiveImmuclient {
 protected:
  SmallerThanUsual() { max_message_bytes_ = kMiB; }
};

TEST_F(SmallerThanUsual, WhatNoMessageHoldsIsReadInPages) {
  const std::string value(300'000, 'v');
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client_->Set("key" + std::to_string(i), value).ok());
    ASSERT_TRUE(client_->Set("key", std::to_string(i) + value).ok());
  }
  const auto versions = client_->History("key");
  ASSERT_TRUE(versions.ok()) << versions.status().ToString();
  ASSERT_EQ(versions->size(), 10U);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ((*versions)[i].value, std::to_string(9 - i) + value);
    EXPECT_EQ((*versions)[i].index.value, 2 * (9 - i) + 1);
    EXPECT_EQ((*versions)[i].key, "key");
  }
  const auto scanned = Call({"scan", "key", "--output=jsonl"});
  EXPECT_EQ(scanned.code, 0) << scanned.err;
  EXPECT_EQ(std::ranges::count(scanned.out, '\n'), 11);
  const auto some = Call({"scan", "key", "--output=jsonl", "--limit=7", "--reverse"});
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_EQ(std::ranges::count(some.out, '\n'), 7);
  const std::string file = directory_ / "export.jsonl";
  EXPECT_EQ(Call({"export", file}).code, 0);
  std::ifstream exported(file);
  EXPECT_GE(std::count(std::istreambuf_iterator(exported), {}, '\n'), 11);
}

}  // namespace
}  // namespace immudb
