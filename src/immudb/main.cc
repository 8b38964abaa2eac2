// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon.h"

int main(int argc, char** argv) {
  return immudb::RunDaemon({argv + 1, argv + argc});
}
