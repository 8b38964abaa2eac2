// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "cli/logging.h"
#include "cli/option_table.h"
#include "immuadmin/app.h"
#include "immudb/status.h"

int main(int argc, char** argv) {
  // An error of ours is one line; gRPC's own lines are for those who ask for them.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);  // NOLINT(concurrency-mt-unsafe): no other thread yet
  // What the store logs (it says when it derives something again) belongs to the daemon.
  const immudb::Status started = immudb::StartLogging({.prefix = "immuadmin ", .level = "error"});
  if (!started.ok()) std::cerr << started.message() << '\n';
  return immudb::RunImmuadmin({argv + 1, argv + argc}, immudb::Surroundings::OfProcess(), std::cin,
                              std::cout, std::cerr);
}
