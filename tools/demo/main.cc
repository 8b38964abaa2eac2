// SPDX-License-Identifier: Apache-2.0
//
// The main job on real input: stores the package database of this machine, one entry a package,
// through the daemon; kills the daemon with SIGKILL half-way, while it is being written to; starts
// it again, finishes, and reads every record back with proof. Exits 0 only if all of that held.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "demo/dpkg_status.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "support/daemon_process.h"

namespace immudb::demo {
namespace {

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Demo {
 public:
  Demo(std::string server, std::string directory)
      : server_(std::move(server)), directory_(std::move(directory)) {}

  Status Run(const std::vector<KeyValue>& records) {
    const auto start = Clock::now();
    fmt::print("records read      : {}\n", records.size());
    IMMUDB_RETURN_IF_ERROR(StartServer());
    size_t stored = 0;
    IMMUDB_RETURN_IF_ERROR(StoreUntilKilled(records, stored));
    fmt::print("stored, proven    : {} before SIGKILL hit the daemon\n", stored);

    IMMUDB_RETURN_IF_ERROR(StartServer());
    for (size_t i = stored; i < records.size(); ++i) {
      const auto written = client_->SafeSet(records[i].key, records[i].value);
      IMMUDB_RETURN_IF_ERROR(written);
    }
    fmt::print("stored, proven    : {} after the restart\n", records.size() - stored);

    const auto reading = Clock::now();
    for (const KeyValue& record : records) {
      const auto read = client_->SafeGet(record.key);
      IMMUDB_RETURN_IF_ERROR(read);
      if (read->item.key != record.key || read->item.value != record.value) {
        return Status::DataLoss("another value came back for " + record.key);
      }
    }
    fmt::print("read back, proven : {} of {} in {:.2f} s\n", records.size(), records.size(),
               Since(reading));
    const auto root = client_->TrustedRoot();
    IMMUDB_RETURN_IF_ERROR(root);
    if (!*root) return Status::Internal("no root was trusted");
    fmt::print("last index        : {}\nroot              : {}\n", (*root)->index.value,
               ToHex((*root)->hash));
    client_.reset();
    if (daemon_->Stop(SIGTERM) != 0) return Status::Internal("the daemon did not stop clean");
    fmt::print("time              : {:.2f} s\n", Since(start));
    return Status::Ok();
  }

 private:
  Status StartServer() {
    client_.reset();
    auto daemon = DaemonProcess::Start({server_, "--dir", directory_ + "/data", "--address",
                                        "127.0.0.1", "--port", "0", "--metrics-server=false"});
    IMMUDB_RETURN_IF_ERROR(daemon);
    daemon_ = *std::move(daemon);
    ClientOptions options;
    options.port = daemon_->port();
    options.token_file = "";
    options.root_directory = directory_;
    auto client = Client::Connect(options);
    IMMUDB_RETURN_IF_ERROR(client);
    client_ = *std::move(client);
    IMMUDB_RETURN_IF_ERROR(client_->Login("immudb", "immudb"));
    return client_->UseDatabase("defaultdb");
  }

  // Writes one record after the other until the killed daemon answers no more; `stored` is the
  // number of acknowledged ones.
  Status StoreUntilKilled(const std::vector<KeyValue>& records, size_t& stored) {
    std::mutex mutex;
    std::condition_variable progress;
    size_t acknowledged = 0;
    bool ended = false;
    Status refused;
    std::thread writer([&] {
      for (const KeyValue& record : records) {
        const auto written = client_->SafeSet(record.key, record.value);
        const std::lock_guard lock(mutex);
        refused = written.status();
        if (!written.ok()) break;
        ++acknowledged;
        progress.notify_one();
      }
      const std::lock_guard lock(mutex);
      ended = true;
      progress.notify_one();
    });
    {
      std::unique_lock lock(mutex);
      progress.wait(lock, [&] { return ended || acknowledged >= records.size() / 2; });
    }
    daemon_->Stop(SIGKILL);
    writer.join();
    stored = acknowledged;
    if (stored < records.size() && refused.code() != StatusCode::kUnavailable) return refused;
    return Status::Ok();
  }

  const std::string server_;
  const std::string directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<Client> client_;
};

int Main(int argc, char** argv) {
  std::string server;
  std::string input = "/var/lib/dpkg/status";
  CLI::App app("Stores this machine's package database in immudb and proves every record");
  app.add_option("--server", server, "path of the immudb program")->required();
  app.add_option("--input", input, "the package database");
  CLI11_PARSE(app, argc, argv);
  const auto records = ReadPackageRecords(input);
  if (!records.ok()) {
    fmt::print(stderr, "{}\n", records.status().message());
    return 1;
  }
  std::string directory = "/var/tmp/immudb-demo-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    fmt::print(stderr, "cannot make {}\n", directory);
    return 1;
  }
  const Status done = Demo(server, directory).Run(*records);
  std::filesystem::remove_all(directory);
  if (!done.ok()) fmt::print(stderr, "FAILED: {}\n", done.ToString());
  return done.ok() ? 0 : 1;
}

}  // namespace
}  // namespace immudb::demo

int main(int argc, char** argv) {
  return immudb::demo::Main(argc, argv);
}
