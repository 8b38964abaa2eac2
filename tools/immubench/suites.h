// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace immudb::bench {

struct SuiteOptions {
  std::string server;     // path of the daemon's program
  std::string self;       // path of this program, for the echo server
  std::string directory;  // of the data, removed by the caller
  double seconds = 2;     // a line
  std::vector<size_t> in_flight = {1, 16, 128};
  bool sync = true;
};

constexpr size_t kBatchEntries = 1000;
constexpr size_t kPrefilledKeys = 100'000;
constexpr size_t kConnections = 4;

// Each prints its lines and returns the exit code: 0, or 1 if something failed.
int RunInProcess(const SuiteOptions& options);
int RunOverGrpc(const SuiteOptions& options);

// Serves a bare unary echo with one completion queue and one thread until SIGTERM comes.
int ServeEcho();

}  // namespace immudb::bench
