// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "immubench/closed_loop.h"
#include "immubench/suites.h"
#include "immudb/status.h"
#include "schema.pb.h"
#include "support/daemon_process.h"

namespace immudb::bench {
namespace {

grpc::ByteBuffer Serialise(const google::protobuf::Message& message) {
  const std::string bytes = message.SerializeAsString();
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

using RequestMaker = std::function<grpc::ByteBuffer(uint64_t i)>;

// A closed loop of raw unary calls: one thread, one completion queue, several connections. Requests
// are serialised before the clock of a call starts; answers are not parsed.
class Load {
 public:
  Load(int port, std::string token) : token_(std::move(token)) {
    for (size_t i = 0; i < kConnections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt("immubench.connection", static_cast<int>(i));  // or they would share one
      arguments.SetMaxReceiveMessageSize(-1);
      auto channel = grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port),
                                               grpc::InsecureChannelCredentials(), arguments);
      stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
    }
  }
  ~Load() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  Measurement Run(const std::string& method, size_t in_flight, double seconds,
                  const RequestMaker& make) {
    const std::string path = "/immudb.schema.ImmuService/" + method;
    Recorder recorder;
    std::vector<std::unique_ptr<Call>> calls(in_flight);
    const auto begin = std::chrono::steady_clock::now();
    const auto end = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                 std::chrono::duration<double>(seconds));
    size_t running = 0;
    for (size_t i = 0; i < in_flight; ++i, ++running) Issue(calls[i], path, i, make);
    while (running > 0) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok)) break;
      Call* call = static_cast<Call*>(tag);
      const size_t slot = call->slot;
      if (!call->status.ok()) last_error_ = call->status.error_message();
      recorder.Add(call->start, ok && call->status.ok());
      if (std::chrono::steady_clock::now() < end) {
        Issue(calls[slot], path, slot, make);
      } else {
        --running;
      }
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    return recorder.Summarise(elapsed.count());
  }

  // One call; its answer, or std::runtime_error.
  template <typename Response>
  Response CallOnce(const std::string& method, const google::protobuf::Message& request) {
    std::unique_ptr<Call> call;
    Issue(call, "/immudb.schema.ImmuService/" + method, 0,
          [&](uint64_t) { return Serialise(request); });
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    Response response;
    if (!call->status.ok()) {
      throw std::runtime_error(method + ": " + call->status.error_message());
    }
    grpc::Slice slice;
    if (call->response.TrySingleSlice(&slice).ok() ||
        call->response.DumpToSingleSlice(&slice).ok()) {
      response.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
    }
    return response;
  }

  void set_token(std::string token) { token_ = std::move(token); }
  const std::string& last_error() const { return last_error_; }

 private:
  struct Call {
    size_t slot = 0;
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
    std::chrono::steady_clock::time_point start;
  };

  void Issue(std::unique_ptr<Call>& call, const std::string& path, size_t slot,
             const RequestMaker& make) {
    call = std::make_unique<Call>();
    call->slot = slot;
    if (!token_.empty()) call->context.AddMetadata("authorization", "Bearer " + token_);
    const grpc::ByteBuffer request = make(issued_++);
    call->start = std::chrono::steady_clock::now();
    call->reader =
        stubs_[slot % stubs_.size()]->PrepareUnaryCall(&call->context, path, request, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call.get());
  }

  std::string token_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  uint64_t issued_ = 0;
  std::string last_error_;
};

class GrpcSuite {
 public:
  GrpcSuite(const SuiteOptions& options, int server_port, int echo_port)
      : options_(options), load_(server_port, ""), echo_(echo_port, "") {}

  void Login() {
    schema::LoginRequest login;
    login.set_user("immudb");
    login.set_password("immudb");
    load_.set_token(load_.CallOnce<schema::LoginResponse>("Login", login).token());
  }

  void Prefill() {
    for (size_t i = 0; i < kPrefilledKeys; i += kBatchEntries) {
      load_.CallOnce<schema::Index>("SetBatch", Batch(i));
    }
    next_key_ = kPrefilledKeys;
  }

