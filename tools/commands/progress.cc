// SPDX-License-Identifier: Apache-2.0
#include "commands/progress.h"

#include <array>
#include <cstdio>
#include <ostream>
#include <utility>

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr char kEraseLine[] = "\r\033[K";

volatile std::sig_atomic_t interrupted = 0;

void OnInterrupt(int /*signal*/) {
  interrupted = 1;
}

}  // namespace

Progress::Progress(const Streams& streams, std::string verb, uint64_t total, Unit unit)
    : err_(streams.err_is_terminal ? streams.err : nullptr),
      verb_(std::move(verb)),
      total_(total),
      unit_(unit) {}

Progress::~Progress() {
  if (err_ != nullptr && shown_) *err_ << kEraseLine << std::flush;
}

void Progress::Show(uint64_t entries, uint64_t done) {
  if (err_ == nullptr) return;
  const auto now = Clock::now();
  if (shown_ && now - *shown_ < kPause) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(entries) / seconds : 0;
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), " %llu entries, %.0f/s",
                static_cast<unsigned long long>(entries), rate);
  *err_ << kEraseLine << verb_ << text.data();
  if (unit_ == Unit::kBytes && seconds > 0) {
    std::snprintf(text.data(), text.size(), ", %.1f MB/s",
                  static_cast<double>(done) / seconds / 1e6);
    *err_ << text.data();
  }
  if (total_ > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total_);
    std::snprintf(text.data(), text.size(), ", %.0f%%", 100 * share);
    *err_ << text.data();
  }
  err_->flush();
}

Interruption::Interruption(const Streams& streams) : of_shell_(streams.interrupted) {
  if (of_shell_ != nullptr) return;
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, &before_);
}

Interruption::~Interruption() {
  if (of_shell_ == nullptr) ::sigaction(SIGINT, &before_, nullptr);
}

bool Interruption::Wanted() const {
  return of_shell_ != nullptr ? of_shell_->load() : interrupted != 0;
}

}  // namespace immudb
