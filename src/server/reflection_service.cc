// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "server/standard_services.h"

namespace immudb {
namespace {

namespace reflection = grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using reflection::ServerReflectionRequest;
using reflection::ServerReflectionResponse;

// Each stream holds a thread while it is open.
constexpr int kMaxStreams = 32;

void AddWithImports(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
                    reflection::FileDescriptorResponse& response) {
  if (!added.insert(&file).second) return;
  google::protobuf::FileDescriptorProto description;
  file.CopyTo(&description);
  response.add_file_descriptor_proto(description.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddWithImports(*file.dependency(i), added, response);
  }
}

class ReflectionService final : public reflection::ServerReflection::Service {
 public:
  explicit ReflectionService(std::vector<std::string> services) : services_(std::move(services)) {}

  grpc::Status ServerReflectionInfo(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<ServerReflectionResponse, ServerReflectionRequest>* stream)
      override {
    const bool refused = ++streams_ > kMaxStreams;
    ServerReflectionRequest request;
    while (!refused && stream->Read(&request) && stream->Write(Answer(request))) {
    }
    --streams_;
    return refused ? grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams")
                   : grpc::Status::OK;
  }

 private:
  ServerReflectionResponse Answer(const ServerReflectionRequest& request) const {
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    const FileDescriptor* file = nullptr;
    ServerReflectionResponse response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    switch (request.message_request_case()) {
      case ServerReflectionRequest::kListServices:
        for (const std::string& name : services_) {
          response.mutable_list_services_response()->add_service()->set_name(name);
        }
        return response;
      case ServerReflectionRequest::kFileByFilename:
        file = pool.FindFileByName(request.file_by_filename());
        break;
      case ServerReflectionRequest::kFileContainingSymbol:
        file = pool.FindFileContainingSymbol(request.file_containing_symbol());
        break;
      default:  // proto3: there are no extensions
        break;
    }
    if (file == nullptr) {
      response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
      response.mutable_error_response()->set_error_message("not found");
    } else {
      std::set<const FileDescriptor*> added;
      AddWithImports(*file, added, *response.mutable_file_descriptor_response());
    }
    return response;
  }

  const std::vector<std::string> services_;
  std::atomic<int> streams_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services) {
  return std::make_unique<ReflectionService>(std::move(services));
}

}  // namespace immudb
