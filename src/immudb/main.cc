// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <cstddef>

#include "immudb/daemon.h"

namespace {

// Of each thread, gRPC's and RocksDB's too. The 8 MiB of the C library are address space that some
// forty threads never use, and that is what RLIMIT_AS counts.
constexpr size_t kThreadStackBytes = size_t{1} << 20;

void BoundThreadStacks() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  if (pthread_attr_setstacksize(&attributes, kThreadStackBytes) == 0) {
    pthread_setattr_default_np(&attributes);
  }
  pthread_attr_destroy(&attributes);
}

}  // namespace

int main(int argc, char** argv) {
  BoundThreadStacks();
  return immudb::RunDaemon({argv + 1, argv + argc});
}
