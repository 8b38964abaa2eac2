// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "immubench/suites.h"
#include "schema.grpc.pb.h"

namespace immudb::bench {
namespace {

using EchoService = schema::ImmuService::WithAsyncMethod_Set<schema::ImmuService::Service>;

// The least a unary call can cost with this library: it answers an empty Index at once.
class EchoCall {
 public:
  EchoCall(EchoService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue) {
    Accept();
  }

  void Proceed(bool ok) {
    if (!ok) {
      delete this;
    } else if (finishing_) {
      finishing_ = false;
      Accept();
    } else {
      finishing_ = true;
      exchange_->responder.Finish(exchange_->response, grpc::Status::OK, this);
    }
  }

 private:
  struct Exchange {
    grpc::ServerContext context;
    schema::KeyValue request;
    schema::Index response;
    grpc::ServerAsyncResponseWriter<schema::Index> responder{&context};
  };

  void Accept() {
    exchange_ = std::make_unique<Exchange>();
    service_.RequestSet(&exchange_->context, &exchange_->request, &exchange_->responder, &queue_,
                        &queue_, this);
  }

  EchoService& service_;
  grpc::ServerCompletionQueue& queue_;
  bool finishing_ = false;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace

int ServeEcho() {
  // Blocked before there are threads, so that sigwait gets it; also when the parent dies.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  auto queue = builder.AddCompletionQueue();
  auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  for (int i = 0; i < 128; ++i) new EchoCall(service, *queue);  // deletes itself at shutdown
  std::thread poller([&queue] {
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) static_cast<EchoCall*>(tag)->Proceed(ok);
  });
  fmt::print("Address         : 127.0.0.1:{}\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  queue->Shutdown();
  poller.join();
  return 0;
}

}  // namespace immudb::bench
