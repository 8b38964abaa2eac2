// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "monitoring/metrics.h"

namespace immudb {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Family(const char* name, const char* help, MetricType type, double value) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
  return family;
}

// The fields of /proc/self/stat behind the program's name, which may itself hold spaces.
struct Stat {
  double cpu_ticks = 0;
  double start_ticks = 0;
  double virtual_bytes = 0;
  double resident_pages = 0;
};

Stat ReadStat() {
  std::string line;
  std::ifstream file("/proc/self/stat");
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  Stat stat;
  if (name_end == std::string::npos) return stat;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i <= 13; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  for (int i = 16; i <= 21; ++i) fields >> skipped;
  fields >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  stat.cpu_ticks = user + system;
  return stat;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  // Less the one that reads the directory.
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries))) - 1;
}

class Process final : public prometheus::Collectable {
 public:
  std::vector<MetricFamily> Collect() const override {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const Stat stat = ReadStat();
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    return {
        Family("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
               MetricType::Counter, stat.cpu_ticks / ticks),
        Family("process_open_fds", "Number of open file descriptors.", MetricType::Gauge,
               OpenDescriptors()),
        Family("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
               static_cast<double>(descriptors.rlim_cur)),
        Family("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge,
               stat.virtual_bytes),
        Family("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
               stat.resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE))),
        Family("process_start_time_seconds",
               "Start time of the process since unix epoch in seconds.", MetricType::Gauge,
               boot_time_ + stat.start_ticks / ticks),
    };
  }

 private:
  const double boot_time_ = BootTime();
};

}  // namespace

std::shared_ptr<prometheus::Collectable> ProcessMetrics() {
  return std::make_shared<Process>();
}

}  // namespace immudb
