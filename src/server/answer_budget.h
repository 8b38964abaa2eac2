// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace immudb {

// The answers that are on their way to clients, which take them as slowly as they like. Bounds the
// bytes of all of them together, leaves room for the others beside those of one reader, and cancels
// what is not taken in time.
//
// A reader is whom the bytes are counted to: a connection. It may have as many bytes on their way
// as are free (so one reader gets half of all, two get a third each), and always one answer if
// there is room for it. When there is none, the answers that have waited for kMakesRoom make it,
// oldest first. Every answer is cancelled `patience` and a second for each kBytesPerSecond of it
// after it was given to the network.
//
// Cancelled answers make room at once, but gRPC frees them later: together with those that wait
// they are never more than twice the limit.
//
// Thread-safe. Holds its lock while an answer is cancelled: that must not call the budget.
class AnswerBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Smaller ones are counted only when many calls are in progress: see GrpcCall.
  static constexpr size_t kLargeBytes = size_t{64} << 10;
  static constexpr size_t kBytesPerSecond = size_t{256} << 10;
  static constexpr std::chrono::seconds kMakesRoom{5};

 private:
  struct Answer {
    std::string reader;
    size_t bytes;
    Time since;
    std::function<void()> cancel;
    bool cancelled = false;  // and its bytes are counted in leaving_
  };

 public:
  using Ticket = std::list<Answer>::iterator;

  AnswerBudget(size_t limit, std::chrono::milliseconds patience)
      : limit_(limit), patience_(patience) {}

  // Nothing if there is no room for it. `cancel` is called at most once, from any thread, and not
  // after Remove() has returned.
  std::optional<Ticket> TryAdd(std::string reader, size_t bytes, std::function<void()> cancel,
                               Time now = std::chrono::steady_clock::now());
  // Counts it also if there is no room.
  Ticket Add(std::string reader, size_t bytes, std::function<void()> cancel,
             Time now = std::chrono::steady_clock::now());
  // The answer was taken, or is given up.
  void Remove(Ticket answer);

  // Whether a large answer for this reader would have a chance now.
  bool HasRoomFor(const std::string& reader) const;
  void CancelOverdue(Time now = std::chrono::steady_clock::now());

  size_t bytes() const;

 private:
  bool Fits(const std::string& reader, size_t bytes) const;
  Ticket Insert(Answer answer);
  void Cancel(Answer& answer);
  void Uncount(const Answer& answer);

  const size_t limit_;
  const std::chrono::milliseconds patience_;

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::list<Answer> answers_;  // oldest first
  std::unordered_map<std::string, size_t> of_reader_;
  size_t bytes_ = 0;
  size_t leaving_ = 0;  // of cancelled answers, until gRPC has freed them
};

}  // namespace immudb