  void Echo() {
    for (const size_t in_flight : options_.in_flight) {
      const auto result =
          echo_.Run("Set", in_flight, options_.seconds, [](uint64_t i) { return SetRequest(i); });
      echo_rate_[in_flight] = result.PerSecond();
      PrintResult("echo", in_flight, 1, result, 0);
    }
  }

  void Line(const std::string& name, const std::string& method, size_t entries,
            const RequestMaker& make) {
    for (const size_t in_flight : options_.in_flight) {
      const auto result = load_.Run(method, in_flight, options_.seconds, make);
      failed_ = failed_ || result.failures > 0;
      PrintResult(name, in_flight, entries, result, entries == 1 ? echo_rate_[in_flight] : 0);
      if (result.failures > 0) fmt::print("  last error: {}\n", load_.last_error());
    }
  }

  void All() {
    Line("Set", "Set", 1, [this](uint64_t) { return SetRequest(next_key_++); });
    Line("SetBatch 1000", "SetBatch", kBatchEntries, [this](uint64_t) {
      next_key_ += kBatchEntries;
      return Serialise(Batch(next_key_ - kBatchEntries));
    });
    Line("Get", "Get", 1, [this](uint64_t) {
      schema::Key key;
      key.set_key(RandomKey());
      return Serialise(key);
    });
    Line("SafeSet", "SafeSet", 1, [this](uint64_t) {
      schema::SafeSetOptions request;
      request.mutable_kv()->set_key(Key(next_key_++));
      request.mutable_kv()->set_value(Value());
      request.mutable_rootindex()->set_index(kPrefilledKeys - 1);
      return Serialise(request);
    });
    Line("SafeGet", "SafeGet", 1, [this](uint64_t) {
      schema::SafeGetOptions request;
      request.set_key(RandomKey());
      request.mutable_rootindex()->set_index(kPrefilledKeys - 1);
      return Serialise(request);
    });
  }

  bool failed() const { return failed_; }

 private:
  static grpc::ByteBuffer SetRequest(uint64_t i) {
    schema::KeyValue request;
    request.set_key(Key(i));
    request.set_value(Value());
    return Serialise(request);
  }
  static schema::KVList Batch(uint64_t first) {
    schema::KVList list;
    for (size_t i = 0; i < kBatchEntries; ++i) {
      auto* kv = list.add_kvs();
      kv->set_key(Key(first + i));
      kv->set_value(Value());
    }
    return list;
  }
  std::string RandomKey() { return Key(random_() % kPrefilledKeys); }

  const SuiteOptions& options_;
  Load load_;
  Load echo_;
  std::map<size_t, double> echo_rate_;
  std::mt19937_64 random_{42};
  uint64_t next_key_ = 0;
  bool failed_ = false;
};

}  // namespace

int RunOverGrpc(const SuiteOptions& options) {
  const auto echo = DaemonProcess::Start({options.self, "--echo-server"});
  const auto server =
      DaemonProcess::Start({options.server, "--dir", options.directory + "/daemon", "--address",
                            "127.0.0.1", "--port", "0", "--metrics-server=false", "--slow-log=0",
                            options.sync ? "--sync=true" : "--sync=false"});
  for (const auto* process : {&echo, &server}) {
    if (process->ok()) continue;
    fmt::print(stderr, "{}\n", process->status().message());
    return 1;
  }
  PrintHeader(fmt::format(
      "over gRPC, {} connections, auth on, keys of 16 bytes, values of 32 bytes, fsync {}",
      kConnections, options.sync ? "on" : "off"));
  bool failed = false;
  try {
    GrpcSuite suite(options, (*server)->port(), (*echo)->port());
    suite.Login();
    suite.Echo();
    suite.Prefill();
    suite.All();
    failed = suite.failed();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    failed = true;
  }
  return (*server)->Stop(SIGTERM) == 0 && !failed ? 0 : 1;
}

}  // namespace immudb::bench
