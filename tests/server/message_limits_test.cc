// SPDX-License-Identifier: Apache-2.0
//
// An entry that was accepted can be read by every call that must carry it.
#include <gmock/gmock.h>

#include "server/message_limits.h"
#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kLimit = 100'000;
constexpr size_t kMost = kLimit - kAnswerEnvelopeBytes;

class MessageLimitsTest : public ServerTest {
 protected:
  MessageLimitsTest() { options.max_message_bytes = kLimit; }

  template <typename Response, typename Request>
  void ExpectFits(const char* method, const Request& request) {
    Response response;
    EXPECT_CALL_OK(Call(method, request, &response));
    EXPECT_LE(response.ByteSizeLong(), options.max_message_bytes) << method;
    EXPECT_GT(response.ByteSizeLong(), kMost) << method;
  }
  template <typename Response, typename Request>
  void ExpectTooLarge(const char* method, const Request& request) {
    Response response;
    const auto refused = Call(method, request, &response);
    EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << method;
    EXPECT_THAT(refused.status.error_message(), HasSubstr("--max-message-size")) << method;
  }
  void Restart(size_t limit) {
    Stop();
    options.max_message_bytes = limit;
    StartAndLogin();
  }
  uint64_t Entries() {
    schema::Root root;
    EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
    return root.root().empty() ? 0 : root.index() + 1;
  }
  static schema::ScanOptions ScanOf(uint64_t limit, const std::string& offset = "") {
    schema::ScanOptions scan;
    scan.set_limit(limit);
    scan.set_offset(offset);
    return scan;
  }
  static schema::SafeGetOptions SafeGetOf(const std::string& key) {
    schema::SafeGetOptions request;
    request.set_key(key);
    return request;
  }
  static schema::IScanOptions PageOf(uint64_t number) {
    schema::IScanOptions page;
    page.set_pagenumber(number);
    page.set_pagesize(1);
    return page;
  }
};

