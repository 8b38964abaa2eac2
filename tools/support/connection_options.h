// SPDX-License-Identifier: Apache-2.0
//
// How a command line program is told where the server is and how to speak TLS with it.
#pragma once

#include <vector>

#include "cli/option_table.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {

// The rows immudb-address, immudb-port, mtls, servername, certificate, pkey, clientcas.
std::vector<OptionSpec> ConnectionOptions();

// Address, port and TLS of `settings`, whose table has the rows above; the rest has its defaults.
//
//   mtls                       TLS with all three files
//   clientcas without mtls     TLS that verifies the server; no client certificate is shown
//   certificate, pkey without mtls: an error, unless `mtls` is said to be false: then they are not
//                              used, and with clientcas beside them it is plain text, because the
//                              original's configuration files are written so
//
// kInvalidArgument as above. The files are read by Client::Connect.
Result<ClientOptions> ToClientOptions(const Settings& settings);

}  // namespace immudb
