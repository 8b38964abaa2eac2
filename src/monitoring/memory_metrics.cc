// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "monitoring/metrics.h"

// There if the process runs on jemalloc, whose figures these are; else null.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_size,
                                             void* new_value, size_t new_size);

namespace immudb {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

struct Heap {
  double system = 0;     // got from the system
  double allocated = 0;  // by the program
  double in_use = 0;     // pages that hold some of it
};

double JemallocFigure(const char* name) {
  size_t value = 0;
  size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? static_cast<double>(value) : 0;
}

Heap ReadHeap() {
  if (mallctl != nullptr) {
    uint64_t epoch = 1;  // has the figures read anew
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
    return {.system = JemallocFigure("stats.resident"),
            .allocated = JemallocFigure("stats.allocated"),
            .in_use = JemallocFigure("stats.active")};
  }
  const auto info = ::mallinfo2();
  const auto used = static_cast<double>(info.uordblks + info.hblkhd);
  return {
      .system = static_cast<double>(info.arena + info.hblkhd), .allocated = used, .in_use = used};
}

// "VmStk:     132 kB" of /proc/self/status.
double StackBytes() {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    double kib = 0;
    if (word == "VmStk:" && file >> kib) return kib * 1024;
  }
  return 0;
}

class Memory final : public prometheus::Collectable {
 public:
  std::vector<MetricFamily> Collect() const override {
    const Heap heap = ReadHeap();
    const double stack = StackBytes();
    return {
        Gauge("go_memstats_sys_bytes", "Number of bytes obtained from system.",
              heap.system + stack),
        Gauge("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and still in use.",
              heap.allocated),
        Gauge("go_memstats_heap_idle_bytes", "Number of heap bytes waiting to be used.",
              heap.system > heap.in_use ? heap.system - heap.in_use : 0),
        Gauge("go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use.", heap.in_use),
        Gauge("go_memstats_stack_inuse_bytes", "Number of bytes in use by the stack allocator.",
              stack)};
  }

 private:
  static MetricFamily Gauge(const char* name, const char* help, double value) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = MetricType::Gauge;
    family.metric.emplace_back().gauge.value = value;
    return family;
  }
};

}  // namespace

std::shared_ptr<prometheus::Collectable> MemoryMetrics() {
  return std::make_shared<Memory>();
}

}  // namespace immudb