TEST_F(MessageLimitsTest, TheLargestEntryFitsIntoEveryAnswer) {
  StartAndLogin();
  const std::string key(65'000, 'k');
  MustSet(key, std::string(kMost - key.size(), 'v'));
  ExpectFits<schema::Item>("Get", KeyOf(key));
  ExpectFits<schema::SafeItem>("SafeGet", SafeGetOf(key));
  ExpectFits<schema::Item>("ByIndex", IndexOf(0));
  schema::SafeIndexOptions safe_index;
  ExpectFits<schema::SafeItem>("BySafeIndex", safe_index);
  ExpectFits<schema::ItemList>("History", KeyOf(key));
  ExpectFits<schema::ItemList>("Scan", ScanOf(0));
  ExpectFits<schema::Page>("IScan", PageOf(1));
  schema::KeyList keys;
  *keys.add_keys() = KeyOf(key);
  ExpectFits<schema::ItemList>("GetBatch", keys);

  MustSet("short", std::string(kMost - 5, 'v'));
  MustWrite("Reference", ReferenceOf("name", "short"));
  MustWrite("ZAdd", MemberOf("set", 1, "short"));
  ExpectFits<schema::Item>("Get", KeyOf("name"));
  schema::ZScanOptions members;
  members.set_set("set");
  ExpectFits<schema::ItemList>("ZScan", members);
}

TEST_F(MessageLimitsTest, WhatWouldNotFitIsRefusedBeforeItHasAnIndex) {
  StartAndLogin();
  MustSet("k", "v");
  const std::string value(kMost, 'v');
  const schema::KeyValue entry = KeyValueOf("k", value);
  ExpectTooLarge<schema::Index>("Set", entry);
  schema::SafeSetOptions safe;
  *safe.mutable_kv() = entry;
  ExpectTooLarge<schema::Proof>("SafeSet", safe);
  schema::KVList list;
  *list.add_kvs() = KeyValueOf("small", "v");
  *list.add_kvs() = entry;
  ExpectTooLarge<schema::Index>("SetBatch", list);
  const schema::StructuredKeyValue structured = StructuredOf("k", 1, value);
  ExpectTooLarge<schema::Index>("SetSV", structured);
  schema::SafeSetSVOptions safe_structured;
  *safe_structured.mutable_skv() = structured;
  ExpectTooLarge<schema::Proof>("SafeSetSV", safe_structured);
  schema::SKVList structured_list;
  *structured_list.add_skvs() = structured;
  ExpectTooLarge<schema::Index>("SetBatchSV", structured_list);
  // Stored, the key stands in them twice.
  const std::string key(48'000, 'k');
  MustSet(key, "v");
  ExpectTooLarge<schema::Index>("Reference", ReferenceOf(std::string(48'000, 'r'), key));
  ExpectTooLarge<schema::Index>("ZAdd", MemberOf("set", 1, key));
  schema::SafeReferenceOptions safe_reference;
  *safe_reference.mutable_ro() = ReferenceOf(std::string(48'000, 'r'), key);
  ExpectTooLarge<schema::Proof>("SafeReference", safe_reference);
  schema::SafeZAddOptions safe_member;
  *safe_member.mutable_zopts() = MemberOf("set", 1, key);
  ExpectTooLarge<schema::Proof>("SafeZAdd", safe_member);
  EXPECT_EQ(Entries(), 2U);
}

// Earlier versions accepted whatever came through the limit as a request.
TEST_F(MessageLimitsTest, AnEntryThatFilledItsRequestCanBeRead) {
  constexpr size_t kLarge = size_t{5} << 20;
  options.max_message_bytes = 2 * kLarge;
  StartAndLogin();
  MustSet("k", std::string(kLarge - 1, 'v'));
  Restart(kLarge);
  schema::Item item;
  EXPECT_CALL_OK(Call("Get", KeyOf("k"), &item));
  schema::SafeItem safe;
  EXPECT_CALL_OK(Call("SafeGet", SafeGetOf("k"), &safe));
  EXPECT_LE(safe.ByteSizeLong(), LargestAnswerBytes(options));
  schema::ItemList list;
  EXPECT_CALL_OK(Call("Scan", ScanOf(0), &list));
  EXPECT_CALL_OK(Call("History", KeyOf("k"), &list));
  schema::Page page;
  EXPECT_CALL_OK(Call("IScan", PageOf(1), &page));
}

TEST_F(MessageLimitsTest, WhatASmallerLimitHidesIsNamedAndPassed) {
  options.max_message_bytes = size_t{16} << 20;
  StartAndLogin();
  MustSet("a", "1");
  MustSet("b", std::string(size_t{6} << 20, 'v'));
  MustSet("c", "3");
  Restart(kLimit);
  const auto hidden = AllOf(HasSubstr("entry 1 with key \"b\""), HasSubstr("--max-message-size"));
  schema::Item item;
  EXPECT_THAT(Call("Get", KeyOf("b"), &item).status.error_message(), hidden);
  EXPECT_THAT(Call("ByIndex", IndexOf(1), &item).status.error_message(), hidden);
  schema::SafeItem safe;
  EXPECT_THAT(Call("SafeGet", SafeGetOf("b"), &safe).status.error_message(), hidden);
  schema::ItemList list;
  EXPECT_EQ(Call("Scan", ScanOf(0), &list).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_CALL_OK(Call("Scan", ScanOf(1), &list));
  EXPECT_THAT(Call("Scan", ScanOf(1, "a"), &list).status.error_message(), hidden);
  EXPECT_CALL_OK(Call("Scan", ScanOf(0, "b"), &list));
  EXPECT_THAT(KeysOf(list), ::testing::ElementsAre("c"));
  schema::Page page;
  EXPECT_THAT(Call("IScan", PageOf(2), &page).status.error_message(), hidden);
  EXPECT_CALL_OK(Call("IScan", PageOf(3), &page));
}

// Our clients take what they were told; the originals do not look at it.
TEST_F(MessageLimitsTest, HealthTellsTheLargestAnswer) {
  Start();
  schema::HealthResponse health;
  const auto answered = Call("Health", Empty(), &health);
  EXPECT_CALL_OK(answered);
  const auto found = answered.headers.find(kLargestAnswerHeader);
  ASSERT_NE(found, answered.headers.end());
  EXPECT_EQ(found->second, std::to_string(LargestAnswerBytes(options)));
}

}  // namespace
}  // namespace immudb::testing
