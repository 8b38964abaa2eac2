// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immuadmin/stats/server_stats.h"
#include "immudb/status.h"

namespace immudb {

// Where a server's metrics page stands.
struct StatsSource {
  std::string address = "127.0.0.1";
  int port = 9497;
  bool tls = false;
  // PEM files. Without authorities: those that this system trusts; without the others: no client
  // certificate is shown.
  std::string authorities = {};
  std::string certificate = {};
  std::string key = {};
  std::string server_name = {};  // that the certificate must be for; empty: `address`
};

// The page as it is. kUnavailable, with address and reason, if it cannot be had within 3 seconds.
Result<std::string> FetchMetricsPage(const StatsSource& source);

// Fetches and reads it.
Result<ServerStats> FetchStats(const StatsSource& source);

// The full-screen form, until q, Esc or Ctrl-C; follows changes of the terminal's size and leaves
// it as it was. kFailedPrecondition if stdin and stdout are no terminal. A server that cannot be
// reached for a while is said so, and asked again.
Status ShowStatsScreen(const StatsSource& source);

}  // namespace immudb
