// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "immuadmin/stats/metrics_page.h"
#include "immudb/status.h"

namespace immudb {

// What a server says of itself on its metrics page, as `immuadmin stats` shows it.
struct ServerStats {
  struct ClientFigures {
    std::string ip;
    uint64_t calls = 0;
    double last_call_unix = 0;  // 0: not known
  };
  struct CallFigures {
    std::string method;
    uint64_t calls = 0;
    double seconds = 0;                                // of all calls together
    std::vector<std::pair<double, uint64_t>> buckets;  // up to so many seconds: so many calls
  };

  std::string database_path;
  double uptime_seconds = 0;
  uint64_t entries = 0;       // of the default database
  uint64_t open_entries = 0;  // of all databases that are open
  uint64_t lsm_bytes = 0;
  uint64_t vlog_bytes = 0;
  uint64_t memory_reserved = 0;
  uint64_t memory_used = 0;
  std::vector<ClientFigures> clients;
  std::vector<CallFigures> calls;  // by name; empty if the server keeps no histograms
};

// kNotFound for a page that is none of an immudb server; it names the series that is missing.
Result<ServerStats> ReadStats(const std::vector<Sample>& page);

bool IsRead(std::string_view method);
bool IsWrite(std::string_view method);

// The seconds within which this share of the calls ended, between two readings of one method
// (`before` may be empty); 0 if there were none.
double Quantile(const ServerStats::CallFigures& before, const ServerStats::CallFigures& after,
                double share);

// "1m38.64s", "1h0m0.5s", "749.641765ms".
std::string DurationText(double seconds);
// "701 B", "1.1 kB".
std::string SizeText(uint64_t bytes);

// The figures line by line, as `immuadmin stats -t` has always printed them.
std::string StatsText(const ServerStats& stats, std::chrono::system_clock::time_point now);
nlohmann::ordered_json StatsJson(const ServerStats& stats);

}  // namespace immudb
