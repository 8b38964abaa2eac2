// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

#include "cli/option_table.h"
#include "immuclient/app.h"

int main(int argc, char** argv) {
  // An error of ours is one line; gRPC's own lines are for those who ask for them.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);  // NOLINT(concurrency-mt-unsafe): no other thread yet
  return immudb::RunImmuclient({argv + 1, argv + argc}, immudb::Surroundings::OfProcess(), std::cin,
                               std::cout, std::cerr);
}
