// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"
#include "server/server.h"

namespace immudb {

// How gRPC and people name the address: "0.0.0.0:3322", "[::1]:3322", "unix:/run/immudb.sock".
// kInvalidArgument for an unknown network or a port out of range.
Result<std::string> ListenTarget(const ServerOptions& options);

// Would listening there work? gRPC does not tell why it does not, so it is tried once beforehand:
// "cannot listen on 0.0.0.0:3322: Address already in use". A socket file without a server behind it
// is no obstacle.
Status ProbeListen(const ServerOptions& options);

}  // namespace immudb
