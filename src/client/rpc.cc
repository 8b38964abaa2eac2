// SPDX-License-Identifier: Apache-2.0
#include "client/rpc.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "base/status_macros.h"
#include "base/tls_files.h"
#include "operations.grpc.pb.h"
#include "schema.grpc.pb.h"

namespace immudb {
namespace {

using google::protobuf::Empty;
using std::chrono::milliseconds;
using std::chrono::system_clock;
using Stub = schema::ImmuService::Stub;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{1000};
constexpr int kFirstReconnectMs = 100;
constexpr int kLongestReconnectMs = 1000;
constexpr char kUuidKey[] = "immudb-uuid";
constexpr char kLargestAnswerKey[] = "immudb-largest-answer";

enum class Repeat : uint8_t { kNever, kWhileUnavailable };

StatusCode CodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return StatusCode::kOk;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return StatusCode::kInvalidArgument;
    case grpc::StatusCode::NOT_FOUND:
      return StatusCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return StatusCode::kAlreadyExists;
    case grpc::StatusCode::PERMISSION_DENIED:
      return StatusCode::kPermissionDenied;
    case grpc::StatusCode::UNAUTHENTICATED:
      return StatusCode::kUnauthenticated;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return StatusCode::kFailedPrecondition;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return StatusCode::kResourceExhausted;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
      return StatusCode::kUnavailable;
    case grpc::StatusCode::DATA_LOSS:
      return StatusCode::kDataLoss;
    case grpc::StatusCode::INTERNAL:
      return StatusCode::kInternal;
    default:
      return StatusCode::kUnknown;
  }
}

Status FromGrpc(const grpc::Status& status) {
  return status.ok() ? Status::Ok() : Status(CodeOf(status.error_code()), status.error_message());
}

// False: the server does not know the call.
Result<bool> IfKnown(const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return false;
  IMMUDB_RETURN_IF_ERROR(FromGrpc(status));
  return true;
}

std::string Target(const ClientOptions& options) {
  const std::string& address = options.address;
  if (address.starts_with("unix:")) return address;
  const bool bare_v6 = address.find(':') != std::string::npos && address.front() != '[';
  return (bare_v6 ? '[' + address + ']' : address) + ':' + std::to_string(options.port);
}

int MessageLimit(size_t bytes) {
  return static_cast<int>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
}

std::string HeaderOf(const grpc::ClientContext& context, const char* name) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find(name);
  return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
}

// 0 if it is no number.
size_t NumberIn(const std::string& text) {
  size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end ? number : 0;
}

// gRPC takes wrong files without a word and then never connects, so they are checked before.
Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const ClientOptions& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  const TlsPaths paths{options.tls->certificate, options.tls->key, options.tls->authorities};
  auto pem = ReadTlsFiles(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  IMMUDB_RETURN_IF_ERROR(CheckTls(paths, *pem));
  return grpc::SslCredentials({.pem_root_certs = std::move(pem->authorities),
                               .pem_private_key = std::move(pem->key),
                               .pem_cert_chain = std::move(pem->certificate)});
}

Result<std::shared_ptr<grpc::Channel>> MakeChannel(const ClientOptions& options) {
  const auto credentials = CredentialsOf(options);
  IMMUDB_RETURN_IF_ERROR(credentials);
  grpc::ChannelArguments arguments;
  if (options.tls && !options.tls->server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls->server_name);
  }
  arguments.SetMaxReceiveMessageSize(MessageLimit(
      options.max_message_bytes == 0 ? kDefaultAnswerBytes : options.max_message_bytes));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  // A connection of its own for each Client, not one shared by address.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(Target(options), *credentials, arguments);
}

}  // namespace

class Rpc::Impl {
 public:
  Impl(milliseconds timeout, const std::shared_ptr<grpc::Channel>& channel)
      : timeout_(timeout),
        stub_(schema::ImmuService::NewStub(channel)),
        operations_(operations::Operations::NewStub(channel)) {}

