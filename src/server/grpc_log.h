// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace immudb {

// What gRPC has to say (failed handshakes, for example) goes to our log, for the whole process,
// instead of in a form of its own to standard error. What it calls an error is a warning: it stands
// for one connection.
void RouteGrpcLog();

}  // namespace immudb
