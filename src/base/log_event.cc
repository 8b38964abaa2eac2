// SPDX-License-Identifier: Apache-2.0
#include "base/log_event.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace immudb {
namespace {

thread_local const LogEvent* current = nullptr;

// The formatters see the event as long as this object lives.
class BeingWritten {
 public:
  explicit BeingWritten(const LogEvent& event) : before_(std::exchange(current, &event)) {}
  ~BeingWritten() { current = before_; }
  BeingWritten(const BeingWritten&) = delete;
  BeingWritten& operator=(const BeingWritten&) = delete;

 private:
  const LogEvent* const before_;
};

bool StandsAlone(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != '\'' && c != '\\' && c != '=';
  });
}

}  // namespace

LogEvent& LogEvent::Add(std::string_view key, std::string_view value) {
  std::string kept(value.substr(0, kMaxValueBytes));
  if (kept.size() < value.size()) kept += "...";
  fields_.push_back({key, std::move(kept)});
  return *this;
}

LogEvent& LogEvent::Add(std::string_view key, double value) {
  fields_.push_back({key, fmt::format("{:.3f}", value), /*number=*/true});
  return *this;
}

std::string LogEvent::Text() const {
  std::string text(name_);
  for (const Field& field : fields_) {
    text.append(" ").append(field.key).append("=");
    if (StandsAlone(field.value)) {
      text += field.value;
    } else {
      text.append("\"").append(Printable(field.value, field.value.size())).append("\"");
    }
  }
  return text;
}

void LogEvent::Write(spdlog::level::level_enum level) const {
  if (!spdlog::should_log(level)) return;
  const std::string text = Text();
  const BeingWritten writing(*this);
  spdlog::log(level, spdlog::string_view_t(text.data(), text.size()));
}

const LogEvent* LogEvent::Current() {
  return current;
}

}  // namespace immudb
