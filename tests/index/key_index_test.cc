// SPDX-License-Identifier: Apache-2.0
//
// Point reads, histories and listings by key.
#include "index/key_index.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "index/entry_log.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using namespace std::string_literals;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeyIndexTest : public ::testing::Test {
 protected:
  // Applies what was added to log_ since the last time.
  TreeSize Apply() {
    log_.CatchUp(*index_);
    return log_.size();
  }

  std::vector<std::string> ListedKeys(const KeyIndex::ListOptions& options) {
    return Keys(List(*index_, options, log_.size()));
  }

  TempDir dir_;
  EntryLog log_;
  std::unique_ptr<KeyIndex> index_ = OpenIndex(dir_.File("index"));
};

TEST_F(KeyIndexTest, AnEmptyIndexAnswersNothing) {
  EXPECT_EQ(index_->applied(), TreeSize{0});
  EXPECT_EQ(Latest(*index_, "k", {0}), std::nullopt);
  EXPECT_THAT(History(*index_, "k", {0}), IsEmpty());
  EXPECT_THAT(List(*index_, {}, {0}), IsEmpty());
  EXPECT_THAT(List(*index_, {.reverse = true}, {0}), IsEmpty());
  EXPECT_THAT(ListSet(*index_, {.set = "s"}, {0}), IsEmpty());
}

// Whoever serves many connections hands a read that would wait to another thread.
TEST_F(KeyIndexTest, AtOnceNoTableIsReadFromTheDisk) {
  const std::string path = dir_.File("index");
  for (int i = 0; i < 2000; ++i) log_.Value("k" + std::to_string(i), std::string(100, 'v'));
  Apply();
  const auto at_once = [&] { return index_->Get("k1000", log_.size(), ReadMode::kAtOnce); };
  EXPECT_TRUE(at_once().ok()) << "it is in the memtable";
  ASSERT_TRUE(index_->Flush().ok());
  index_.reset();
  index_ = OpenIndex(path);  // with an empty block cache
  bool can_tell = true;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    if (file.path().extension() != ".sst") continue;
    const int fd = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::fsync(fd), 0);
    ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    char byte = 0;
    iovec one{.iov_base = &byte, .iov_len = 1};
    can_tell = can_tell && ::preadv2(fd, &one, 1, 0, RWF_NOWAIT) < 0 && errno == EAGAIN;
    // That begins to read ahead: only what has been read can be dropped.
    std::string all(std::filesystem::file_size(file.path()), '\0');
    ASSERT_EQ(::pread(fd, all.data(), all.size(), 0), static_cast<ssize_t>(all.size()));
    ASSERT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ::close(fd);
  }
  if (!can_tell) GTEST_SKIP() << "this file system does not tell what is in memory";
  EXPECT_EQ(at_once().status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(index_->Get("k1000", log_.size()).ok());
  EXPECT_TRUE(at_once().ok()) << "now it is in memory";
  EXPECT_EQ(index_->Get("unknown", log_.size(), ReadMode::kMayWait).status().code(),
            StatusCode::kNotFound);
}

TEST_F(KeyIndexTest, AReadAtAnOlderSizeGivesTheVersionOfThatTime) {
  log_.Value("k", "first");
  log_.Value("other", "x");
  log_.Value("k", "second");
  Apply();
  EXPECT_EQ(Latest(*index_, "k", {0}), std::nullopt);
  EXPECT_EQ(Latest(*index_, "k", {1}), (Row{"k", 0, EntryKind::kValue, "first"}));
  EXPECT_EQ(Latest(*index_, "k", {2}), (Row{"k", 0, EntryKind::kValue, "first"}));
  EXPECT_EQ(Latest(*index_, "k", {3}), (Row{"k", 2, EntryKind::kValue, "second"}));
  EXPECT_EQ(Latest(*index_, "other", {1}), std::nullopt);
  EXPECT_EQ(Latest(*index_, "kk", {3}), std::nullopt);
  EXPECT_EQ(Latest(*index_, "", {3}), std::nullopt);
}

TEST_F(KeyIndexTest, TheSameKeyTwiceInOneGroupKeepsBothVersions) {
  log_.Value("k", "a");
  log_.Value("k", "b");
  log_.Value("k", "b");
  Apply();
  EXPECT_EQ(History(*index_, "k", {3}), log_.History("k", {3}));
  EXPECT_EQ(History(*index_, "k", {2}), log_.History("k", {2}));
  EXPECT_EQ(Latest(*index_, "k", {3})->index, 2U);
}

