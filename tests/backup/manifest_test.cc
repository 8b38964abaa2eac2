// SPDX-License-Identifier: Apache-2.0
#include "backup/manifest.h"

#include <gtest/gtest.h>

#include <string>

#include "immudb/verify.h"

namespace immudb::testing {
namespace {

Manifest Example() {
  BackupDatabase database;
  database.name = "defaultdb";
  database.base_root = EmptyTreeRoot();
  database.state.tree.Append(LeafDigest({0}, "key", "value"));
  database.state.end = {1, 100};
  const std::string hash(64, 'a');
  database.files = {{"defaultdb/log/00000000.log", 80, hash, false, 0, 0},
                    {"defaultdb/log/00000001.log", 100, hash, false, 1, 0},
                    {"defaultdb/immudb.identifier", 12, hash, true, 0, 0}};
  return {"2026-01-31T12:00:00Z", {database}};
}

// Otherwise a backup could not be restored at all.
TEST(ManifestTest, ComesBackFromItsText) {
  const auto parsed = ParseManifest(ManifestText(Example()));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(*parsed, Example());
}

// Otherwise somebody could say another size, root, time or file than was backed up.
TEST(ManifestTest, RefusesEveryFlippedByte) {
  const std::string text = ManifestText(Example());
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char mask : {'\x01', '\x20', '\x7f'}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      EXPECT_FALSE(ParseManifest(changed).ok()) << "byte " << i << ": " << changed;
    }
  }
  EXPECT_FALSE(ParseManifest(text + " ").ok());
  EXPECT_FALSE(ParseManifest(text.substr(0, text.size() / 2)).ok());
  EXPECT_FALSE(ParseManifest("").ok());
}

// A manifest with a right checksum may still be made by an attacker: its names must not lead out of
// the folder of the database, and its pieces must make one log.
TEST(ManifestTest, RefusesNamesAndPiecesThatDoNotBelong) {
  const auto refused = [](auto change) {
    Manifest manifest = Example();
    change(manifest.databases[0]);
    return !ParseManifest(ManifestText(manifest)).ok();
  };
  EXPECT_TRUE(refused([](auto& d) { d.files[0].name = "../../etc/passwd"; }));
  EXPECT_TRUE(refused([](auto& d) { d.name = ".."; }));
  EXPECT_TRUE(refused([](auto& d) { d.name = "a/b"; }));
  EXPECT_TRUE(refused([](auto& d) { d.files.erase(d.files.begin()); }));
  EXPECT_TRUE(refused([](auto& d) { d.files.erase(d.files.begin() + 1); }));
  EXPECT_TRUE(refused([](auto& d) { d.files[2].bytes = 13; }));
  EXPECT_TRUE(refused([](auto& d) { d.files[1].bytes = 101; }));
  EXPECT_TRUE(refused([](auto& d) { d.state.end.offset = 99; }));
  EXPECT_TRUE(refused([](auto& d) { d.base = {2}; }));
  EXPECT_TRUE(refused([](auto& d) { d.base_root[0] ^= 1; }));
  Manifest twice = Example();
  twice.databases.push_back(twice.databases[0]);
  EXPECT_FALSE(ParseManifest(ManifestText(twice)).ok());
}

// 64 MiB of it are read before anything of it is believed: its parts must not take many times that,
// nor hours.
TEST(ManifestTest, RefusesOtherFormsWhileTheyAreRead) {
  const auto refused = [](std::string text) {
    return ParseManifest(text).status().code() == StatusCode::kDataLoss;
  };
  std::string names = "{";
  for (int i = 0; i < 300'000; ++i) names += "\n\"name" + std::to_string(i) + "\": 0,";
  EXPECT_TRUE(refused(names + "\n\"format\": 0}"));
  EXPECT_TRUE(refused(std::string(1'000'000, '[')));
  std::string deep;
  for (int i = 0; i < 300'000; ++i) deep += "{\"files\":\n[\n";
  EXPECT_TRUE(refused(deep));
  std::string empty = "{\"databases\": [";
  for (int i = 0; i < 300'000; ++i) empty += "{},";
  EXPECT_TRUE(refused(empty + "{}]}"));
  std::string numbers = "{\"databases\": [";
  for (int i = 0; i < 300'000; ++i) numbers += "0,";
  EXPECT_TRUE(refused(numbers + "0]}"));
}

TEST(ManifestTest, ALaterVersionSaysSo) {
  std::string text = ManifestText(Example());
  text.replace(text.find("\"version\": 1"), 12, "\"version\": 2, \"news\": [[]]");
  EXPECT_EQ(ParseManifest(text).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace immudb::testing