  template <typename Request, typename Response>
  Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const std::string& token, const Request& request, Response* response, Repeat repeat) {
    const auto deadline = system_clock::now() + timeout_;
    for (milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
      grpc::ClientContext context;
      context.set_deadline(deadline);
      if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
      const grpc::Status status = (*stub_.*method)(&context, request, response);
      const bool again = repeat == Repeat::kWhileUnavailable &&
                         status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                         system_clock::now() + pause < deadline;
      if (!again) return FromGrpc(status);
      std::this_thread::sleep_for(pause);
    }
  }

  template <typename Request>
  Status Change(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Empty*),
                const std::string& token, const Request& request) {
    Empty response;
    return Call(method, token, request, &response, Repeat::kNever);
  }

  Status Dump(const std::string& token, const std::function<Status(const pb::KVList&)>& visit) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    grpc::CompletionQueue queue;
    const auto reader = stub_->AsyncDump(&context, Empty(), &queue, nullptr);
    Status status;
    bool more = Next(queue, context, &status);
    while (more) {
      pb::KVList message;
      reader->Read(&message, nullptr);
      more = Next(queue, context, &status);
      if (more) status = visit(message);
      if (!status.ok()) context.TryCancel();
      more = more && status.ok();
    }
    grpc::Status finished;
    reader->Finish(&finished, nullptr);
    queue.Shutdown();
    void* tag = nullptr;
    bool done = false;
    while (queue.Next(&tag, &done)) {
    }
    return status.ok() ? FromGrpc(finished) : status;
  }

  grpc::Status GetStatus(const std::string& token, operations::GetStatusResponse* response) {
    grpc::ClientContext context;
    Prepare(context, token);
    return operations_->GetStatus(&context, {}, response);
  }

  grpc::Status ListVersions(const std::string& token,
                            const operations::ListVersionsRequest& request,
                            operations::ListVersionsResponse* response) {
    grpc::ClientContext context;
    Prepare(context, token);
    return operations_->ListVersions(&context, request, response);
  }

  grpc::Status ClearTamper(const std::string& token,
                           const operations::ClearTamperRequest& request) {
    grpc::ClientContext context;
    Prepare(context, token);
    operations::ClearTamperResponse response;
    return operations_->ClearTamper(&context, request, &response);
  }

  Status Health(milliseconds timeout, schema::HealthResponse* response, Greeting* greeting) {
    grpc::ClientContext context;
    context.set_deadline(system_clock::now() + timeout);
    const grpc::Status status = stub_->Health(&context, Empty(), response);
    if (greeting != nullptr && status.ok()) {
      greeting->uuid = HeaderOf(context, kUuidKey);
      greeting->largest_answer = NumberIn(HeaderOf(context, kLargestAnswerKey));
    }
    return FromGrpc(status);
  }

 private:
  void Prepare(grpc::ClientContext& context, const std::string& token) const {
    context.set_deadline(system_clock::now() + timeout_);
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  }

  // Waits for the one pending step of a stream; did it succeed? One that takes too long is
  // cancelled, and waited for all the same, since it still owns what it writes to.
  bool Next(grpc::CompletionQueue& queue, grpc::ClientContext& context, Status* status) const {
    void* tag = nullptr;
    bool done = false;
    if (queue.AsyncNext(&tag, &done, system_clock::now() + timeout_) ==
        grpc::CompletionQueue::TIMEOUT) {
      *status = Status::Unavailable("the server does not go on with its answer");
      context.TryCancel();
      queue.Next(&tag, &done);
      return false;
    }
    return done;
  }

  const milliseconds timeout_;
  const std::unique_ptr<Stub> stub_;
  const std::unique_ptr<operations::Operations::Stub> operations_;
};

Result<std::unique_ptr<Rpc>> Rpc::Dial(const ClientOptions& options) {
  const auto channel = MakeChannel(options);
  IMMUDB_RETURN_IF_ERROR(channel);
  return std::unique_ptr<Rpc>(new Rpc(std::make_unique<Impl>(options.call_timeout, *channel)));
}

