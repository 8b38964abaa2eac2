// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/stats/server_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

namespace immudb {
namespace {

constexpr std::array<std::string_view, 23> kReads = {
    "ByIndex",   "ByIndexSV", "Consistency", "Count",     "CurrentRoot", "Dump",
    "Get",       "GetBatch",  "GetBatchSV",  "GetSV",     "Health",      "History",
    "HistorySV", "IScan",     "IScanSV",     "Inclusion", "Login",       "SafeGet",
    "SafeGetSV", "Scan",      "ScanSV",      "ZScan",     "ZScanSV"};
constexpr std::array<std::string_view, 10> kWrites = {
    "Reference", "SafeReference", "SafeSet",    "SafeSetSV", "SafeZAdd",
    "Set",       "SetBatch",      "SetBatchSV", "SetSV",     "ZAdd"};

uint64_t Whole(double value) {
  return value > 0 ? static_cast<uint64_t>(value) : 0;
}

const Sample* First(const std::vector<Sample>& page, std::string_view name) {
  const auto found = std::find_if(page.begin(), page.end(),
                                  [name](const Sample& sample) { return sample.name == name; });
  return found == page.end() ? nullptr : &*found;
}

double ValueOf(const std::vector<Sample>& page, std::string_view name) {
  const Sample* sample = First(page, name);
  return sample == nullptr ? 0 : sample->value;
}

std::vector<ServerStats::ClientFigures> ReadClients(const std::vector<Sample>& page) {
  std::map<std::string, ServerStats::ClientFigures, std::less<>> by_ip;
  for (const Sample& sample : page) {
    const std::string ip(sample.Label("ip"));
    if (sample.name == "immudb_number_of_rpcs_per_client") {
      by_ip[ip].calls = Whole(sample.value);
    } else if (sample.name == "immudb_clients_last_message_at_unix_seconds") {
      by_ip[ip].last_call_unix = sample.value;
    }
  }
  std::vector<ServerStats::ClientFigures> clients;
  for (auto& [ip, figures] : by_ip) {
    figures.ip = ip;
    clients.push_back(std::move(figures));
  }
  return clients;
}

std::vector<ServerStats::CallFigures> ReadCalls(const std::vector<Sample>& page) {
  constexpr std::string_view kHistogram = "grpc_server_handling_seconds";
  std::map<std::string, ServerStats::CallFigures, std::less<>> by_method;
  for (const Sample& sample : page) {
    if (!std::string_view(sample.name).starts_with(kHistogram)) continue;
    auto& figures = by_method[std::string(sample.Label("grpc_method"))];
    const std::string_view part = std::string_view(sample.name).substr(kHistogram.size());
    if (part == "_count") figures.calls = Whole(sample.value);
    if (part == "_sum") figures.seconds = sample.value;
    if (part == "_bucket") {
      figures.buckets.emplace_back(std::strtod(std::string(sample.Label("le")).c_str(), nullptr),
                                   Whole(sample.value));
    }
  }
  std::vector<ServerStats::CallFigures> calls;
  for (auto& [method, figures] : by_method) {
    figures.method = method;
    std::sort(figures.buckets.begin(), figures.buckets.end());
    calls.push_back(std::move(figures));
  }
  return calls;
}

// Seconds with as many decimals as they have, at most nine: "38.64".
std::string Seconds(double seconds) {
  std::string text = fmt::format("{:.9f}", seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string Line(std::string_view label, std::string_view value) {
  return fmt::format("{:<27}:\t{}\n", label, value);
}

}  // namespace

Result<ServerStats> ReadStats(const std::vector<Sample>& page) {
  for (const char* name : {"immudb_lsm_size_bytes", "immudb_vlog_size_bytes",
                           "immudb_number_of_stored_entries", "immudb_uptime_hours"}) {
    if (First(page, name) == nullptr) {
      return Status::NotFound(std::string("the metrics page has no ") + name +
                              ": is it that of an immudb server?");
    }
  }
  ServerStats stats;
  stats.database_path = First(page, "immudb_lsm_size_bytes")->Label("database");
  stats.uptime_seconds = ValueOf(page, "immudb_uptime_hours") * 3600;
  stats.entries = Whole(ValueOf(page, "immudb_number_of_stored_entries"));
  stats.lsm_bytes = Whole(ValueOf(page, "immudb_lsm_size_bytes"));
  stats.vlog_bytes = Whole(ValueOf(page, "immudb_vlog_size_bytes"));
  stats.memory_reserved = Whole(ValueOf(page, "go_memstats_sys_bytes"));
  stats.memory_used = Whole(ValueOf(page, "go_memstats_heap_inuse_bytes") +
                            ValueOf(page, "go_memstats_stack_inuse_bytes"));
  for (const Sample& sample : page) {
    if (sample.name == "immudb_database_entries") stats.open_entries += Whole(sample.value);
  }
  stats.clients = ReadClients(page);
  stats.calls = ReadCalls(page);
  return stats;
}

bool IsRead(std::string_view method) {
  return std::find(kReads.begin(), kReads.end(), method) != kReads.end();
}
bool IsWrite(std::string_view method) {
  return std::find(kWrites.begin(), kWrites.end(), method) != kWrites.end();
}

double Quantile(const ServerStats::CallFigures& before, const ServerStats::CallFigures& after,
                double share) {
  const auto calls_up_to = [&](size_t bucket) {
    const uint64_t earlier =
        bucket < before.buckets.size() ? before.buckets[bucket].second : uint64_t{0};
    return static_cast<double>(after.buckets[bucket].second - earlier);
  };
  if (after.buckets.empty()) return 0;
  const double wanted = share * calls_up_to(after.buckets.size() - 1);
  if (wanted <= 0) return 0;
  double below = 0;
  double lower = 0;
  for (size_t i = 0; i < after.buckets.size(); ++i) {
    const double upper = after.buckets[i].first;
    const double up_to = calls_up_to(i);
    if (up_to >= wanted) {
      if (std::isinf(upper)) return lower;
      return lower + (upper - lower) * (wanted - below) / (up_to - below);
    }
    below = up_to;
    lower = upper;
  }
  return lower;
}

std::string DurationText(double seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds == 0) return "0s";
  if (seconds < 1e-6) return Seconds(std::round(seconds * 1e9)) + "ns";
  if (seconds < 1e-3) return Seconds(std::round(seconds * 1e9) / 1e3) + "µs";
  if (seconds < 1) return Seconds(std::round(seconds * 1e9) / 1e6) + "ms";
  const auto minutes = static_cast<uint64_t>(seconds / 60);
  std::string text;
  if (minutes >= 60) text = std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + Seconds(seconds - 60 * static_cast<double>(minutes)) + "s";
}

std::string SizeText(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes) / 1024;
  const std::string_view units = "kMGTPE";
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < units.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}B", size, units[unit]);
}

