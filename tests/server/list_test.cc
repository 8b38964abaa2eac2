// SPDX-License-Identifier: Apache-2.0
//
// Listings: order, limits, offsets, pages.
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

using Keys = std::vector<std::string>;

class ListTest : public RunningServerTest {
 protected:
  Keys Scan(const schema::ScanOptions& request) const {
    schema::ItemList list;
    EXPECT_CALL_OK(Call("Scan", request, &list));
    return KeysOf(list);
  }
  Keys ZScan(const schema::ZScanOptions& request) const {
    schema::ItemList list;
    EXPECT_CALL_OK(Call("ZScan", request, &list));
    return KeysOf(list);
  }
  schema::ItemList list;
};

schema::ScanOptions Prefix(const std::string& prefix) {
  schema::ScanOptions request;
  request.set_prefix(prefix);
  return request;
}

schema::ZScanOptions SetOf(const std::string& set) {
  schema::ZScanOptions request;
  request.set_set(set);
  return request;
}

TEST_F(ListTest, ScanIsByKeyLatestVersionsOnlyWithoutReferences) {
  MustSet("b", "1");
  MustSet("a", "1");
  MustSet("b", "2");
  MustSet("c\xff\xff", "last");
  MustWrite("Reference", ReferenceOf("ref", "a"));
  MustWrite("ZAdd", MemberOf("set", 1, "a"));
  EXPECT_EQ(Scan(Prefix("")), (Keys{"a", "b", "c\xff\xff"}));
  EXPECT_EQ(Scan(Prefix("c")), (Keys{"c\xff\xff"}));
  EXPECT_EQ(Scan(Prefix("none")), Keys{});
  schema::ScanOptions request = Prefix("");
  request.set_reverse(true);
  EXPECT_EQ(Scan(request), (Keys{"c\xff\xff", "b", "a"}));
  request = Prefix("c");
  request.set_reverse(true);
  EXPECT_EQ(Scan(request), (Keys{"c\xff\xff"}));
  EXPECT_CALL_OK(Call("Scan", Prefix("b"), &list));
  ASSERT_EQ(list.items_size(), 1);
  EXPECT_EQ(list.items(0).value(), "2");
  EXPECT_EQ(list.items(0).index(), 2U);
}

TEST_F(ListTest, DeepScanAnswersWhatReferencesPointTo) {
  MustSet("a", "1");
  MustWrite("Reference", ReferenceOf("ref", "a"));
  MustWrite("ZAdd", MemberOf("set", 1, "a"));
  schema::ScanOptions request = Prefix("");
  request.set_deep(true);
  EXPECT_EQ(Scan(request), (Keys{"a", "a", "a"}));
  request.set_prefix("ref");
  EXPECT_EQ(Scan(request), (Keys{"a"}));
}

TEST_F(ListTest, ScanStartsAfterTheOffsetAndStopsAtTheLimit) {
  for (const char* key : {"k1", "k2", "k3", "k4"}) MustSet(key, "v");
  schema::ScanOptions request = Prefix("k");
  request.set_offset("k1");
  request.set_limit(2);
  EXPECT_EQ(Scan(request), (Keys{"k2", "k3"}));
  request.set_reverse(true);
  request.set_offset("k3");
  EXPECT_EQ(Scan(request), (Keys{"k2", "k1"}));
}

TEST_F(ListTest, ScanOfManyKeysMissesNone) {
  schema::KVList batch;
  Keys expected;
  for (int i = 10'000; i < 11'700; ++i) {
    expected.push_back(NumberedKey(i));
    *batch.add_kvs() = KeyValueOf(expected.back(), "v");
  }
  MustWrite("SetBatch", batch);
  EXPECT_EQ(Scan(Prefix("k")), expected);
  schema::ScanOptions request = Prefix("");
  request.set_reverse(true);
  request.set_limit(1300);
  EXPECT_EQ(Scan(request), Keys(expected.rbegin(), expected.rbegin() + 1300));
}

TEST_F(ListTest, ReservedPrefixesAreRefused) {
  const std::string reserved("\0x", 2);
  EXPECT_STATUS(Call("Scan", Prefix(reserved), &list), INVALID_ARGUMENT, "invalid key prefix");
  schema::ScanOptions request = Prefix("");
  request.set_offset(reserved);
  EXPECT_STATUS(Call("Scan", request, &list), INVALID_ARGUMENT, "invalid offset");
  EXPECT_STATUS(Call("ZScan", SetOf(""), &list), INVALID_ARGUMENT, "invalid set");
  EXPECT_STATUS(Call("ZScan", SetOf(reserved), &list), INVALID_ARGUMENT, "invalid set");
  schema::ZScanOptions wrong_offset = SetOf("s");
  wrong_offset.set_offset(reserved);
  EXPECT_STATUS(Call("ZScan", wrong_offset, &list), INVALID_ARGUMENT, "invalid offset");
}

