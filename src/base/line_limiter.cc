// SPDX-License-Identifier: Apache-2.0
#include "base/line_limiter.h"

#include <algorithm>
#include <utility>

namespace immudb {

std::optional<LineLimiter::Admitted> LineLimiter::Admit(Time now) {
  const std::lock_guard lock(mutex_);
  if (const auto intervals = (now - filled_) / interval_; intervals > 0) {
    left_ = static_cast<uint32_t>(std::min<int64_t>(burst_, left_ + intervals));
    filled_ = left_ == burst_ ? now : filled_ + intervals * interval_;
  }
  if (left_ == 0) {
    ++suppressed_;
    return std::nullopt;
  }
  --left_;
  return Admitted{std::exchange(suppressed_, 0), left_ == 0};
}

}  // namespace immudb
