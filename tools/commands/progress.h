// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "commands/command.h"

namespace immudb {

// One line on a terminal that is written over: count, share (if the total is known) and rate.
// Writes nothing where there is no terminal, and less than ten times a second.
class Progress {
 public:
  // `total` counts what `done` counts: bytes or entries; 0: unknown.
  enum class Unit : uint8_t { kEntries, kBytes };  // of bytes the rate is shown too
  Progress(const Streams& streams, std::string verb, uint64_t total, Unit unit = Unit::kEntries);
  ~Progress();  // takes the line away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(uint64_t entries, uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream* err_;  // null: there is no terminal
  const std::string verb_;
  const uint64_t total_;
  const Unit unit_;
  const Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> shown_;
};

// While it lives the first Ctrl-C only makes Wanted() true, so that a long command can say how far
// it came; a second one ends the program. Inside a shell, which catches Ctrl-C itself, it asks
// that. One at a time.
class Interruption {
 public:
  explicit Interruption(const Streams& streams);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  bool Wanted() const;

 private:
  const std::atomic<bool>* of_shell_;
  struct sigaction before_ {};
};

}  // namespace immudb
