// SPDX-License-Identifier: Apache-2.0
//
// grpc.health.v1 and reflection. Those that come with gRPC 1.51 are built on its callback
// interface, whose two threads poll the network next to our pollers: they cost a point read 45 % of
// its CPU time (28 against 50 us, measured). These are synchronous: their threads exist only while
// they are used.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace immudb {

// grpc.health.v1.Health. Thread-safe.
class HealthService {
 public:
  // `service` is another name of the server as a whole. `probe` (may be null) knows that, as "",
  // and others: see GrpcFrontOptions::health. Watchers see within a second what it says.
  using Probe = std::function<std::optional<bool>(const std::string& service)>;
  HealthService(std::string service, Probe probe);
  ~HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  grpc::Service& service();

  // NOT_SERVING until then.
  void StartServing();
  // NOT_SERVING again, for good: watchers are told so, and their calls end.
  void StopServing();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// grpc.reflection.v1alpha: lists these services, answers descriptions of all that is linked in.
std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services);

}  // namespace immudb
