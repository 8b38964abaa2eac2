// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/server.h"

namespace immudb {

// Files of the process; empty: none.
struct ProcessFiles {
  std::string config = {};
  std::string pid = {};
  std::string log = {};
};

// What the daemon prints when it serves: the logo and the options that matter. The ports are those
// that are served. No password is shown but the well-known default one. Ends with a newline.
std::string StartBlock(const ServerOptions& options, int port, int metrics_port,
                       const ProcessFiles& files);

// "You can now use immuadmin and immuclient CLIs to login ...", with a newline.
std::string ReadyLine(bool colour);

}  // namespace immudb
