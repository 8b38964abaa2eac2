// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "immudb/client.h"
#include "immudb/status.h"
#include "operations.pb.h"
#include "schema.pb.h"

namespace immudb {

// The calls of ImmuService, with our errors, deadlines and repetitions: the only place that knows
// gRPC. Thread-safe. `token` is sent if it is not empty. Reads are repeated with growing pauses
// while the server is unavailable and the call's time lasts; writes and session calls are tried
// once.
//
// A missed deadline and a cancelled call are kUnavailable.
class Rpc {
 public:
  // Connects when the first call is made. kFailedPrecondition for a TLS file that cannot be used.
  static Result<std::unique_ptr<Rpc>> Dial(const ClientOptions& options);
  ~Rpc();
  Rpc(const Rpc&) = delete;
  Rpc& operator=(const Rpc&) = delete;

  // What a server tells of itself beside the answer to Health.
  struct Greeting {
    std::string uuid;           // "": none
    size_t largest_answer = 0;  // it sends none with more bytes; 0: it does not say
  };
  // `greeting` may be null.
  Status Health(std::chrono::milliseconds timeout, schema::HealthResponse* response,
                Greeting* greeting);

  Status Login(const schema::LoginRequest& request, schema::LoginResponse* response);
  Status Logout(const std::string& token);
  Status UseDatabase(const std::string& token, const schema::Database& request,
                     schema::UseDatabaseReply* response);

  Status Set(const std::string& token, const schema::KeyValue& request, schema::Index* response);
  Status SetBatch(const std::string& token, const schema::KVList& request, schema::Index* response);
  Status Reference(const std::string& token, const schema::ReferenceOptions& request,
                   schema::Index* response);
  Status ZAdd(const std::string& token, const schema::ZAddOptions& request,
              schema::Index* response);

  Status Get(const std::string& token, const schema::Key& request, schema::Item* response);
  Status GetBatch(const std::string& token, const schema::KeyList& request,
                  schema::ItemList* response);
  Status ByIndex(const std::string& token, const schema::Index& request, schema::Item* response);
  Status History(const std::string& token, const schema::Key& request, schema::ItemList* response);
  Status Scan(const std::string& token, const schema::ScanOptions& request,
              schema::ItemList* response);
  Status ZScan(const std::string& token, const schema::ZScanOptions& request,
               schema::ItemList* response);
  Status IScan(const std::string& token, const schema::IScanOptions& request,
               schema::Page* response);
  Status Count(const std::string& token, const schema::KeyPrefix& request,
               schema::ItemsCount* response);

  Status SafeSet(const std::string& token, const schema::SafeSetOptions& request,
                 schema::Proof* response);
  Status SafeReference(const std::string& token, const schema::SafeReferenceOptions& request,
                       schema::Proof* response);
  Status SafeZAdd(const std::string& token, const schema::SafeZAddOptions& request,
                  schema::Proof* response);
  Status SafeGet(const std::string& token, const schema::SafeGetOptions& request,
                 schema::SafeItem* response);
  Status BySafeIndex(const std::string& token, const schema::SafeIndexOptions& request,
                     schema::SafeItem* response);

  Status SetSV(const std::string& token, const schema::StructuredKeyValue& request,
               schema::Index* response);
  Status SetBatchSV(const std::string& token, const schema::SKVList& request,
                    schema::Index* response);
  Status GetSV(const std::string& token, const schema::Key& request,
               schema::StructuredItem* response);
  Status GetBatchSV(const std::string& token, const schema::KeyList& request,
                    schema::StructuredItemList* response);
  Status ByIndexSV(const std::string& token, const schema::Index& request,
                   schema::StructuredItem* response);
  Status HistorySV(const std::string& token, const schema::Key& request,
                   schema::StructuredItemList* response);
  Status ScanSV(const std::string& token, const schema::ScanOptions& request,
                schema::StructuredItemList* response);
  Status ZScanSV(const std::string& token, const schema::ZScanOptions& request,
                 schema::StructuredItemList* response);
  Status IScanSV(const std::string& token, const schema::IScanOptions& request,
                 schema::SPage* response);
  Status SafeSetSV(const std::string& token, const schema::SafeSetSVOptions& request,
                   schema::Proof* response);
  Status SafeGetSV(const std::string& token, const schema::SafeGetOptions& request,
                   schema::SafeStructuredItem* response);

  Status CurrentRoot(const std::string& token, schema::Root* response);
  Status Inclusion(const std::string& token, const schema::Index& request,
                   schema::InclusionProof* response);
  Status Consistency(const std::string& token, const schema::Index& request,
                     schema::ConsistencyProof* response);

  Status ListUsers(const std::string& token, schema::UserList* response);
  Status CreateUser(const std::string& token, const schema::CreateUserRequest& request);
  Status ChangePassword(const std::string& token, const schema::ChangePasswordRequest& request);
  Status ChangePermission(const std::string& token, const schema::ChangePermissionRequest& request);
  Status SetActiveUser(const std::string& token, const schema::SetActiveUserRequest& request);
  Status CreateDatabase(const std::string& token, const schema::Database& request);
  Status DatabaseList(const std::string& token, schema::DatabaseListResponse* response);
  Status UpdateAuthConfig(const std::string& token, const schema::AuthConfig& request);
  Status UpdateMtlsConfig(const std::string& token, const schema::MTLSConfig& request);
  // False: the server does not know the call.
  Result<bool> GetStatus(const std::string& token, operations::GetStatusResponse* response);
  Status ClearTamper(const std::string& token, const operations::ClearTamperRequest& request);
  // False: the server does not know the call.
  Result<bool> ListVersions(const std::string& token,
                            const operations::ListVersionsRequest& request,
                            operations::ListVersionsResponse* response);
  Status PrintTree(const std::string& token, schema::Tree* response);
  // Hands on each message until `visit` fails; then the call is cancelled. The time of the call
  // starts anew with each message. Not repeated.
  Status Dump(const std::string& token, const std::function<Status(const pb::KVList&)>& visit);

 private:
  class Impl;
  explicit Rpc(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
