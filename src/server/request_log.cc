// SPDX-License-Identifier: Apache-2.0
#include "server/request_log.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/log_event.h"
#include "database/database.h"
#include "database/sessions.h"
#include "server/exception_barrier.h"
#include "server/metric_families.h"
#include "server/peer_address.h"
#include "server/public_status.h"
#include "server/status_mapping.h"

namespace immudb {
namespace {

constexpr std::string_view kIdHeader = "x-request-id";
constexpr size_t kMaxIdBytes = 64;

bool IsGoodId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::ranges::all_of(id, [](char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != '\'' && c != '`';
  });
}

bool IsFault(const Status& status) {
  const StatusCode code = status.code();
  // What tampering that is known refuses says nothing new.
  return code == StatusCode::kIoError || code == StatusCode::kInternal ||
         (code == StatusCode::kDataLoss && status.message() != kTamperedText);
}

std::string IdPrefix(std::chrono::system_clock::time_point now) {
  const auto stamp = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  return fmt::format("{:x}-", stamp.count());
}

void TellSuppressed(std::string_view kind, uint64_t count) {
  if (count == 0) return;
  LogEvent("suppressed calls")
      .Add("kind", kind)
      .Add("count", std::to_string(count))
      .Write(spdlog::level::warn);
}

}  // namespace

RequestLog::RequestLog(std::chrono::nanoseconds slow, std::chrono::system_clock::time_point now)
    : slow_(slow), id_prefix_(IdPrefix(now)) {}

std::string RequestLog::IdOf(const CallContext& call) {
  if (const auto given = call.Metadata(kIdHeader); given && IsGoodId(*given)) {
    return std::string(*given);
  }
  return id_prefix_ + fmt::format("{:x}", ids_.fetch_add(1, std::memory_order_relaxed) + 1);
}

void RequestLog::OnEnd(const Method& method, const CallContext& call, const Status& status,
                       std::chrono::nanoseconds took) {
  const bool slow = slow_ > slow_.zero() && took > slow_;
  if (slow) slow_calls_.fetch_add(1, std::memory_order_relaxed);
  const bool fault = IsFault(status) || NamesFiles(status, call);
  auto level = spdlog::level::debug;
  if (slow) level = spdlog::level::warn;
  if (fault) level = spdlog::level::err;
  if (!spdlog::should_log(level)) return;

  // Without memory there is no line, but the call ends.
  const Status written = RunGuarded([&] {
    if (!spdlog::should_log(spdlog::level::debug)) {
      const auto admitted = (fault ? failed_lines_ : slow_lines_).Admit(call.began + took);
      if (!admitted) return Status::Ok();
      TellSuppressed(fault ? "failed" : "slow", admitted->suppressed);
    }
    LogEvent event(fault ? "failed call" : slow ? "slow call" : "call");
    event.Add("id", IdOf(call))
        .Add("method", method.name)
        .Add("peer", PeerAddress(call.Peer()))
        .Add("user", call.session == nullptr ? std::string_view() : call.session->user)
        .Add("database", call.database == nullptr ? std::string_view() : call.database->name())
        .Add("code", GrpcCodeName(ToGrpcCode(status.code())))
        .Add("duration_ms", std::chrono::duration<double, std::milli>(took).count());
    if (fault) event.Add("error", status.ToString());
    event.Write(level);
    return Status::Ok();
  });
  static_cast<void>(written);
}

std::vector<prometheus::MetricFamily> RequestLog::Collect() const {
  auto slow =
      MakeFamily("immudb_slow_calls_total", "Calls that took longer than the slow-log threshold.",
                 prometheus::MetricType::Counter);
  AddValue(slow, static_cast<double>(slow_calls_.load(std::memory_order_relaxed)));
  return {slow};
}

}  // namespace immudb
