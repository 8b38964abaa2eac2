// SPDX-License-Identifier: Apache-2.0
#include "server/handlers.h"
#include "server/method.h"

namespace immudb {
namespace {

using Message = google::protobuf::Message;

template <auto handler>
struct Erased;

template <typename Request, typename Response,
          Status (*handler)(CallContext&, const Request&, Response&)>
struct Erased<handler> {
  using RequestType = Request;
  using ResponseType = Response;
  static std::optional<Status> Handle(CallContext& call, const Message& request,
                                      Message& response) {
    return handler(call, static_cast<const Request&>(request), static_cast<Response&>(response));
  }
};

template <typename Request, typename Response,
          Status (*handler)(CallContext&, const Request&, Response&, Completion)>
struct Erased<handler> {
  using RequestType = Request;
  using ResponseType = Response;
  static std::optional<Status> Handle(CallContext& call, const Message& request,
                                      Message& response) {
    Status status = handler(call, static_cast<const Request&>(request),
                            static_cast<Response&>(response), Completion(call));
    if (status.ok()) return std::nullopt;
    return status;
  }
};

template <auto handler>
Method Row(std::string_view name, Access access, Run run,
           std::string_view login_text = "please login first") {
  using Types = Erased<handler>;
  return {name,
          access,
          run,
          &Types::RequestType::default_instance(),
          &Types::ResponseType::default_instance(),
          &Types::Handle,
          login_text};
}

}  // namespace

std::span<const Method> ServedMethods() {
  using namespace handlers;  // NOLINT(google-build-using-namespace)
  static const Method kMethods[] = {
      Row<&Health>("Health", Access::kOpen, Run::kInline),
      Row<&Login>("Login", Access::kOpen, Run::kLogin),
      Row<&Logout>("Logout", Access::kOpen, Run::kInline),
      Row<&UseDatabase>("UseDatabase", Access::kSession, Run::kInline, "Please login"),

      Row<&Set>("Set", Access::kWrite, Run::kInline),
      Row<&SetSV>("SetSV", Access::kWrite, Run::kInline),
      Row<&SafeSet>("SafeSet", Access::kWrite, Run::kInline),
      Row<&SafeSetSV>("SafeSetSV", Access::kWrite, Run::kInline),
      Row<&SetBatch>("SetBatch", Access::kWrite, Run::kInline),
      Row<&SetBatchSV>("SetBatchSV", Access::kWrite, Run::kInline),
      Row<&Reference>("Reference", Access::kWrite, Run::kInline),
      Row<&SafeReference>("SafeReference", Access::kWrite, Run::kInline),
      Row<&ZAdd>("ZAdd", Access::kWrite, Run::kInline),
      Row<&SafeZAdd>("SafeZAdd", Access::kWrite, Run::kInline),

      Row<&Get>("Get", Access::kRead, Run::kInline),
      Row<&GetSV>("GetSV", Access::kRead, Run::kInline),
      Row<&SafeGet>("SafeGet", Access::kRead, Run::kInline),
      Row<&SafeGetSV>("SafeGetSV", Access::kRead, Run::kInline),
      Row<&ByIndex>("ByIndex", Access::kRead, Run::kInline),
      Row<&ByIndexSV>("ByIndexSV", Access::kRead, Run::kInline),
      Row<&BySafeIndex>("BySafeIndex", Access::kRead, Run::kInline),
      Row<&CurrentRoot>("CurrentRoot", Access::kRead, Run::kInline),
      Row<&Inclusion>("Inclusion", Access::kRead, Run::kInline),
      Row<&Consistency>("Consistency", Access::kRead, Run::kInline),

      Row<&GetBatch>("GetBatch", Access::kRead, Run::kReader),
      Row<&GetBatchSV>("GetBatchSV", Access::kRead, Run::kReader),
      Row<&History>("History", Access::kRead, Run::kReader),
      Row<&HistorySV>("HistorySV", Access::kRead, Run::kReader),
      Row<&Scan>("Scan", Access::kRead, Run::kReader),
      Row<&ScanSV>("ScanSV", Access::kRead, Run::kReader),
      Row<&ZScan>("ZScan", Access::kRead, Run::kReader),
      Row<&ZScanSV>("ZScanSV", Access::kRead, Run::kReader),
      Row<&IScan>("IScan", Access::kRead, Run::kReader),
      Row<&IScanSV>("IScanSV", Access::kRead, Run::kReader),
      Row<&Count>("Count", Access::kRead, Run::kReader),
  };
  return kMethods;
}

}  // namespace immudb
