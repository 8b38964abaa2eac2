// SPDX-License-Identifier: Apache-2.0
#include "server/answer_budget.h"

#include <iterator>
#include <utility>

namespace immudb {

std::optional<AnswerBudget::Ticket> AnswerBudget::TryAdd(std::string reader, size_t bytes,
                                                         std::function<void()> cancel, Time now) {
  const std::lock_guard lock(mutex_);
  for (Answer& answer : answers_) {
    if (bytes_ + bytes <= limit_ || now - answer.since < kMakesRoom) break;
    if (!answer.cancelled) Cancel(answer);
  }
  if (!Fits(reader, bytes)) return std::nullopt;
  return Insert({std::move(reader), bytes, now, std::move(cancel)});
}

AnswerBudget::Ticket AnswerBudget::Add(std::string reader, size_t bytes,
                                       std::function<void()> cancel, Time now) {
  const std::lock_guard lock(mutex_);
  return Insert({std::move(reader), bytes, now, std::move(cancel)});
}

AnswerBudget::Ticket AnswerBudget::Insert(Answer answer) {
  answers_.push_back(std::move(answer));
  const Answer& added = answers_.back();
  of_reader_[added.reader] += added.bytes;
  bytes_ += added.bytes;
  return std::prev(answers_.end());
}

void AnswerBudget::Remove(Ticket answer) {
  const std::lock_guard lock(mutex_);
  if (answer->cancelled) {
    leaving_ -= answer->bytes;
  } else {
    Uncount(*answer);
  }
  answers_.erase(answer);
}

bool AnswerBudget::HasRoomFor(const std::string& reader) const {
  const std::lock_guard lock(mutex_);
  const auto held = of_reader_.find(reader);
  return held == of_reader_.end() || held->second + kLargeBytes + bytes_ <= limit_;
}

void AnswerBudget::CancelOverdue(Time now) {
  const std::lock_guard lock(mutex_);
  for (Answer& answer : answers_) {
    if (now - answer.since < patience_) break;
    const auto more = std::chrono::seconds(answer.bytes / kBytesPerSecond);
    if (!answer.cancelled && now - answer.since >= patience_ + more) Cancel(answer);
  }
}

size_t AnswerBudget::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool AnswerBudget::Fits(const std::string& reader, size_t bytes) const {
  if (bytes_ + bytes > limit_ || bytes_ + leaving_ + bytes > 2 * limit_) return false;
  const auto held = of_reader_.find(reader);
  return held == of_reader_.end() || held->second + bytes + bytes_ <= limit_;
}

void AnswerBudget::Cancel(Answer& answer) {
  Uncount(answer);
  leaving_ += answer.bytes;
  answer.cancelled = true;
  answer.cancel();
}

void AnswerBudget::Uncount(const Answer& answer) {
  bytes_ -= answer.bytes;
  const auto held = of_reader_.find(answer.reader);
  held->second -= answer.bytes;
  if (held->second == 0) of_reader_.erase(held);
}

}  // namespace immudb
