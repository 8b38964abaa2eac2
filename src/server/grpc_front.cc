// SPDX-License-Identifier: Apache-2.0
#include "server/grpc_front.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "server/connections.h"
#include "server/dispatcher.h"
#include "server/grpc_call.h"
#include "server/grpc_guard.h"
#include "server/listener.h"
#include "server/method.h"
#include "server/poller.h"
#include "server/standard_services.h"
#include "server/ticker.h"
#include "server/tls_credentials.h"

namespace immudb {
namespace {

// A connection is asked whether it is still there when it was silent so long, and closed without an
// answer; clients may ask us at most so often.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kMinClientPingMs = 10'000;
constexpr int kMostReadAtOnce = 16 * 1024;
// A connection is closed if it has not shown within this that it speaks TLS and HTTP/2.
constexpr int kHandshakeTimeoutMs = 10'000;
constexpr int kMaxConcurrentStreams = 512;  // of one connection; the client queues the rest

// What gRPC may hold of the requests of all connections.
constexpr size_t kLeastReceiveBytes = size_t{512} << 20;
constexpr size_t kReceivedMessages = 8;  // of the largest size

// What answers may hold that clients have not taken yet, and how often they are looked through.
constexpr size_t kLeastAnswerBytes = size_t{256} << 20;
constexpr size_t kAnsweredMessages = 4;
constexpr std::chrono::milliseconds kAnswerTick{500};

// For clients to see the end of their connections before these are cut.
constexpr std::chrono::milliseconds kGoodbye{100};

// For the standard services, and for our methods that are not served: gRPC answers UNIMPLEMENTED.
constexpr int kMaxSynchronousPollers = 2;
// Without a bound gRPC makes a thread for each such call that waits. Above it: RESOURCE_EXHAUSTED.
constexpr int kMaxSynchronousThreads = 64;

// The methods of a service that the table serves. Generated code would have gRPC receive the
// request of a call before anybody looks at its headers; what is not served is unknown to gRPC,
// which answers UNIMPLEMENTED.
class TableService final : public grpc::Service, public CallSource {
 public:
  // Returns the number of the method.
  int Serve(const google::protobuf::MethodDescriptor& method) {
    names_.push_back("/" + method.service()->full_name() + "/" + method.name());
    const auto type = method.server_streaming() ? grpc::internal::RpcMethod::BIDI_STREAMING
                                                : grpc::internal::RpcMethod::CLIENT_STREAMING;
    AddMethod(new grpc::internal::RpcServiceMethod(names_.back().c_str(), type, nullptr));
    const int number = static_cast<int>(names_.size()) - 1;
    MarkMethodAsync(number);
    return number;
  }

  void Request(int method_index, grpc::ServerContext* context, UnaryWriter* writer,
               grpc::ServerCompletionQueue* queue, void* tag) override {
    RequestAsyncClientStreaming(method_index, context, writer, queue, queue, tag);
  }
  void Request(int method_index, grpc::ServerContext* context, StreamWriter* writer,
               grpc::ServerCompletionQueue* queue, void* tag) override {
    RequestAsyncBidiStreaming(method_index, context, writer, queue, queue, tag);
  }

 private:
  std::deque<std::string> names_;  // gRPC keeps pointers to them
};

std::string NameOf(RpcService service) {
  return DescriptorOf(service).full_name();
}

}  // namespace

class GrpcFront::Impl {
 public:
  Impl(const GrpcFrontOptions& options, Dispatcher& dispatcher)
      : options_(options),
        answers_(std::max(kLeastAnswerBytes, kAnsweredMessages * options.max_message_bytes),
                 options.answer_timeout),
        connections_(std::max<size_t>(options.max_connections, 1)),
        front_{dispatcher, live_, streams_, answers_, connections_, options_.server_uuid} {}
  ~Impl() { Shutdown(std::chrono::milliseconds::zero()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status Start();
  void Shutdown(std::chrono::milliseconds grace);
  int port() const { return listener_->port(); }

 private:
  struct Served {
    const Method* method;
    CallSource* source;
    int index;  // in its service
  };

  void Configure(grpc::ServerBuilder& builder);
  Result<std::vector<Served>> MarkServed();

  const GrpcFrontOptions options_;
  LiveCalls live_;
  StreamSlots streams_;
  AnswerBudget answers_;
  Ticker answer_ticker_{kAnswerTick, [this] { answers_.CancelOverdue(); }};
  Connections connections_;
  TableService service_;
  TableService operations_;
  HealthService health_{NameOf(RpcService::kImmuService), options_.health};
  const std::unique_ptr<grpc::Service> reflection_ =
      MakeReflectionService({NameOf(RpcService::kImmuService), NameOf(RpcService::kOperations),
                             "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"});
  const FrontContext front_;
  std::shared_ptr<grpc::ServerCredentials> credentials_ = grpc::InsecureServerCredentials();
  std::vector<std::unique_ptr<Poller>> pollers_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<MethodQueue>> queues_;
  std::unique_ptr<Listener> listener_;
};

void GrpcFront::Impl::Configure(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  // gRPC handles all that it has read from a connection before it turns to the next one: 4 MiB of
  // empty frames or pings would hold up all others.
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kMostReadAtOnce);
  // With probing, gRPC lets a client send 4 MiB before anybody has looked at the headers of a call;
  // without, 64 KiB, and the rest of a request when it is read. See Connections::kUnheardBytes.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // gRPC inflates a request before it looks at its size, its method or its token. So nothing is
  // inflated: a compressed request is UNIMPLEMENTED, and clients are told "identity".
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // Beyond it gRPC first slows down, then cuts the calls that are being received.
  grpc::ResourceQuota quota("immudb");
  quota.Resize(std::max(kLeastReceiveBytes, kReceivedMessages * options_.max_message_bytes));
  quota.SetMaxThreads(kMaxSynchronousThreads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options_.max_message_bytes));
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS,
                              kMaxSynchronousPollers);
}

