// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "immuclient/app.h"

int main(int argc, char** argv) {
  return immudb::RunImmuclient({argv + 1, argv + argc}, immudb::Surroundings::OfProcess(),
                               std::cout, std::cerr);
}
