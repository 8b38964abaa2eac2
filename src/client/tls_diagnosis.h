// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/client.h"

namespace immudb {

// Why no connection to a server that can be reached comes about: gRPC says "Handshake read failed"
// whatever is wrong with the certificates. Tries one handshake of its own, for a few seconds at
// most. Empty if that does not tell more (the server cannot be reached, or all went well), and for
// socket files.
std::string DiagnoseTls(const ClientOptions& options);

}  // namespace immudb