Result<std::vector<GrpcFront::Impl::Served>> GrpcFront::Impl::MarkServed() {
  std::vector<Served> served;
  for (const Method& method : ServedMethods()) {
    const auto* descriptor =
        DescriptorOf(method.service).FindMethodByName(std::string(method.name));
    if (descriptor == nullptr) {
      return Status::Internal("no such method: " + std::string(method.name));
    }
    TableService& service = method.service == RpcService::kImmuService ? service_ : operations_;
    served.push_back({&method, &service, service.Serve(*descriptor)});
  }
  return served;
}

Status GrpcFront::Impl::Start() {
  if (options_.tls) {
    auto credentials = MakeTlsCredentials(*options_.tls);
    IMMUDB_RETURN_IF_ERROR(credentials);
    credentials_ = *std::move(credentials);
  }
  if (!GuardGrpc()) {
    spdlog::warn("this gRPC lacks functions of 1.51: what connections may open is not bounded");
  }
  grpc::ServerBuilder builder;
  Configure(builder);
  auto listener = Listener::Open(options_.target, kKeepaliveTimeoutMs);
  IMMUDB_RETURN_IF_ERROR(listener);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials_);

  const auto served = MarkServed();
  IMMUDB_RETURN_IF_ERROR(served);
  builder.RegisterService(&service_);
  builder.RegisterService(&operations_);
  builder.RegisterService(&health_.service());
  builder.RegisterService(reflection_.get());
  for (size_t i = 0; i < std::max<size_t>(options_.pollers, 1); ++i) {
    pollers_.push_back(std::make_unique<Poller>(builder.AddCompletionQueue()));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return Status::Unavailable("cannot listen on " + options_.target);

  for (const auto& poller : pollers_) {
    for (const auto& [method, source, index] : *served) {
      queues_.push_back(std::make_unique<MethodQueue>(front_, *source, *method, index, *poller));
      queues_.back()->Open();
    }
    poller->Start();
  }
  health_.StartServing();
  listener_ = *std::move(listener);
  listener_->Start(connections_, [this](int listening, int accepted) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = listening;
    connection.fd = accepted;
    acceptor_->HandleNewConnection(&connection);
  });
  return Status::Ok();
}

// The order matters: a queue may only be shut down when nothing starts an operation on it any more,
// and handlers do so when they end their call, however late the store answers them.
void GrpcFront::Impl::Shutdown(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  health_.StopServing();
  live_.Stop();
  live_.WaitForNoneTaken(grace);
  front_.dispatcher.Stop();
  listener_->Stop();
  // Connections may stay as long as their clients do not look at them: no reason to wait.
  server_->Shutdown(std::chrono::system_clock::now() + kGoodbye);
  live_.WaitForNone();
  for (const auto& poller : pollers_) poller->Stop();
  server_.reset();
}

GrpcFront::GrpcFront(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcFront::~GrpcFront() = default;

Result<std::unique_ptr<GrpcFront>> GrpcFront::Start(const GrpcFrontOptions& options,
                                                    Dispatcher& dispatcher) {
  auto impl = std::make_unique<Impl>(options, dispatcher);
  if (Status started = impl->Start(); !started.ok()) return started;
  return std::unique_ptr<GrpcFront>(new GrpcFront(std::move(impl)));
}

int GrpcFront::port() const {
  return impl_->port();
}

void GrpcFront::Shutdown(std::chrono::milliseconds grace) {
  impl_->Shutdown(grace);
}

}  // namespace immudb
