// SPDX-License-Identifier: Apache-2.0
//
// What each RPC does once it is allowed to. A handler without a Completion answers with the status
// it returns; one with a Completion does so only if that is an error, else it ends the call later;
// one that streams gives the source of its messages.
// The rules are those of the specification (semantics, sections 3 to 8) as docs/compatibility.md
// amends them.
#pragma once

#include <google/protobuf/empty.pb.h>

#include <memory>

#include "immudb/status.h"
#include "operations.pb.h"
#include "schema.pb.h"
#include "server/call_context.h"
#include "server/login_lane.h"

namespace immudb::handlers {

using google::protobuf::Empty;

// handlers_session.cc
Status Health(CallContext& call, const Empty& request, schema::HealthResponse& response);
Status Login(CallContext& call, const schema::LoginRequest& request,
             schema::LoginResponse& response);
Status Logout(CallContext& call, const Empty& request, Empty& response);
Result<LoginTicket> TicketOfLogin(const CallContext& call,
                                  const google::protobuf::Message& request);

// handlers_users.cc
Status CreateUser(CallContext& call, const schema::CreateUserRequest& request, Empty& response);
Status ListUsers(CallContext& call, const Empty& request, schema::UserList& response);
Status ChangePassword(CallContext& call, const schema::ChangePasswordRequest& request,
                      Empty& response);
Status ChangePermission(CallContext& call, const schema::ChangePermissionRequest& request,
                        Empty& response);
Status SetActiveUser(CallContext& call, const schema::SetActiveUserRequest& request,
                     Empty& response);

Result<LoginTicket> TicketOfCreateUser(const CallContext& call,
                                       const google::protobuf::Message& request);
Result<LoginTicket> TicketOfChangePassword(const CallContext& call,
                                           const google::protobuf::Message& request);

// handlers_databases.cc
Status CreateDatabase(CallContext& call, const schema::Database& request, Empty& response);
Status UseDatabase(CallContext& call, const schema::Database& request,
                   schema::UseDatabaseReply& response);
Status DatabaseList(CallContext& call, const Empty& request,
                    schema::DatabaseListResponse& response);

// handlers_config.cc
Status UpdateAuthConfig(CallContext& call, const schema::AuthConfig& request, Empty& response);
Status UpdateMTLSConfig(CallContext& call, const schema::MTLSConfig& request, Empty& response);

// handlers_write.cc
Status Set(CallContext& call, const schema::KeyValue& request, schema::Index& response,
           Completion done);
Status SetSV(CallContext& call, const schema::StructuredKeyValue& request, schema::Index& response,
             Completion done);
Status SafeSet(CallContext& call, const schema::SafeSetOptions& request, schema::Proof& response,
               Completion done);
Status SafeSetSV(CallContext& call, const schema::SafeSetSVOptions& request,
                 schema::Proof& response, Completion done);
Status SetBatch(CallContext& call, const schema::KVList& request, schema::Index& response,
                Completion done);
Status SetBatchSV(CallContext& call, const schema::SKVList& request, schema::Index& response,
                  Completion done);
Status Reference(CallContext& call, const schema::ReferenceOptions& request,
                 schema::Index& response, Completion done);
Status SafeReference(CallContext& call, const schema::SafeReferenceOptions& request,
                     schema::Proof& response, Completion done);
Status ZAdd(CallContext& call, const schema::ZAddOptions& request, schema::Index& response,
            Completion done);
Status SafeZAdd(CallContext& call, const schema::SafeZAddOptions& request, schema::Proof& response,
                Completion done);

// handlers_read.cc
Status Get(CallContext& call, const schema::Key& request, schema::Item& response);
Status GetSV(CallContext& call, const schema::Key& request, schema::StructuredItem& response);
Status SafeGet(CallContext& call, const schema::SafeGetOptions& request,
               schema::SafeItem& response);
Status SafeGetSV(CallContext& call, const schema::SafeGetOptions& request,
                 schema::SafeStructuredItem& response);
Status ByIndex(CallContext& call, const schema::Index& request, schema::Item& response);
Status ByIndexSV(CallContext& call, const schema::Index& request, schema::StructuredItem& response);
Status BySafeIndex(CallContext& call, const schema::SafeIndexOptions& request,
                   schema::SafeItem& response);
Status CurrentRoot(CallContext& call, const Empty& request, schema::Root& response);
Status Inclusion(CallContext& call, const schema::Index& request, schema::InclusionProof& response);
Status Consistency(CallContext& call, const schema::Index& request,
                   schema::ConsistencyProof& response);

// handlers_list.cc
Status GetBatch(CallContext& call, const schema::KeyList& request, schema::ItemList& response);
Status GetBatchSV(CallContext& call, const schema::KeyList& request,
                  schema::StructuredItemList& response);
Status History(CallContext& call, const schema::Key& request, schema::ItemList& response);
Status HistorySV(CallContext& call, const schema::Key& request,
                 schema::StructuredItemList& response);
Status Scan(CallContext& call, const schema::ScanOptions& request, schema::ItemList& response);
Status ScanSV(CallContext& call, const schema::ScanOptions& request,
              schema::StructuredItemList& response);
Status ZScan(CallContext& call, const schema::ZScanOptions& request, schema::ItemList& response);
Status ZScanSV(CallContext& call, const schema::ZScanOptions& request,
               schema::StructuredItemList& response);
Status IScan(CallContext& call, const schema::IScanOptions& request, schema::Page& response);
Status IScanSV(CallContext& call, const schema::IScanOptions& request, schema::SPage& response);
Status Count(CallContext& call, const schema::KeyPrefix& request, schema::ItemsCount& response);

// handlers_inspect.cc
Status PrintTree(CallContext& call, const Empty& request, schema::Tree& response);
Result<std::unique_ptr<ChunkSource>> Dump(CallContext& call, const Empty& request);

// handlers_operations.cc
Status GetStatus(CallContext& call, const operations::GetStatusRequest& request,
                 operations::GetStatusResponse& response);
Status ClearTamper(CallContext& call, const operations::ClearTamperRequest& request,
                   operations::ClearTamperResponse& response);
Status ListVersions(CallContext& call, const operations::ListVersionsRequest& request,
                    operations::ListVersionsResponse& response);

}  // namespace immudb::handlers