TEST_F(ListTest, SortedSetIsByScoreAsNumberAndOnlyThatSet) {
  for (const char* key : {"a", "b", "c", "d", "setplain"}) MustSet(key, "v");
  const double infinity = std::numeric_limits<double>::infinity();
  MustWrite("ZAdd", MemberOf("set", 2, "b"));
  MustWrite("ZAdd", MemberOf("set", -1.5, "c"));
  MustWrite("ZAdd", MemberOf("set", infinity, "a"));
  MustWrite("ZAdd", MemberOf("set", -infinity, "d"));
  MustWrite("ZAdd", MemberOf("set", 2, "a"));
  MustWrite("ZAdd", MemberOf("set2", 0, "d"));
  EXPECT_EQ(ZScan(SetOf("set")), (Keys{"d", "c", "a", "b", "a"}));
  EXPECT_EQ(ZScan(SetOf("se")), Keys{});
  schema::ZScanOptions request = SetOf("set");
  request.set_reverse(true);
  EXPECT_EQ(ZScan(request), (Keys{"a", "b", "a", "c", "d"}));
  request.set_limit(2);
  request.set_offset(SortedSetKey("set", 2, "b"));
  EXPECT_EQ(ZScan(request), (Keys{"a", "c"}));
  // Members show the latest version of their key.
  const uint64_t latest = MustSet("d", "new");
  EXPECT_CALL_OK(Call("ZScan", SetOf("set"), &list));
  EXPECT_EQ(list.items(0).value(), "new");
  EXPECT_EQ(list.items(0).index(), latest);
}

TEST_F(ListTest, StructuredListingsParseTheValues) {
  MustWrite("SetSV", StructuredOf("a", 5, "x"));
  MustWrite("ZAdd", MemberOf("set", 1, "a"));
  schema::StructuredItemList structured;
  EXPECT_CALL_OK(Call("ScanSV", Prefix(""), &structured));
  ASSERT_EQ(structured.items_size(), 1);
  EXPECT_EQ(structured.items(0).value().payload(), "x");
  EXPECT_CALL_OK(Call("ZScanSV", SetOf("set"), &structured));
  ASSERT_EQ(structured.items_size(), 1);
  EXPECT_EQ(structured.items(0).value().timestamp(), 5U);
}

class PageTest : public ListTest {
 protected:
  static schema::IScanOptions PageRequest(uint64_t size, uint64_t number) {
    schema::IScanOptions request;
    request.set_pagesize(size);
    request.set_pagenumber(number);
    return request;
  }
  schema::Page page;
};

TEST_F(PageTest, PagesAreInIndexOrderAndSayWhetherMoreFollows) {
  EXPECT_STATUS(Call("IScan", PageRequest(2, 1), &page), NOT_FOUND, "index not found");
  for (const char* key : {"c", "b", "a"}) MustSet(key, "v");
  for (const uint64_t first : {0U, 1U}) {
    EXPECT_CALL_OK(Call("IScan", PageRequest(2, first), &page));
    EXPECT_EQ(KeysOf(page), (Keys{"c", "b"}));
    EXPECT_TRUE(page.more());
  }
  EXPECT_CALL_OK(Call("IScan", PageRequest(2, 2), &page));
  EXPECT_EQ(KeysOf(page), (Keys{"a"}));
  EXPECT_FALSE(page.more());
  EXPECT_CALL_OK(Call("IScan", PageRequest(3, 1), &page));
  EXPECT_FALSE(page.more());
  EXPECT_STATUS(Call("IScan", PageRequest(3, 2), &page), NOT_FOUND, "index not found");
}

TEST_F(PageTest, OddPageRequestsAreHarmless) {
  MustSet("a", "v");
  MustSet("b", "v");
  for (const uint64_t number : {0U, 1U, 9U}) {
    EXPECT_CALL_OK(Call("IScan", PageRequest(0, number), &page));
    EXPECT_EQ(KeysOf(page), (Keys{"a"}));
    EXPECT_TRUE(page.more());
  }
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  EXPECT_CALL_OK(Call("IScan", PageRequest(huge, 1), &page));
  EXPECT_EQ(page.items_size(), 2);
  EXPECT_STATUS(Call("IScan", PageRequest(huge, huge), &page), NOT_FOUND, "index not found");
}

