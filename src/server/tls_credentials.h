// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "immudb/status.h"
#include "server/server.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace immudb {

// Credentials for a listening port: TLS 1.2 or newer; clients must show a certificate that leads to
// `client_authorities`, unless that is empty.
//
// The files are read again for each new connection, and served from then on if they changed and are
// right; else the ones before stay, and the log says what is wrong. Connections that are open keep
// what they began with.
//
// kFailedPrecondition if the files are not right now; one line that names option, file and reason.
// Must outlive the server that uses them.
Result<std::shared_ptr<grpc::ServerCredentials>> MakeTlsCredentials(const TlsFiles& files);

// The check alone, to be made before anything is opened.
Status CheckTlsFiles(const TlsFiles& files);

}  // namespace immudb