Rpc::Rpc(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Rpc::~Rpc() = default;

Result<bool> Rpc::GetStatus(const std::string& token, operations::GetStatusResponse* response) {
  return IfKnown(impl_->GetStatus(token, response));
}
Result<bool> Rpc::ListVersions(const std::string& token,
                               const operations::ListVersionsRequest& request,
                               operations::ListVersionsResponse* response) {
  return IfKnown(impl_->ListVersions(token, request, response));
}
Status Rpc::ClearTamper(const std::string& token, const operations::ClearTamperRequest& request) {
  return FromGrpc(impl_->ClearTamper(token, request));
}
Status Rpc::Health(milliseconds timeout, schema::HealthResponse* response, Greeting* greeting) {
  return impl_->Health(timeout, response, greeting);
}

Status Rpc::Login(const schema::LoginRequest& request, schema::LoginResponse* response) {
  return impl_->Call(&Stub::Login, "", request, response, Repeat::kNever);
}
Status Rpc::Logout(const std::string& token) {
  Empty response;
  return impl_->Call(&Stub::Logout, token, Empty(), &response, Repeat::kNever);
}
Status Rpc::UseDatabase(const std::string& token, const schema::Database& request,
                        schema::UseDatabaseReply* response) {
  return impl_->Call(&Stub::UseDatabase, token, request, response, Repeat::kNever);
}

Status Rpc::Set(const std::string& token, const schema::KeyValue& request,
                schema::Index* response) {
  return impl_->Call(&Stub::Set, token, request, response, Repeat::kNever);
}
Status Rpc::SetBatch(const std::string& token, const schema::KVList& request,
                     schema::Index* response) {
  return impl_->Call(&Stub::SetBatch, token, request, response, Repeat::kNever);
}
Status Rpc::Reference(const std::string& token, const schema::ReferenceOptions& request,
                      schema::Index* response) {
  return impl_->Call(&Stub::Reference, token, request, response, Repeat::kNever);
}
Status Rpc::ZAdd(const std::string& token, const schema::ZAddOptions& request,
                 schema::Index* response) {
  return impl_->Call(&Stub::ZAdd, token, request, response, Repeat::kNever);
}

Status Rpc::Get(const std::string& token, const schema::Key& request, schema::Item* response) {
  return impl_->Call(&Stub::Get, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::GetBatch(const std::string& token, const schema::KeyList& request,
                     schema::ItemList* response) {
  return impl_->Call(&Stub::GetBatch, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::ByIndex(const std::string& token, const schema::Index& request,
                    schema::Item* response) {
  return impl_->Call(&Stub::ByIndex, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::History(const std::string& token, const schema::Key& request,
                    schema::ItemList* response) {
  return impl_->Call(&Stub::History, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::Scan(const std::string& token, const schema::ScanOptions& request,
                 schema::ItemList* response) {
  return impl_->Call(&Stub::Scan, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::ZScan(const std::string& token, const schema::ZScanOptions& request,
                  schema::ItemList* response) {
  return impl_->Call(&Stub::ZScan, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::IScan(const std::string& token, const schema::IScanOptions& request,
                  schema::Page* response) {
  return impl_->Call(&Stub::IScan, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::Count(const std::string& token, const schema::KeyPrefix& request,
                  schema::ItemsCount* response) {
  return impl_->Call(&Stub::Count, token, request, response, Repeat::kWhileUnavailable);
}

Status Rpc::SafeSet(const std::string& token, const schema::SafeSetOptions& request,
                    schema::Proof* response) {
  return impl_->Call(&Stub::SafeSet, token, request, response, Repeat::kNever);
}
Status Rpc::SafeReference(const std::string& token, const schema::SafeReferenceOptions& request,
                          schema::Proof* response) {
  return impl_->Call(&Stub::SafeReference, token, request, response, Repeat::kNever);
}
Status Rpc::SafeZAdd(const std::string& token, const schema::SafeZAddOptions& request,
                     schema::Proof* response) {
  return impl_->Call(&Stub::SafeZAdd, token, request, response, Repeat::kNever);
}
Status Rpc::SafeGet(const std::string& token, const schema::SafeGetOptions& request,
                    schema::SafeItem* response) {
  return impl_->Call(&Stub::SafeGet, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::BySafeIndex(const std::string& token, const schema::SafeIndexOptions& request,
                        schema::SafeItem* response) {
  return impl_->Call(&Stub::BySafeIndex, token, request, response, Repeat::kWhileUnavailable);
}

Status Rpc::SetSV(const std::string& token, const schema::StructuredKeyValue& request,
                  schema::Index* response) {
  return impl_->Call(&Stub::SetSV, token, request, response, Repeat::kNever);
}
Status Rpc::SetBatchSV(const std::string& token, const schema::SKVList& request,
                       schema::Index* response) {
  return impl_->Call(&Stub::SetBatchSV, token, request, response, Repeat::kNever);
}
Status Rpc::GetSV(const std::string& token, const schema::Key& request,
                  schema::StructuredItem* response) {
  return impl_->Call(&Stub::GetSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::GetBatchSV(const std::string& token, const schema::KeyList& request,
                       schema::StructuredItemList* response) {
  return impl_->Call(&Stub::GetBatchSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::ByIndexSV(const std::string& token, const schema::Index& request,
                      schema::StructuredItem* response) {
  return impl_->Call(&Stub::ByIndexSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::HistorySV(const std::string& token, const schema::Key& request,
                      schema::StructuredItemList* response) {
  return impl_->Call(&Stub::HistorySV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::ScanSV(const std::string& token, const schema::ScanOptions& request,
                   schema::StructuredItemList* response) {
  return impl_->Call(&Stub::ScanSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::ZScanSV(const std::string& token, const schema::ZScanOptions& request,
                    schema::StructuredItemList* response) {
  return impl_->Call(&Stub::ZScanSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::IScanSV(const std::string& token, const schema::IScanOptions& request,
                    schema::SPage* response) {
  return impl_->Call(&Stub::IScanSV, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::SafeSetSV(const std::string& token, const schema::SafeSetSVOptions& request,
                      schema::Proof* response) {
  return impl_->Call(&Stub::SafeSetSV, token, request, response, Repeat::kNever);
}
Status Rpc::SafeGetSV(const std::string& token, const schema::SafeGetOptions& request,
                      schema::SafeStructuredItem* response) {
  return impl_->Call(&Stub::SafeGetSV, token, request, response, Repeat::kWhileUnavailable);
}

Status Rpc::CurrentRoot(const std::string& token, schema::Root* response) {
  return impl_->Call(&Stub::CurrentRoot, token, Empty(), response, Repeat::kWhileUnavailable);
}
Status Rpc::Inclusion(const std::string& token, const schema::Index& request,
                      schema::InclusionProof* response) {
  return impl_->Call(&Stub::Inclusion, token, request, response, Repeat::kWhileUnavailable);
}
Status Rpc::Consistency(const std::string& token, const schema::Index& request,
                        schema::ConsistencyProof* response) {
  return impl_->Call(&Stub::Consistency, token, request, response, Repeat::kWhileUnavailable);
}

Status Rpc::ListUsers(const std::string& token, schema::UserList* response) {
  return impl_->Call(&Stub::ListUsers, token, Empty(), response, Repeat::kWhileUnavailable);
}
Status Rpc::CreateUser(const std::string& token, const schema::CreateUserRequest& request) {
  return impl_->Change(&Stub::CreateUser, token, request);
}
Status Rpc::ChangePassword(const std::string& token, const schema::ChangePasswordRequest& request) {
  return impl_->Change(&Stub::ChangePassword, token, request);
}
Status Rpc::ChangePermission(const std::string& token,
                             const schema::ChangePermissionRequest& request) {
  return impl_->Change(&Stub::ChangePermission, token, request);
}
Status Rpc::SetActiveUser(const std::string& token, const schema::SetActiveUserRequest& request) {
  return impl_->Change(&Stub::SetActiveUser, token, request);
}
Status Rpc::CreateDatabase(const std::string& token, const schema::Database& request) {
  return impl_->Change(&Stub::CreateDatabase, token, request);
}
Status Rpc::DatabaseList(const std::string& token, schema::DatabaseListResponse* response) {
  return impl_->Call(&Stub::DatabaseList, token, Empty(), response, Repeat::kWhileUnavailable);
}
Status Rpc::UpdateAuthConfig(const std::string& token, const schema::AuthConfig& request) {
  return impl_->Change(&Stub::UpdateAuthConfig, token, request);
}
Status Rpc::UpdateMtlsConfig(const std::string& token, const schema::MTLSConfig& request) {
  return impl_->Change(&Stub::UpdateMTLSConfig, token, request);
}
Status Rpc::PrintTree(const std::string& token, schema::Tree* response) {
  return impl_->Call(&Stub::PrintTree, token, Empty(), response, Repeat::kWhileUnavailable);
}
Status Rpc::Dump(const std::string& token, const std::function<Status(const pb::KVList&)>& visit) {
  return impl_->Dump(token, visit);
}

}  // namespace immudb
