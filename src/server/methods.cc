// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "immudb/status.h"
#include "server/call_context.h"
#include "server/chunk_source.h"
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
struct ErasedStream;

template <typename Request,
          Result<std::unique_ptr<ChunkSource>> (*handler)(CallContext&, const Request&)>
struct ErasedStream<handler> {
  using RequestType = Request;
  static std::optional<Status> Handle(CallContext& call, const Message& request, Message&) {
    auto source = handler(call, static_cast<const Request&>(request));
    if (!source.ok()) return source.status();
    call.Stream(*std::move(source));
    return std::nullopt;
  }
};

template <auto handler>
Method Row(std::string_view name, Access access, RunOn run, Cost cost) {
  using Types = Erased<handler>;
  return {name,
          access,
          run,
          cost,
          &Types::RequestType::default_instance(),
          &Types::ResponseType::default_instance(),
          &Types::Handle};
}

template <auto handler>
Method LoginRow(std::string_view name, Method::Ticket ticket) {
  Method method = Row<handler>(name, Access::kOpen, RunOn::kLogin, Cost::kPassword);
  method.ticket = ticket;
  return method;
}

template <auto handler>
Method OperationsRow(std::string_view name, Access access, RunOn run, Cost cost) {
  Method method = Row<handler>(name, access, run, cost);
  method.service = RpcService::kOperations;
  return method;
}

template <auto handler, typename Chunk>
Method StreamRow(std::string_view name, Access access) {
  using Types = ErasedStream<handler>;
  return {name,
          access,
          RunOn::kReader,
          Cost::kDatabase,
          &Types::RequestType::default_instance(),
          &Chunk::default_instance(),
          &Types::Handle,
          RpcService::kImmuService,
          /*streams=*/true};
}

}  // namespace

const google::protobuf::ServiceDescriptor& DescriptorOf(RpcService service) {
  return service == RpcService::kImmuService
             ? *schema::KeyValue::descriptor()->file()->FindServiceByName("ImmuService")
             : *operations::GetStatusRequest::descriptor()->file()->FindServiceByName("Operations");
}

std::span<const Method> ServedMethods() {
  using namespace handlers;  // NOLINT(google-build-using-namespace)
  static const Method kMethods[] = {
      Row<&Health>("Health", Access::kOpen, RunOn::kPoller, Cost::kEntry),
      LoginRow<&Login>("Login", &TicketOfLogin),
      Row<&Logout>("Logout", Access::kOpen, RunOn::kAdministration, Cost::kConstant),

      // Their rules depend on who asks for what, and on the mode: the handlers apply them.
      LoginRow<&CreateUser>("CreateUser", &TicketOfCreateUser),
      LoginRow<&ChangePassword>("ChangePassword", &TicketOfChangePassword),
      Row<&ListUsers>("ListUsers", Access::kOpen, RunOn::kAdministration, Cost::kAdministration),
      Row<&ChangePermission>("ChangePermission", Access::kOpen, RunOn::kAdministration,
                             Cost::kAdministration),
      Row<&SetActiveUser>("SetActiveUser", Access::kOpen, RunOn::kAdministration,
                          Cost::kAdministration),
      Row<&CreateDatabase>("CreateDatabase", Access::kOpen, RunOn::kAdministration,
                           Cost::kAdministration),
      Row<&UseDatabase>("UseDatabase", Access::kOpen, RunOn::kAdministration, Cost::kConstant),
      Row<&DatabaseList>("DatabaseList", Access::kOpen, RunOn::kAdministration,
                         Cost::kAdministration),

      Row<&UpdateAuthConfig>("UpdateAuthConfig", Access::kSystemAdmin, RunOn::kAdministration,
                             Cost::kConstant),
      Row<&UpdateMTLSConfig>("UpdateMTLSConfig", Access::kSystemAdmin, RunOn::kAdministration,
                             Cost::kConstant),

      Row<&Set>("Set", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SetSV>("SetSV", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SafeSet>("SafeSet", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SafeSetSV>("SafeSetSV", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SetBatch>("SetBatch", Access::kWrite, RunOn::kPoller, Cost::kMessage),
      Row<&SetBatchSV>("SetBatchSV", Access::kWrite, RunOn::kPoller, Cost::kMessage),
      Row<&Reference>("Reference", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SafeReference>("SafeReference", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&ZAdd>("ZAdd", Access::kWrite, RunOn::kPoller, Cost::kEntry),
      Row<&SafeZAdd>("SafeZAdd", Access::kWrite, RunOn::kPoller, Cost::kEntry),

      Row<&Get>("Get", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&GetSV>("GetSV", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&SafeGet>("SafeGet", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&SafeGetSV>("SafeGetSV", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&ByIndex>("ByIndex", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&ByIndexSV>("ByIndexSV", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&BySafeIndex>("BySafeIndex", Access::kRead, RunOn::kPoller, Cost::kEntry),
      Row<&CurrentRoot>("CurrentRoot", Access::kRead, RunOn::kPoller, Cost::kConstant),
      Row<&Inclusion>("Inclusion", Access::kRead, RunOn::kPoller, Cost::kConstant),
      Row<&Consistency>("Consistency", Access::kRead, RunOn::kPoller, Cost::kConstant),

      Row<&GetBatch>("GetBatch", Access::kRead, RunOn::kReader, Cost::kMessage),
      Row<&GetBatchSV>("GetBatchSV", Access::kRead, RunOn::kReader, Cost::kMessage),
      Row<&History>("History", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&HistorySV>("HistorySV", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&Scan>("Scan", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&ScanSV>("ScanSV", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&ZScan>("ZScan", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&ZScanSV>("ZScanSV", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&IScan>("IScan", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&IScanSV>("IScanSV", Access::kRead, RunOn::kReader, Cost::kDatabase),
      Row<&Count>("Count", Access::kRead, RunOn::kReader, Cost::kDatabase),

      Row<&PrintTree>("PrintTree", Access::kSystemAdmin, RunOn::kReader, Cost::kMessage),
      StreamRow<&Dump, pb::KVList>("Dump", Access::kDatabaseAdmin),

      OperationsRow<&GetStatus>("GetStatus", Access::kOpen, RunOn::kAdministration,
                                Cost::kAdministration),
      OperationsRow<&ClearTamper>("ClearTamper", Access::kOpen, RunOn::kAdministration,
                                  Cost::kAdministration),
      OperationsRow<&ListVersions>("ListVersions", Access::kRead, RunOn::kReader, Cost::kDatabase),
  };
  return kMethods;
}

}  // namespace immudb
