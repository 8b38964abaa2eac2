// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <condition_variable>
#include <mutex>
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
  explicit Impl(std::string service) : service_(std::move(service)) {}

  grpc::Status Check(grpc::ServerContext*, const health::HealthCheckRequest* request,
                     HealthCheckResponse* response) override {
    if (!Knows(request->service())) return {grpc::StatusCode::NOT_FOUND, "unknown service"};
    const std::lock_guard lock(mutex_);
    response->set_status(StatusNow());
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* context, const health::HealthCheckRequest* request,
                     grpc::ServerWriter<HealthCheckResponse>* writer) override {
    std::unique_lock lock(mutex_);
    if (watchers_ == kMaxWatchers)
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watchers"};
    ++watchers_;
    const bool known = Knows(request->service());
    auto sent = HealthCheckResponse::UNKNOWN;
    bool open = true;
    while (open && !context->IsCancelled()) {
      const auto now = known ? StatusNow() : HealthCheckResponse::SERVICE_UNKNOWN;
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
    changed_.notify_all();
  }

 private:
  bool Knows(const std::string& service) const { return service.empty() || service == service_; }
  HealthCheckResponse::ServingStatus StatusNow() const {
    return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  }

  const std::string service_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool serving_ = false;  // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
  int watchers_ = 0;      // guarded by mutex_
};

HealthService::HealthService(std::string service)
    : impl_(std::make_unique<Impl>(std::move(service))) {}

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
