// SPDX-License-Identifier: Apache-2.0
//
// The whole way, with two daemons: 200,000 entries, a backup and an increment while clients write,
// restored elsewhere, and a client that trusted the first server goes on with the second.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "backup/backup_fixture.h"
#include "immudb/client.h"
#include "support/daemon_process.h"

namespace immudb::testing {
namespace {

constexpr int kEntries = 200'000;
constexpr int kBatch = 2'000;

class BackupLiveTest : public BackupFixture {
 protected:
  static std::unique_ptr<DaemonProcess> Serve(const std::string& directory) {
    auto daemon = DaemonProcess::Start({std::string(IMMUDB_BIN_DIR) + "/immudb", "--dir", directory,
                                        "--address", "127.0.0.1", "--port", "0"});
    EXPECT_TRUE(daemon.ok()) << daemon.status().ToString();
    return daemon.ok() ? *std::move(daemon) : nullptr;
  }
  // All clients share the directory of trusted roots.
  std::unique_ptr<Client> Connect(const DaemonProcess& daemon) const {
    ClientOptions options;
    options.port = daemon.port();
    options.token_file = "";
    options.root_directory = dir_.File("roots");
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    if (!client.ok()) return nullptr;
    EXPECT_TRUE((*client)->Login("immudb", "immudb").ok());
    EXPECT_TRUE((*client)->UseDatabase("defaultdb").ok());
    return *std::move(client);
  }
  static std::string Key(int i) {
    std::string key("key-");
    return key += std::to_string(i);
  }
};

TEST_F(BackupLiveTest, AClientGoesOnWithTheRestoredServer) {
  std::filesystem::create_directory(dir_.File("roots"));
  auto first = Serve(data_);
  ASSERT_NE(first, nullptr);
  auto client = Connect(*first);
  ASSERT_NE(client, nullptr);
  for (int i = 0; i < kEntries; i += kBatch) {
    std::vector<std::string> keys;
    for (int k = i; k < i + kBatch; ++k) keys.push_back(Key(k));
    std::vector<KeyValue> batch;
    for (const std::string& key : keys) batch.push_back({key, "value"});
    ASSERT_TRUE(client->SetBatch(batch).ok());
  }
  ASSERT_TRUE(client->SafeSet("trusted", "before the backup").ok());
  const auto trusted = client->TrustedRoot();
  ASSERT_TRUE(trusted.ok() && *trusted);

  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      const auto writer = Connect(*first);
      for (int i = 0; !stop && writer != nullptr; ++i) {
        EXPECT_TRUE(writer->Set(Key(i) + "/" + std::to_string(w), "meanwhile").ok());
        ++written;
      }
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (written == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  BackupOptions options;
  options.directory = data_;
  options.root_of = [&](const std::string& name) -> Result<std::optional<VerifyOptions::Trusted>> {
    if (name != "defaultdb") return std::optional<VerifyOptions::Trusted>();
    const auto root = client->CurrentRoot();
    if (!root.ok()) return root.status();
    return std::optional(VerifyOptions::Trusted{TreeEndingAt((*root)->index), (*root)->hash});
  };
  const int before = written;
  const auto full = BackUp(options, dir_.File("full.tar.zst"));
  const int between = written;
  if (full.ok()) options.base = *full;
  const auto more = BackUp(options, dir_.File("more.tar.zst"));
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(full.ok()) << full.status().ToString();
  ASSERT_TRUE(more.ok()) << more.status().ToString();
  EXPECT_GT(between, before) << "the writers stood still";
  EXPECT_GE(full->Find("defaultdb")->state.tree.size().value, uint64_t{kEntries});
  EXPECT_LT(more->TotalBytes(), full->TotalBytes() / 10);
  client.reset();
  first->Stop(SIGKILL);

  const auto restored =
      RestoreBackup(To(target_, {dir_.File("full.tar.zst"), dir_.File("more.tar.zst")}));
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  const auto second = Serve(target_);
  ASSERT_NE(second, nullptr);
  client = Connect(*second);
  ASSERT_NE(client, nullptr);
  // The root of the first server is trusted under the identity of the second.
  const auto still = client->TrustedRoot();
  ASSERT_TRUE(still.ok() && *still);
  EXPECT_EQ(**still, **trusted);
  for (const std::string& key : {std::string("trusted"), Key(0), Key(kEntries - 1)}) {
    const auto item = client->SafeGet(key);
    EXPECT_TRUE(item.ok()) << key << ": " << item.status().ToString();
  }
  EXPECT_TRUE(client->SafeSet("on", "the second server").ok());
}

}  // namespace
}  // namespace immudb::testing
