// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace immudb {

// The whole life of the daemon: options, logging, server, waiting for SIGTERM or SIGINT, shutdown.
// To be called once, from the main thread before there are others. Returns the exit code: 0 after a
// clean shutdown, 1 when the start (or the shutdown) failed, 2 for a wrong command line; the reason
// is one line on stderr.
int RunDaemon(std::vector<std::string> arguments);

}  // namespace immudb
