// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/standard_services.h"

namespace immudb {
namespace {

namespace health = grpc::health::v1;
using health::HealthCheckResponse;

// Each watcher holds a thread.
constexpr int kMaxWatchers = 32;
// So often a watcher's thread looks whether the client has gone.
constexpr std::chrono::seconds kCancelCheck{1};

}  // namespace

class HealthService::Impl final : public health::Health::Service {
 public:
  Impl(std::string service, Probe probe) : service_(std::move(service)), probe_(std::move(probe)) {}

  grpc::Status Check(grpc::ServerContext*, const health::HealthCheckRequest* request,
                     HealthCheckResponse* response) override {
    const auto status = StatusOf(request->service());
    if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
      return {grpc::StatusCode::NOT_FOUND, "unknown service"};
    }
    response->set_status(status);
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* context, const health::HealthCheckRequest* request,
                     grpc::ServerWriter<HealthCheckResponse>* writer) override {
    std::unique_lock lock(mutex_);
    if (watchers_ == kMaxWatchers)
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watchers"};
    ++watchers_;
    auto sent = HealthCheckResponse::UNKNOWN;
    bool open = true;
    while (open && !context->IsCancelled()) {
      const int seen = changes_;
      lock.unlock();
      const auto now = StatusOf(request->service());
      lock.lock();
      if (changes_ != seen) continue;
      if (now != sent) {
        HealthCheckResponse response;
        response.set_status(now);
        sent = now;
        lock.unlock();
        open = writer->Write(response);
        lock.lock();
        continue;
      }
      if (stopped_) break;
      changed_.wait_for(lock, kCancelCheck);
    }
    --watchers_;
    return {grpc::StatusCode::UNAVAILABLE, "the server is shutting down"};
  }

  void Set(bool serving, bool stopped) {
    const std::lock_guard lock(mutex_);
    serving_ = serving;
    stopped_ = stopped;
    ++changes_;
    changed_.notify_all();
  }

 private:
  HealthCheckResponse::ServingStatus StatusOf(const std::string& service) const {
    const bool whole = service.empty() || service == service_;
    const std::optional<bool> well = probe_ != nullptr
                                         ? probe_(whole ? std::string() : service)
                                         : (whole ? std::optional(true) : std::nullopt);
    if (!well) return HealthCheckResponse::SERVICE_UNKNOWN;
    const std::lock_guard lock(mutex_);
    return serving_ && *well ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  }

  const std::string service_;
  const Probe probe_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool serving_ = false;  // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
  int changes_ = 0;       // guarded by mutex_
  int watchers_ = 0;      // guarded by mutex_
};

HealthService::HealthService(std::string service, Probe probe)
    : impl_(std::make_unique<Impl>(std::move(service), std::move(probe))) {}

HealthService::~HealthService() = default;

grpc::Service& HealthService::service() {
  return *impl_;
}

void HealthService::StartServing() {
  impl_->Set(true, false);
}

void HealthService::StopServing() {
  impl_->Set(false, true);
}

}  // namespace immudb