std::string StatsText(const ServerStats& stats, std::chrono::system_clock::time_point now) {
  std::string text = Line("Database path", stats.database_path);
  text += Line("Uptime", DurationText(std::round(stats.uptime_seconds * 1000) / 1000));
  text += Line("Number of entries", std::to_string(stats.entries));
  text += Line("LSM size", SizeText(stats.lsm_bytes));
  text += Line("VLog size", SizeText(stats.vlog_bytes));
  text += Line("Total size", SizeText(stats.lsm_bytes + stats.vlog_bytes));
  text += Line("Number of clients", std::to_string(stats.clients.size()));
  text += Line("Queries per client", "");
  const double unix_now = std::chrono::duration<double>(now.time_since_epoch()).count();
  for (const auto& client : stats.clients) {
    text += fmt::format("   {:<24}:\t{}\n", client.ip, client.calls);
    if (client.last_call_unix > 0) {
      text += fmt::format("      {:<21}:\t{} ago\n", "Last query",
                          DurationText(std::round((unix_now - client.last_call_unix) * 1e6) / 1e6));
    }
  }
  if (stats.calls.empty()) return text;
  text += Line("Avg. duration (nb calls)", "µs");
  for (const auto& call : stats.calls) {
    const double average =
        call.calls == 0 ? 0 : call.seconds * 1e6 / static_cast<double>(call.calls);
    text += fmt::format("   {:<24}:\t{:.0f}\n", fmt::format("{} ({})", call.method, call.calls),
                        average);
  }
  return text;
}

nlohmann::ordered_json StatsJson(const ServerStats& stats) {
  using Json = nlohmann::ordered_json;
  Json clients = Json::array();
  for (const auto& client : stats.clients) {
    clients.push_back(
        {{"ip", client.ip}, {"calls", client.calls}, {"last_call_unix", client.last_call_unix}});
  }
  Json calls = Json::object();
  for (const auto& call : stats.calls) {
    calls[call.method] = {{"calls", call.calls},
                          {"seconds", call.seconds},
                          {"p50_seconds", Quantile({}, call, 0.5)},
                          {"p99_seconds", Quantile({}, call, 0.99)}};
  }
  return {{"database_path", stats.database_path},
          {"uptime_seconds", stats.uptime_seconds},
          {"entries", stats.entries},
          {"open_entries", stats.open_entries},
          {"lsm_bytes", stats.lsm_bytes},
          {"vlog_bytes", stats.vlog_bytes},
          {"memory_reserved_bytes", stats.memory_reserved},
          {"memory_used_bytes", stats.memory_used},
          {"clients", clients},
          {"calls", calls}};
}

}  // namespace immudb