TEST_F(KeyIndexTest, HistoryIsNewestFirstAndOfExactlyThatKey) {
  for (int i = 0; i < 50; ++i) {
    log_.Value("k", std::to_string(i));
    log_.Value("k\0"s + "x", "longer");
    log_.Value("k0", "longer");
  }
  log_.Reference("k", "k0");
  const TreeSize size = Apply();
  for (const TreeSize at : {size, TreeSize{77}, TreeSize{1}, TreeSize{0}}) {
    EXPECT_EQ(History(*index_, "k", at), log_.History("k", at)) << at.value;
  }
  EXPECT_EQ(History(*index_, "k", size).front().kind, EntryKind::kReference);
  EXPECT_THAT(History(*index_, "absent", size), IsEmpty());
  EXPECT_THAT(History(*index_, "", size), IsEmpty());
}

TEST_F(KeyIndexTest, KindsShareOneNameSpace) {
  log_.Value("key", "v");
  log_.Reference("name", "key");
  log_.Member("set", 1.5, "key");
  const TreeSize size = Apply();
  EXPECT_EQ(Latest(*index_, "name", size), (Row{"name", 1, EntryKind::kReference, "key"}));
  const std::string member = MemberKey("set", 1.5, "key");
  EXPECT_EQ(Latest(*index_, member, size), (Row{member, 2, EntryKind::kSortedSetMember, "key"}));
  EXPECT_EQ(List(*index_, {}, size), log_.List({}, size));
}

TEST_F(KeyIndexTest, KeysThatArePrefixesOfOneAnotherOrHoldZeroBytesStayApart) {
  const std::vector<std::string> keys = {"a",      "a\0"s,     "a\0\0"s, "a\0b"s,  "a\x01",
                                         "a\x01z", "a\xFF"s,   "aa",     "b\0\0"s, "b\0\0\0"s,
                                         "b\0\1"s, "b\xFF\0"s, "c"};
  for (const std::string& key : keys) {
    log_.Value(key, key + " value");
  }
  const TreeSize size = Apply();
  for (const std::string& key : keys) {
    EXPECT_EQ(Latest(*index_, key, size), log_.Latest(key, size)) << ToHex(key);
    EXPECT_EQ(History(*index_, key, size).size(), 1U) << ToHex(key);
    for (const bool reverse : {false, true}) {
      const KeyIndex::ListOptions below{.prefix = key, .reverse = reverse};
      EXPECT_EQ(List(*index_, below, size), log_.List(below, size)) << ToHex(key);
      const KeyIndex::ListOptions beyond{.after = key, .reverse = reverse};
      EXPECT_EQ(List(*index_, beyond, size), log_.List(beyond, size)) << ToHex(key);
    }
  }
}

TEST_F(KeyIndexTest, KeysWith0xFFAfterThePrefixAreListedInBothDirections) {
  for (const char* key : {"p", "p\xFF", "p\xFF\x01", "p\xFF\xFF", "p\xFF\xFFz", "q", "o\xFF"}) {
    log_.Value(key, "");
  }
  Apply();
  EXPECT_THAT(ListedKeys({.prefix = "p"}),
              ElementsAre("p", "p\xFF", "p\xFF\x01", "p\xFF\xFF", "p\xFF\xFFz"));
  EXPECT_THAT(ListedKeys({.prefix = "p", .reverse = true}),
              ElementsAre("p\xFF\xFFz", "p\xFF\xFF", "p\xFF\x01", "p\xFF", "p"));
  EXPECT_THAT(ListedKeys({.prefix = "p\xFF", .reverse = true}),
              ElementsAre("p\xFF\xFFz", "p\xFF\xFF", "p\xFF\x01", "p\xFF"));
}

TEST_F(KeyIndexTest, APrefixOf0xFFBytesHasNoUpperBound) {
  for (const char* key : {"a", "\xFF", "\xFF\xFF", "\xFF\xFF\x01", "\xFF\xFF\xFF", "\xFE"}) {
    log_.Value(key, "");
  }
  Apply();
  EXPECT_THAT(ListedKeys({.prefix = "\xFF\xFF"}),
              ElementsAre("\xFF\xFF", "\xFF\xFF\x01", "\xFF\xFF\xFF"));
  EXPECT_THAT(ListedKeys({.prefix = "\xFF\xFF", .reverse = true}),
              ElementsAre("\xFF\xFF\xFF", "\xFF\xFF\x01", "\xFF\xFF"));
  EXPECT_THAT(ListedKeys({.prefix = "\xFF\xFF", .after = "\xFF\xFF\x01", .reverse = true}),
              ElementsAre("\xFF\xFF"));
}

