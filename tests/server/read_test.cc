// SPDX-License-Identifier: Apache-2.0
//
// Reads of single entries and of batches, by key and by index.
#include <string>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

class ReadTest : public RunningServerTest {
 protected:
  schema::Item item;
  schema::ItemList list;
};

TEST_F(ReadTest, GetAnswersTheLatestVersion) {
  MustSet("k", "old");
  MustSet("k", "");
  EXPECT_CALL_OK(Call("Get", KeyOf("k"), &item));
  EXPECT_EQ(item.key(), "k");
  EXPECT_EQ(item.value(), "");
  EXPECT_EQ(item.index(), 1U);
  EXPECT_STATUS(Call("Get", KeyOf("none"), &item), NOT_FOUND, "Key not found");
  EXPECT_STATUS(Call("Get", KeyOf("!badger!x"), &item), NOT_FOUND, "Key not found");
  for (const std::string& key :
       {std::string(), std::string("\0k", 2), std::string("IMMUDB.METADATA.LAST_FLUSHED_LEAF")}) {
    EXPECT_STATUS(Call("Get", KeyOf(key), &item), INVALID_ARGUMENT, "invalid key");
  }
}

TEST_F(ReadTest, OneLevelOfReferenceIsFollowed) {
  MustSet("k", "v1");
  MustWrite("Reference", ReferenceOf("r1", "k"));
  MustWrite("Reference", ReferenceOf("r2", "r1"));
  const uint64_t latest = MustSet("k", "v2");
  EXPECT_CALL_OK(Call("Get", KeyOf("r1"), &item));
  EXPECT_EQ(item.key(), "k");
  EXPECT_EQ(item.value(), "v2");
  EXPECT_EQ(item.index(), latest);
  EXPECT_CALL_OK(Call("Get", KeyOf("r2"), &item));
  EXPECT_EQ(item.key(), "r1");
  EXPECT_EQ(item.value(), "k");
  EXPECT_EQ(item.index(), 1U);
}

TEST_F(ReadTest, ByIndexAnswersWhatWasHashed) {
  MustSet("k", "v");
  MustWrite("Reference", ReferenceOf("r", "k"));
  MustWrite("ZAdd", MemberOf("set", 1.5, "k"));
  EXPECT_CALL_OK(Call("ByIndex", IndexOf(1), &item));
  EXPECT_EQ(item.key(), "r");
  EXPECT_EQ(item.value(), "k");
  EXPECT_CALL_OK(Call("ByIndex", IndexOf(2), &item));
  EXPECT_EQ(item.key(), SortedSetKey("set", 1.5, "k"));
  EXPECT_EQ(item.value(), "k");
  EXPECT_EQ(item.index(), 2U);
  EXPECT_STATUS(Call("ByIndex", IndexOf(3), &item), NOT_FOUND, "index not found");
  EXPECT_STATUS(Call("ByIndex", IndexOf(~uint64_t{0}), &item), NOT_FOUND, "index not found");
}

TEST_F(ReadTest, GetBatchLeavesOutUnknownKeysAndKeepsTheOrder) {
  MustSet("a", "1");
  MustSet("b", "2");
  schema::KeyList keys;
  for (const char* key : {"b", "none", "a", "b"}) *keys.add_keys() = KeyOf(key);
  EXPECT_CALL_OK(Call("GetBatch", keys, &list));
  EXPECT_EQ(KeysOf(list), (std::vector<std::string>{"b", "a", "b"}));
  *keys.add_keys() = KeyOf("");
  EXPECT_STATUS(Call("GetBatch", keys, &list), INVALID_ARGUMENT, "invalid key");
}

TEST_F(ReadTest, HistoryIsNewestFirstAndDoesNotFollow) {
  MustSet("k", "v1");
  MustSet("other", "x");
  MustSet("k", "v2");
  MustWrite("Reference", ReferenceOf("k", "other"));
  EXPECT_CALL_OK(Call("History", KeyOf("k"), &list));
  ASSERT_EQ(list.items_size(), 3);
  EXPECT_EQ(list.items(0).value(), "other");
  EXPECT_EQ(list.items(1).value(), "v2");
  EXPECT_EQ(list.items(1).index(), 2U);
  EXPECT_EQ(list.items(2).value(), "v1");
  for (const char* key : {"none", ""}) {
    EXPECT_CALL_OK(Call("History", KeyOf(key), &list));
    EXPECT_EQ(list.items_size(), 0);
  }
  EXPECT_STATUS(Call("History", KeyOf(std::string("\0k", 2)), &list), INVALID_ARGUMENT,
                "invalid key");
}

TEST_F(ReadTest, CountCountsDistinctKeysOfThePrefix) {
  MustSet("client:1", "a");
  MustSet("client:1", "b");
  MustSet("client:2", "c");
  MustSet("other", "d");
  MustWrite("Reference", ReferenceOf("client:r", "other"));
  MustWrite("ZAdd", MemberOf("client:set", 1, "other"));
  const auto count = [this](const std::string& prefix) {
    schema::KeyPrefix request;
    request.set_prefix(prefix);
    schema::ItemsCount response;
    EXPECT_CALL_OK(Call("Count", request, &response));
    return response.count();
  };
  EXPECT_EQ(count("client:"), 3U);
  EXPECT_EQ(count(""), 4U);
  EXPECT_EQ(count("none"), 0U);
  schema::KeyPrefix reserved;
  reserved.set_prefix(std::string("\0", 1));
  schema::ItemsCount response;
  EXPECT_STATUS(Call("Count", reserved, &response), INVALID_ARGUMENT, "invalid key prefix");
}

// The calls that parse fail as a whole, and the raw ones go on working.
TEST_F(ReadTest, RawValueIsRefusedByStructuredReads) {
  MustWrite("SetSV", StructuredOf("good", 7, "payload"));
  MustSet("raw", "\xff\xff\xff");
  schema::StructuredItem structured;
  schema::StructuredItemList structured_list;
  EXPECT_EQ(Call("GetSV", KeyOf("raw"), &structured).status.error_code(),
            grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(Call("ByIndexSV", IndexOf(1), &structured).status.error_code(),
            grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(Call("HistorySV", KeyOf("raw"), &structured_list).status.error_code(),
            grpc::StatusCode::UNKNOWN);
  EXPECT_CALL_OK(Call("HistorySV", KeyOf("good"), &structured_list));
  ASSERT_EQ(structured_list.items_size(), 1);
  EXPECT_EQ(structured_list.items(0).value().timestamp(), 7U);
  schema::KeyList keys;
  *keys.add_keys() = KeyOf("good");
  EXPECT_CALL_OK(Call("GetBatchSV", keys, &structured_list));
  ASSERT_EQ(structured_list.items_size(), 1);
  EXPECT_EQ(structured_list.items(0).value().payload(), "payload");
  *keys.add_keys() = KeyOf("raw");
  EXPECT_EQ(Call("GetBatchSV", keys, &structured_list).status.error_code(),
            grpc::StatusCode::UNKNOWN);
  schema::IScanOptions pages;
  pages.set_pagesize(10);
  schema::SPage page;
  EXPECT_STATUS(Call("IScanSV", pages, &page), FAILED_PRECONDITION,
                "unexpected not structured value encountered");
  EXPECT_CALL_OK(Call("Get", KeyOf("raw"), &item));
}

}  // namespace
}  // namespace immudb::testing
