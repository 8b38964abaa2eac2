// SPDX-License-Identifier: Apache-2.0
//
// What the daemon can be told, and what it says about itself at start. No server is needed here.
#pragma once

#include <string>
#include <vector>

#include "cli/option_table.h"
#include "immudb/status.h"
#include "server/server.h"

namespace immudb {

// The option table of `immudb`.
ProgramSpec DaemonProgram();

// The server's options as the settings have them; the password is decoded, or read from its file.
// Errors, which never show the password:
//   kInvalidArgument     it is empty, not base64 behind "enc:", or given twice; or a TLS file is
//                        missing, or needs `mtls` (whether they can be used is seen at the start)
//   kFailedPrecondition  its file cannot be read
Result<ServerOptions> ToServerOptions(const Settings& settings);

struct StartWarning {
  std::string text;
  bool grave = false;  // the network may do what should need a password
};

// What the operator should know about settings that are right but dangerous, or without effect.
std::vector<StartWarning> StartWarnings(const Settings& settings);

}  // namespace immudb
