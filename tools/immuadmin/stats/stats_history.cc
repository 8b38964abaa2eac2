// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/stats/stats_history.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

namespace immudb {
namespace {

constexpr std::chrono::hours kActive{1};

const ServerStats::CallFigures* Find(const ServerStats& stats, const std::string& method) {
  for (const auto& call : stats.calls) {
    if (call.method == method) return &call;
  }
  return nullptr;
}

uint64_t CallsOf(const ServerStats& stats, bool (*of_kind)(std::string_view)) {
  uint64_t calls = 0;
  for (const auto& call : stats.calls) {
    if (of_kind(call.method)) calls += call.calls;
  }
  return calls;
}

// A restarted server counts from zero again.
double Rate(uint64_t before, uint64_t after, double seconds) {
  return seconds <= 0 || after < before ? 0 : static_cast<double>(after - before) / seconds;
}

std::string Number(double value) {
  if (value >= 1e6) return fmt::format("{:.1f}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f}k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::string Latency(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.1f} s", seconds);
}

// The screen while it is made.
class Page {
 public:
  Page(size_t width, size_t height) : width_(width), height_(height) {}

  size_t left() const { return height_ - lines_.size(); }
  size_t width() const { return width_; }

  // `text` is ASCII, and is cut at the edge.
  void Add(std::string text) {
    if (text.size() > width_) text.resize(width_);
    AddWide(std::move(text));
  }
  // A line that is known to fit.
  void AddWide(std::string text) {
    if (left() > 0) lines_.push_back(std::move(text));
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  const size_t width_;
  const size_t height_;
  std::vector<std::string> lines_;
};

using Values = std::function<double(const StatsHistory::Step&)>;

// The newest values as bars, `rows` lines high, the newest on the right.
void AddPlot(Page& page, const StatsHistory& history, const std::string& title, const Values& value,
             size_t rows, bool blocks) {
  static constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* kAscii[] = {" ", ".", ".", ":", ":", "|", "|", "#", "#"};
  const auto& steps = history.steps();
  const size_t columns = std::min(page.width(), steps.size());
  double highest = 0;
  for (size_t i = steps.size() - columns; i < steps.size(); ++i) {
    highest = std::max(highest, value(steps[i]));
  }
  page.Add(title);
  for (size_t row = rows; row-- > 0;) {
    std::string line(page.width() - columns, ' ');
    for (size_t i = steps.size() - columns; i < steps.size(); ++i) {
      const double filled =
          highest <= 0 ? 0 : value(steps[i]) / highest * static_cast<double>(rows * 8);
      const double here = std::clamp(filled - static_cast<double>(row * 8), 0.0, 8.0);
      line += (blocks ? kBlocks : kAscii)[static_cast<size_t>(std::ceil(here))];
    }
    page.AddWide(std::move(line));
  }
}

void AddHead(Page& page, const StatsHistory& history, const std::string& server) {
  const ServerStats& stats = history.latest();
  const auto time = history.steps().back().time;
  size_t active = 0;
  for (const auto& client : stats.clients) {
    const double age =
        std::chrono::duration<double>(time.time_since_epoch()).count() - client.last_call_unix;
    if (age < std::chrono::duration<double>(kActive).count()) ++active;
  }
  page.Add(fmt::format("ImmuDB stats {} at {:%H:%M:%S}   Exit: q, Esc or Ctrl-C", server,
                       fmt::localtime(std::chrono::system_clock::to_time_t(time))));
  page.Add(fmt::format("Database {}   Uptime {}", stats.database_path,
                       DurationText(std::floor(stats.uptime_seconds))));
  page.Add(fmt::format("Entries {}   Clients {}, active < 1h ago: {}", stats.entries,
                       stats.clients.size(), active));
}

void AddCalls(Page& page, const StatsHistory& history) {
  const auto rows = history.CallRows();
  if (rows.empty() || page.left() < 2) return;
  page.Add(
      fmt::format("{:<18}{:>12}{:>12}{:>12}{:>12}", "Call", "calls", "per second", "p50", "p99"));
  for (const auto& row : rows) {
    if (page.left() == 0) return;
    page.Add(fmt::format("{:<18}{:>12}{:>12}{:>12}{:>12}", row.method, row.calls,
                         Number(row.per_second), Latency(row.p50_seconds),
                         Latency(row.p99_seconds)));
  }
}

}  // namespace

void StatsHistory::Add(Time time, ServerStats stats) {
  Step step;
  step.time = time;
  step.entries = stats.open_entries;
  step.bytes = stats.lsm_bytes + stats.vlog_bytes;
  step.memory = stats.memory_used;
  if (!steps_.empty()) {
    seconds_between_ = std::chrono::duration<double>(time - steps_.back().time).count();
    step.reads_per_second =
        Rate(CallsOf(latest_, IsRead), CallsOf(stats, IsRead), seconds_between_);
    step.writes_per_second =
        Rate(CallsOf(latest_, IsWrite), CallsOf(stats, IsWrite), seconds_between_);
  }
  previous_ = steps_.empty() ? ServerStats() : std::move(latest_);
  latest_ = std::move(stats);
  steps_.push_back(step);
  if (steps_.size() > max_steps_) steps_.pop_front();
}

std::vector<StatsHistory::CallRow> StatsHistory::CallRows() const {
  std::vector<CallRow> rows;
  for (const auto& call : latest_.calls) {
    if (call.calls == 0) continue;
    const auto* before = Find(previous_, call.method);
    const bool counts_on = before != nullptr && before->calls <= call.calls;
    const ServerStats::CallFigures earlier = counts_on ? *before : ServerStats::CallFigures();
    const auto since = earlier.calls < call.calls ? earlier : ServerStats::CallFigures();
    rows.push_back({call.method, call.calls, Rate(earlier.calls, call.calls, seconds_between_),
                    Quantile(since, call, 0.5), Quantile(since, call, 0.99)});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const CallRow& a, const CallRow& b) {
    return a.per_second != b.per_second ? a.per_second > b.per_second : a.calls > b.calls;
  });
  return rows;
}

std::vector<std::string> RenderStats(const StatsHistory& history, const std::string& server,
                                     const std::string& note, size_t width, size_t height,
                                     bool blocks) {
  Page page(width, height - (note.empty() ? 0 : 1));
  if (!history.empty()) {
    AddHead(page, history, server);
    const auto& last = history.steps().back();
    const ServerStats& stats = history.latest();
    // Five plots share what the head and some rows of calls leave.
    const size_t rows = std::clamp<size_t>((height - std::min<size_t>(height, 14)) / 8, 1, 5);
    AddPlot(
        page, history, fmt::format("{} reads/s", Number(last.reads_per_second)),
        [](const auto& step) { return step.reads_per_second; }, rows, blocks);
    AddPlot(
        page, history, fmt::format("{} writes/s", Number(last.writes_per_second)),
        [](const auto& step) { return step.writes_per_second; }, rows, blocks);
    AddPlot(
        page, history, fmt::format("{} entries in open databases", stats.open_entries),
        [](const auto& step) { return static_cast<double>(step.entries); }, rows, blocks);
    AddPlot(
        page, history,
        fmt::format("DB size: {} (VLog {}, LSM {})", SizeText(last.bytes),
                    SizeText(stats.vlog_bytes), SizeText(stats.lsm_bytes)),
        [](const auto& step) { return static_cast<double>(step.bytes); }, rows, blocks);
    AddPlot(
        page, history,
        fmt::format("Memory: {} reserved, {} in use", SizeText(stats.memory_reserved),
                    SizeText(stats.memory_used)),
        [](const auto& step) { return static_cast<double>(step.memory); }, rows, blocks);
    AddCalls(page, history);
  }
  std::vector<std::string> lines = page.Take();
  if (!note.empty()) lines.push_back(note.substr(0, width));
  return lines;
}

}  // namespace immudb
