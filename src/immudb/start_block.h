// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "server/server.h"

namespace immudb {

// What the daemon prints when it serves: the logo and the options that matter. `port` is the one
// that is served. No password is shown but the well-known default one. Ends with a newline.
std::string StartBlock(const ServerOptions& options, int port, std::string_view config_file);

// "You can now use immuadmin and immuclient CLIs to login ...", with a newline.
std::string ReadyLine(bool colour);

}  // namespace immudb
