// SPDX-License-Identifier: Apache-2.0
//
// What leaves by export comes back by import, to the byte; a failed import says where to go on.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/immuclient_live.h"
#include "commands/progress.h"
#include "immuclient/bulk_records.h"

namespace immudb {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class Bulk : public LiveImmuclient {
 protected:
  // Text, bytes, quotes, line ends, structured, raw, and structured bytes that no encoder writes.
  std::vector<KeyValue> Fill() {
    std::vector<KeyValue> entries = {
        {"plain", EncodeStructured({1598659200, "hello"})},
        {"quotes\"and,comma", EncodeStructured({7, "a \"b\", c"})},
        {"lines", EncodeStructured({8, "one\r\ntwo\nthree\r"})},
        {std::string("k\0\xff", 3), EncodeStructured({9, std::string("\xfe\0\n,\"", 5)})},
        {"raw", "just bytes"},
        {"raw-empty", ""},
        {"raw-binary", std::string("\x80\0\r\n", 4)},
        {"odd", std::string("\x12\x01x\x08\x05", 5)}};
    EXPECT_TRUE(client_->SetBatch(entries).ok());
    return entries;
  }
  void ExpectSame(const std::vector<KeyValue>& entries) {
    for (const auto& entry : entries) {
      const auto item = client_->Get(entry.key);
      ASSERT_TRUE(item.ok()) << entry.key << item.status().ToString();
      EXPECT_EQ(item->value, entry.value) << entry.key;
    }
    EXPECT_EQ(*client_->Count(""), entries.size());
  }
};

TEST_F(Bulk, WhatIsExportedIsImportedToTheByte) {
  const auto entries = Fill();
  const std::vector<std::vector<std::string>> forms = {
      {"a.jsonl"}, {"b.csv"}, {"c.jsonl", "--hex"}, {"d.csv", "--base64"}, {"e.csv", "--hex"}};
  for (size_t i = 0; i < forms.size(); ++i) {
    const std::string path = directory_ / forms[i][0];
    std::vector<std::string> words = {"export", path};
    words.insert(words.end(), forms[i].begin() + 1, forms[i].end());
    ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
    const Ended out = Call(words);
    EXPECT_EQ(out.out, "Exported 8 entries to " + path + "\n") << out.err;
    EXPECT_FALSE(std::filesystem::exists(path + ".part"));
    std::string database = "copy";
    database += std::to_string(i);
    ASSERT_TRUE(client_->CreateDatabase(database).ok());
    ASSERT_TRUE(client_->UseDatabase(database).ok());
    const Ended in = Call({"import", path, "--batch=3"});
    EXPECT_EQ(in.out, "Imported 8 entries in 3 batch(es)\n") << in.err;
    ExpectSame(entries);
  }
}

TEST_F(Bulk, AllPagesAreExported) {
  std::string lines;
  for (int i = 0; i < 2500; ++i) {
    lines += "{\"key\":\"k" + std::to_string(i) + "\",\"value\":\"v\"}\n";
  }
  const Ended in = Call({"import", "-", "--output=json"}, lines);
  EXPECT_EQ(in.out, "{\"entries\":2500,\"batches\":3,\"last_index\":2499}\n") << in.err;
  const std::string out = Call({"export", "--prefix=k1"}).out;
  EXPECT_EQ(std::ranges::count(out, '\n'), 1111);
  const std::string log = Call({"export", "--log"}).out;
  EXPECT_EQ(std::ranges::count(log, '\n'), 2500);
  const Json last = Json::parse(log.substr(log.rfind('\n', log.size() - 2) + 1));
  EXPECT_EQ(last["index"], 2499);
  EXPECT_EQ(last["key"], "k2499");
  EXPECT_TRUE(last.contains("hash"));
}

TEST_F(Bulk, AFailedImportSaysWhatIsWrittenAndWhereToGoOn) {
  const std::string file =
      "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"value\":\"2\"}\n\n"
      "{\"key\":\"c\",\"value\":\"3\"}\n{\"key\":\"d\",\"valu\":\"4\"}\n";
  const Ended run = Call({"import", "-", "--batch=2"}, file);
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out,
            "Imported 2 entries in 1 batch(es); everything before line 4 is written, nothing from "
            "there on: go on with --from-line 4\n");
  EXPECT_EQ(run.err, "line 5: unknown field valu\n");
  EXPECT_EQ(*client_->Count(""), 2U);
  const Json json = Json::parse(Call({"import", "-", "--from-line=4", "--output=json"}, file).out);
  EXPECT_EQ(json["failed_line"], 5);
  EXPECT_EQ(json["next_line"], 4);
  const std::string repaired = file.substr(0, file.find("valu\"")) + "value\":\"4\"}\n";
  EXPECT_EQ(Call({"import", "-", "--from-line=4"}, repaired).code, 0);
  EXPECT_EQ(*client_->Count(""), 4U);
  // Refused by the server: nothing of that batch is there.
  const Ended refused = Call({"import", "-", "--output=json"},
                             "{\"key\":\"e\",\"value\":\"1\"}\n{\"key\":\"\",\"value\":\"2\"}\n");
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(Json::parse(refused.out)["failed_line"], 1);
  EXPECT_EQ(client_->Get("e").status().code(), StatusCode::kNotFound);
}

