// SPDX-License-Identifier: Apache-2.0
//
// What the daemon can be told, and what it says about itself at start. No server is needed here.
#pragma once

#include <string>

#include "cli/option_table.h"
#include "server/server.h"

namespace immudb {

// The option table of `immudb`.
ProgramSpec DaemonProgram();

// The server's options as the settings have them; the password is decoded. kInvalidArgument for a
// password that is empty or not base64 behind "enc:"; the text does not show it. The same for TLS
// files of which one is missing, or that need `mtls`; whether they can be used is seen at the
// start.
Result<ServerOptions> ToServerOptions(const Settings& settings);

}  // namespace immudb