TEST_F(KeyIndexTest, AfterIsStrictAndNeedNotExist) {
  for (const char* key : {"a1", "a2", "a3", "b1"}) {
    log_.Value(key, "");
  }
  Apply();
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "a2"}), ElementsAre("a3"));
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "a2", .reverse = true}), ElementsAre("a1"));
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "a15"}), ElementsAre("a2", "a3"));
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "a15", .reverse = true}), ElementsAre("a1"));
  // Outside of the prefix: all or nothing, never keys of another prefix.
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "A"}), ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "z", .reverse = true}),
              ElementsAre("a3", "a2", "a1"));
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "b"}), IsEmpty());
  EXPECT_THAT(ListedKeys({.prefix = "a", .after = "A", .reverse = true}), IsEmpty());
}

TEST_F(KeyIndexTest, AListingStopsWhenTheVisitorSaysSo) {
  for (int i = 0; i < 100; ++i) {
    log_.Value(std::to_string(i) + "k", "");
    log_.Value("same", "");
    log_.Member("s", i, "m");
  }
  const TreeSize size = Apply();
  int seen = 0;
  const auto three = [&seen](std::string_view, const Version&) { return ++seen % 3 != 0; };
  EXPECT_TRUE(index_->List({}, size, three).ok());
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(index_->History("same", size, three).ok());
  EXPECT_EQ(seen, 6);
  EXPECT_TRUE(index_->ListSet({.set = "s"}, size, three).ok());
  EXPECT_EQ(seen, 9);
}

TEST_F(KeyIndexTest, AnIndexBeyondItsGroupOrAMalformedMemberIsRefused) {
  const IndexUpdate beyond{.index = {5}, .key = "k", .value = "v"};
  EXPECT_EQ(index_->Apply({&beyond, 1}, {5}).code(), StatusCode::kInvalidArgument);

  const std::string key = MemberKey("set", 1, "m");
  const std::vector<IndexUpdate> malformed = {
      {{0}, EntryKind::kSortedSetMember, key, "m", 0},
      {{0}, EntryKind::kSortedSetMember, key, "m", 12},
      {{0}, EntryKind::kSortedSetMember, key, "m", 1'000'000},
      {{0}, EntryKind::kSortedSetMember, key, "other", 3}};
  for (const IndexUpdate& update : malformed) {
    EXPECT_EQ(index_->Apply({&update, 1}, {1}).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(index_->applied(), TreeSize{0});
  EXPECT_THAT(List(*index_, {}, {10}), IsEmpty());
}

TEST_F(KeyIndexTest, AnEmptyGroupMovesTheWatermark) {
  ASSERT_TRUE(index_->Apply({}, {7}).ok());
  EXPECT_EQ(index_->applied(), TreeSize{7});
}

// The threshold decides what a reader fetches from the log: one byte off and it would take the
// empty place-holder for the value.
TEST(KeyIndexInlineTest, ValuesUpToTheThresholdAreInline) {
  for (const size_t threshold : {size_t{0}, size_t{1}, size_t{128}, size_t{70'000}}) {
    const TempDir dir;
    const auto index = OpenIndex(dir.File("index"), {.inline_value_bytes = threshold});
    EntryLog log(threshold);
    for (const size_t bytes :
         {size_t{0}, threshold - (threshold > 0), threshold, threshold + 1, size_t{1} << 20}) {
      log.Value(std::to_string(bytes) + "v", std::string(bytes, 'x'));
      log.Reference(std::to_string(bytes) + "r", std::string(bytes, 'x'));
    }
    log.Member("s", 1, "member");
    log.CatchUp(*index);
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(List(*index, {}, log.size()), log.List({}, log.size())) << threshold;
      EXPECT_EQ(ListSet(*index, {.set = "s"}, log.size()), log.ListSet({.set = "s"}, log.size()));
      for (uint64_t i = 0; i < log.size().value; ++i) {
        EXPECT_EQ(Latest(*index, log.key(i), log.size()), log.Latest(log.key(i), log.size()));
      }
      ASSERT_TRUE(index->Flush().ok());
    }
  }
}

TEST(KeyIndexLongKeyTest, TheLongestKeysWork) {
  const TempDir dir;
  const auto index = OpenIndex(dir.File("index"));
  EntryLog log;
  const std::string zeros(65'000, '\0');
  log.Value(zeros, "v");
  log.Value(zeros + "x", "w");
  log.Member(std::string(32'000, '\0'), -0.0, std::string(32'000, '\0'));
  log.CatchUp(*index);
  EXPECT_EQ(List(*index, {}, log.size()), log.List({}, log.size()));
  const std::string set(32'000, '\0');
  EXPECT_EQ(ListSet(*index, {.set = set}, log.size()), log.ListSet({.set = set}, log.size()));
}

}  // namespace
}  // namespace immudb::testing