TEST_F(Bulk, CsvOfOthersIsRead) {
  const Ended run = Call({"import", "-", "--format=csv", "--raw"},
                         "\xEF\xBB\xBFvalue,key\r\n\"say \"\"hi\"\"\r\n\",a\r\n\r\n,b");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(client_->Get("a")->value, "say \"hi\"\r\n");
  EXPECT_EQ(client_->Get("b")->value, "");
  EXPECT_EQ(Call({"import", "-", "--format=csv", "--no-header"}, "key,value\n").code, 0);
  EXPECT_EQ(DecodeStructured(client_->Get("key")->value)->payload, "value");
  for (const char* bad : {"a", "a,\"b", "a,b\"c", "a,\"b\"c", "a,b,x", "a,b,1,rot13",
                          "a,b,1,text,5", "key,value,colour\n", "key,value,key\n"}) {
    const Ended wrong = Call({"import", "-", "--format=csv"}, bad);
    EXPECT_EQ(wrong.code, 1) << bad;
    EXPECT_THAT(wrong.err, testing::StartsWith("line 1: ")) << bad;
  }
}

TEST_F(Bulk, MalformedJsonLinesAreNamed) {
  for (const char* bad :
       {"[]", "{", "{\"key\":\"a\"}", "{\"key\":1,\"value\":\"\"}", "{\"value\":\"\"}",
        "{\"key\":\"a\",\"key_hex\":\"61\",\"value\":\"\"}", "{\"key_hex\":\"6\",\"value\":\"\"}",
        "{\"key\":\"a\",\"value\":\"\",\"time\":-1}", "{\"key\":\"\xff\",\"value\":\"\"}"}) {
    const Ended wrong = Call({"import", "-"}, std::string("\n") + bad);
    EXPECT_EQ(wrong.code, 1) << bad;
    EXPECT_THAT(wrong.err, testing::StartsWith("line 2: ")) << bad;
  }
  EXPECT_EQ(Call({"import", directory_ / "nothing"}).code, 1);
  EXPECT_EQ(Call({"import", directory_.path()}).code, 1);
  EXPECT_EQ(*client_->Count(""), 0U);
}

TEST_F(Bulk, AFailedExportLeavesNoFile) {
  Fill();
  ASSERT_TRUE(client_->Logout().ok());
  EXPECT_EQ(Call({"export", directory_ / "out.jsonl"}).code, 5);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out.jsonl"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out.jsonl.part"));
  EXPECT_EQ(Call({"export", directory_ / "no/such/directory"}).code, 1);
}

TEST(Progress, IsForTerminalsOnly) {
  std::ostringstream terminal;
  {
    Progress progress({.err = &terminal, .err_is_terminal = true}, "Importing", 200);
    progress.Show(10, 100);
  }
  EXPECT_THAT(terminal.str(), HasSubstr("Importing 10 entries, "));
  EXPECT_THAT(terminal.str(), HasSubstr("/s, 50%"));
  EXPECT_THAT(terminal.str(), testing::EndsWith("\r\033[K"));
  std::ostringstream file;
  Progress({.err = &file}, "Importing", 200).Show(10, 100);
  EXPECT_EQ(file.str(), "");
}

}  // namespace
}  // namespace immudb
