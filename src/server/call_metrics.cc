// SPDX-License-Identifier: Apache-2.0
#include "server/call_metrics.h"

#include <chrono>
#include <functional>

#include "server/metric_families.h"
#include "server/peer_address.h"

namespace immudb {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNanosecondsPerSecond = 1e9;

double Value(const std::atomic<uint64_t>& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

int64_t UnixMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

ClientCounts::Place& ClientCounts::Find(std::string_view address) {
  const size_t hash = std::hash<std::string_view>{}(address);
  for (size_t i = 0; i < kPlaces; ++i) {
    Place& place = places_[(hash + i) % kPlaces];
    if (place.taken.load(std::memory_order_acquire)) {
      if (place.address == address) return place;
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (place.taken.load(std::memory_order_relaxed)) {  // meanwhile
      if (place.address == address) return place;
      continue;
    }
    if (clients_ == kMaxClients) return other_;
    ++clients_;
    place.address = address;
    place.taken.store(true, std::memory_order_release);
    return place;
  }
  return other_;
}

void ClientCounts::Count(std::string_view address) {
  Place& place = Find(address);
  place.calls.fetch_add(1, std::memory_order_relaxed);
  place.last_ms.store(UnixMilliseconds(), std::memory_order_relaxed);
}

std::vector<ClientCounts::Client> ClientCounts::Read() const {
  std::vector<Client> clients;
  const auto add = [&](const std::string& address, const Place& place) {
    clients.push_back({address, place.calls.load(std::memory_order_relaxed),
                       static_cast<double>(place.last_ms.load(std::memory_order_relaxed)) / 1000});
  };
  for (const Place& place : places_) {
    if (place.taken.load(std::memory_order_acquire)) add(place.address, place);
  }
  if (other_.calls.load(std::memory_order_relaxed) != 0) add("other", other_);
  return clients;
}

CallMetrics::CallMetrics(bool histograms) : histograms_(histograms) {
  for (const Method& method : ServedMethods()) {
    methods_.push_back(std::make_unique<MethodCounts>());
    methods_.back()->name = method.name;
    methods_.back()->service = DescriptorOf(method.service).full_name();
    methods_.back()->streams = method.streams;
  }
}

CallMetrics::MethodCounts* CallMetrics::Of(const Method& method) const {
  const auto table = ServedMethods();
  if (std::less<>{}(&method, table.data()) ||
      !std::less<>{}(&method, table.data() + table.size())) {
    return nullptr;
  }
  return methods_[static_cast<size_t>(&method - table.data())].get();
}

void CallMetrics::OnBegin(const Method& method, const CallContext& call) {
  clients_.Count(PeerAddress(call.Peer()));
  if (MethodCounts* counts = Of(method)) counts->started.fetch_add(1, std::memory_order_relaxed);
}

void CallMetrics::OnEnd(const Method& method, const CallContext& call, const Status& status,
                        std::chrono::nanoseconds took) {
  MethodCounts* counts = Of(method);
  if (counts == nullptr) return;
  const auto code = static_cast<size_t>(ToGrpcCode(status.code()));
  if (code < kGrpcCodes) counts->handled[code].fetch_add(1, std::memory_order_relaxed);
  const uint64_t sent = method.streams ? call.messages_sent : (status.ok() ? 1 : 0);
  counts->sent.fetch_add(sent, std::memory_order_relaxed);
  if (histograms_) counts->seconds.Observe(took);
}

std::vector<MetricFamily> CallMetrics::Collect() const {
  auto started = MakeFamily("grpc_server_started_total",
                            "Total number of RPCs started on the server.", MetricType::Counter);
  auto handled =
      MakeFamily("grpc_server_handled_total",
                 "Total number of RPCs completed on the server, regardless of success or failure.",
                 MetricType::Counter);
  auto received = MakeFamily("grpc_server_msg_received_total",
                             "Total number of RPC stream messages received on the server.",
                             MetricType::Counter);
  auto sent =
      MakeFamily("grpc_server_msg_sent_total",
                 "Total number of gRPC stream messages sent by the server.", MetricType::Counter);
  auto seconds = MakeFamily("grpc_server_handling_seconds",
                            "Histogram of response latency (seconds) of gRPC that had been "
                            "application-level handled by the server.",
                            MetricType::Histogram);
  for (const auto& method : methods_) {
    const std::string type = method->streams ? "server_stream" : "unary";
    const MetricLabels labels = {
        {"grpc_method", method->name}, {"grpc_service", method->service}, {"grpc_type", type}};
    AddValue(started, Value(method->started), labels);
    AddValue(received, Value(method->started), labels);  // each call has one request
    AddValue(sent, Value(method->sent), labels);
    if (histograms_) AddHistogram(seconds, method->seconds, kNanosecondsPerSecond, labels);
    for (size_t code = 0; code < kGrpcCodes; ++code) {
      AddValue(handled, Value(method->handled[code]),
               {{"grpc_code", std::string(GrpcCodeName(static_cast<grpc::StatusCode>(code)))},
                {"grpc_method", method->name},
                {"grpc_service", method->service},
                {"grpc_type", type}});
    }
  }
  auto calls = MakeFamily("immudb_number_of_rpcs_per_client", "Number of handled RPCs per client.",
                          MetricType::Counter);
  auto last = MakeFamily("immudb_clients_last_message_at_unix_seconds",
                         "Timestamp at which clients have sent their most recent message.",
                         MetricType::Gauge);
  for (const auto& client : clients_.Read()) {
    AddValue(calls, static_cast<double>(client.calls), {{"ip", client.address}});
    AddValue(last, client.last_call, {{"ip", client.address}});
  }
  return {started, handled, received, sent, seconds, calls, last};
}

}  // namespace immudb