TEST_F(PageTest, StructuredPagesCarryTheirNumber) {
  for (const char* key : {"a", "b", "c"}) MustWrite("SetSV", StructuredOf(key, 1, key));
  schema::SPage structured;
  EXPECT_CALL_OK(Call("IScanSV", PageRequest(1, 2), &structured));
  ASSERT_EQ(structured.items_size(), 1);
  EXPECT_EQ(structured.items(0).value().payload(), "b");
  EXPECT_EQ(structured.pagenum(), 2U);
  EXPECT_TRUE(structured.more());
}

class AnswerSizeTest : public ServerTest {
 protected:
  // Flips the last byte of this value, in the only segment of the default database's log.
  void Damage(const std::string& value) {
    const std::string path = options.directory + "/defaultdb/log/00000000.log";
    std::stringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    const size_t at = content.str().find(value);
    ASSERT_NE(at, std::string::npos);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at + value.size() - 1));
    file.put('!');
    ASSERT_TRUE(file.good());
  }
  template <typename Request, typename Response>
  grpc::StatusCode CodeOf(const char* method, const Request& request, Response response) {
    return Call(method, request, &response).status.error_code();
  }
};

// The client would see its connection break, and try again for ever.
TEST_F(AnswerSizeTest, ListingLargerThanAMessageIsAnError) {
  options.max_message_bytes = 100'000;
  StartAndLogin();
  for (int i = 0; i < 4; ++i) MustSet(NumberedKey(i), std::string(30'000, 'v'));
  for (int i = 0; i < 4; ++i) MustSet("k", std::string(30'000, 'v'));
  schema::ItemList list;
  schema::Page page;
  schema::IScanOptions pages;
  pages.set_pagesize(10);
  const auto scanned = Call("Scan", Prefix(""), &list);
  EXPECT_EQ(scanned.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(scanned.status.error_message().find("limit"), std::string::npos);
  EXPECT_EQ(Call("History", KeyOf("k"), &list).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Call("IScan", pages, &page).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  schema::ScanOptions limited = Prefix("");
  limited.set_limit(3);
  EXPECT_CALL_OK(Call("Scan", limited, &list));
  EXPECT_EQ(list.items_size(), 3);
}

// Else one call for a large listing takes the memory of all the others. What would be gathered
// after the refusal is damaged here, so that reading it shows.
TEST_F(AnswerSizeTest, RefusedListingReadsNothingMore) {
  options.max_message_bytes = 100'000;
  StartAndLogin();
  const auto value = [](int i) { return NumberedKey(i) + std::string(30'000, 'v'); };
  for (int i = 0; i < 6; ++i) MustSet(NumberedKey(i), value(i));
  for (int i = 0; i < 6; ++i) MustWrite("ZAdd", MemberOf("set", i, NumberedKey(i)));
  Damage(value(5));
  schema::ScanOptions deep = Prefix("set");
  deep.set_deep(true);
  schema::IScanOptions pages;
  pages.set_pagesize(6);
  EXPECT_EQ(CodeOf("Scan", Prefix("k"), schema::ItemList()), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf("Scan", deep, schema::ItemList()), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf("ZScan", SetOf("set"), schema::ItemList()),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf("IScan", pages, schema::Page()), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf("Get", KeyOf("k5"), schema::Item()), grpc::StatusCode::DATA_LOSS);
  for (int i = 1; i < 6; ++i) MustSet("h", value(i) + "h");
  Damage(value(1) + "h");
  EXPECT_EQ(CodeOf("History", KeyOf("h"), schema::ItemList()),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// A small request could ask for one large value as often as keys fit into a message.
TEST_F(AnswerSizeTest, RepeatedKeysOfABatchCountEachTime) {
  options.max_message_bytes = 100'000;
  StartAndLogin();
  MustSet("k", std::string(30'000, 'v'));
  schema::KeyList keys;
  for (int i = 0; i < 3; ++i) *keys.add_keys() = KeyOf("k");
  schema::ItemList list;
  EXPECT_CALL_OK(Call("GetBatch", keys, &list));
  EXPECT_EQ(list.items_size(), 3);
  for (int i = 0; i < 10'000; ++i) *keys.add_keys() = KeyOf("k");
  EXPECT_EQ(CodeOf("GetBatch", keys, schema::ItemList()), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace immudb::testing
