// SPDX-License-Identifier: Apache-2.0
#include "immudb/client.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/status_macros.h"
#include "client/client_impl.h"
#include "client/messages.h"
#include "client/proof_check.h"
#include "client/root_store.h"
#include "client/rpc.h"
#include "client/tls_diagnosis.h"
#include "client/token_store.h"
#include "client/verified_calls.h"
#include "operations.pb.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{500};

// Asks until the server is healthy, or just answers if that is enough. Only its absence (or
// illness) is a reason to ask again.
Result<Rpc::Greeting> AwaitHealth(Rpc& rpc, milliseconds patience, bool must_be_healthy) {
  const auto deadline = steady_clock::now() + patience;
  for (milliseconds pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    schema::HealthResponse response;
    Rpc::Greeting greeting;
    Status status = rpc.Health(std::max(left, milliseconds(1)), &response, &greeting);
    if (status.ok() && (response.status() || !must_be_healthy)) return greeting;
    if (status.ok()) status = Status::Unavailable("health check failed");
    if (status.code() != StatusCode::kUnavailable) return status;
    if (steady_clock::now() + pause >= deadline) return status;
    std::this_thread::sleep_for(pause);
  }
}

// `whole` is what a server answers that has no pages.
Result<std::vector<Item>> HistoryInPages(Rpc& rpc, const std::string& token, std::string_view key,
                                         const Status& whole) {
  std::vector<Item> items;
  operations::ListVersionsRequest request;
  request.set_key(std::string(key));
  while (true) {
    operations::ListVersionsResponse page;
    const auto known = rpc.ListVersions(token, request, &page);
    IMMUDB_RETURN_IF_ERROR(known);
    if (!*known) return whole;
    for (auto& version : *page.mutable_versions()) {
      items.push_back(
          {std::string(key), std::move(*version.mutable_value()), LeafIndex{version.index()}});
    }
    const uint64_t last = items.empty() ? 0 : items.back().index.value;
    if (!page.more() || last == 0) return items;
    if (request.before() > 0 && last >= request.before()) {
      return Status::Internal("the server's pages of a history do not go on");
    }
    request.set_before(last);
  }
}

// With room for the answers of this server, if the caller has not said what he takes.
Result<std::unique_ptr<Rpc>> WithRoom(std::unique_ptr<Rpc> rpc, ClientOptions options,
                                      const Rpc::Greeting& greeting) {
  if (options.max_message_bytes > 0 || greeting.largest_answer <= kDefaultAnswerBytes) {
    return rpc;
  }
  options.max_message_bytes = std::min(greeting.largest_answer, kMaxAnswerBytes);
  return Rpc::Dial(options);
}

}  // namespace

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  TokenStore tokens(options.token_file);
  auto session = tokens.Load();
  IMMUDB_RETURN_IF_ERROR(session);
  auto rpc = Rpc::Dial(options);
  IMMUDB_RETURN_IF_ERROR(rpc);
  auto greeting = AwaitHealth(**rpc, options.connect_timeout, !options.accept_unhealthy);
  if (!greeting.ok()) {
    const bool unix_socket = options.address.starts_with("unix:");
    const bool unavailable = greeting.status().code() == StatusCode::kUnavailable;
    const std::string reason = unavailable ? DiagnoseTls(options) : "";
    const Status status =
        reason.empty() ? greeting.status() : Status(greeting.status().code(), reason);
    return status.WithContext("server " + options.address +
                              (unix_socket ? "" : ':' + std::to_string(options.port)));
  }
  // It becomes part of a file name.
  if (!RootStore::IsSafeUuid(greeting->uuid)) {
    return Status::InvalidArgument("the server's uuid is no plain identifier");
  }
  rpc = WithRoom(*std::move(rpc), options, *greeting);
  IMMUDB_RETURN_IF_ERROR(rpc);
  return std::unique_ptr<Client>(
      new Client(std::make_unique<Impl>(options, *std::move(rpc), std::move(greeting->uuid),
                                        std::move(tokens), (*session).value_or(SavedSession{}))));
}

const std::string& Client::server_uuid() const {
  return impl_->uuid;
}
std::string Client::database() const {
  return impl_->session().database;
}

Result<ServerHealth> Client::Health() {
  schema::HealthResponse response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Health(impl_->call_timeout, &response, nullptr));
  return ServerHealth{response.status(), response.version()};
}

Result<std::string> Client::Login(std::string_view user, std::string_view password) {
  schema::LoginRequest request;
  request.set_user(std::string(user));
  request.set_password(std::string(password));
  schema::LoginResponse response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Login(request, &response));
  IMMUDB_RETURN_IF_ERROR(impl_->SetSession({"", response.token()}));
  return response.warning();
}

Status Client::Logout() {
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Logout(impl_->token()));
  return impl_->DropSession();
}

Status Client::UseDatabase(std::string_view name) {
  schema::Database request;
  request.set_databasename(std::string(name));
  schema::UseDatabaseReply response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->UseDatabase(impl_->token(), request, &response));
  return impl_->SetSession({std::string(name), response.token()});
}

Result<LeafIndex> Client::Set(std::string_view key, std::string_view value) {
  schema::KeyValue request;
  request.set_key(std::string(key));
  request.set_value(std::string(value));
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Set(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<LeafIndex> Client::SetBatch(std::span<const KeyValue> entries) {
  if (entries.empty()) return Status::InvalidArgument("Empty set");
  schema::KVList request;
  for (const auto& [key, value] : entries) {
    auto* entry = request.add_kvs();
    entry->set_key(key);
    entry->set_value(value);
  }
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->SetBatch(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<LeafIndex> Client::Reference(std::string_view name, std::string_view key) {
  schema::ReferenceOptions request;
  request.set_reference(std::string(name));
  request.set_key(std::string(key));
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Reference(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<LeafIndex> Client::ZAdd(std::string_view set, double score, std::string_view key) {
  schema::ZAddOptions request;
  request.set_set(std::string(set));
  request.set_score(score);
  request.set_key(std::string(key));
  schema::Index response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ZAdd(impl_->token(), request, &response));
  return LeafIndex{response.index()};
}

Result<Item> Client::Get(std::string_view key) {
  schema::Item response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Get(impl_->token(), ToKey(key), &response));
  return ToItem(std::move(response));
}

Result<std::vector<Item>> Client::GetBatch(std::span<const std::string> keys) {
  schema::ItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->GetBatch(impl_->token(), ToKeyList(keys), &response));
  return ToItems(std::move(response));
}

Result<Item> Client::ByIndex(LeafIndex index) {
  schema::Item response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ByIndex(impl_->token(), ToIndex(index), &response));
  return ToItem(std::move(response));
}

Result<std::vector<Item>> Client::History(std::string_view key) {
  schema::ItemList response;
  const Status whole = impl_->rpc->History(impl_->token(), ToKey(key), &response);
  if (whole.code() == StatusCode::kResourceExhausted) {
    return HistoryInPages(*impl_->rpc, impl_->token(), key, whole);
  }
  IMMUDB_RETURN_IF_ERROR(whole);
  return ToItems(std::move(response));
}

Result<std::vector<Item>> Client::Scan(const ScanQuery& query) {
  schema::ItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Scan(impl_->token(), ToScan(query), &response));
  return ToItems(std::move(response));
}

Result<std::vector<Item>> Client::ZScan(const SetScanQuery& query) {
  schema::ItemList response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->ZScan(impl_->token(), ToZScan(query), &response));
  return ToItems(std::move(response));
}

Result<ItemPage> Client::IScan(uint64_t page_number, uint64_t page_size) {
  schema::Page response;
  IMMUDB_RETURN_IF_ERROR(
      impl_->rpc->IScan(impl_->token(), ToIScan(page_number, page_size), &response));
  const bool more = response.more();
  return ItemPage{ToItems(std::move(response)), more};
}

Result<uint64_t> Client::Count(std::string_view prefix) {
  schema::KeyPrefix request;
  request.set_prefix(std::string(prefix));
  schema::ItemsCount response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Count(impl_->token(), request, &response));
  return response.count();
}

Result<VerifiedItem> Client::SafeSet(std::string_view key, std::string_view value,
                                     VerifiedItem* rejected) {
  return impl_->verified.Set(impl_->session(), key, value, rejected);
}
Result<VerifiedItem> Client::SafeReference(std::string_view name, std::string_view key,
                                           VerifiedItem* rejected) {
  return impl_->verified.Reference(impl_->session(), name, key, rejected);
}
Result<VerifiedItem> Client::SafeZAdd(std::string_view set, double score, std::string_view key,
                                      VerifiedItem* rejected) {
  return impl_->verified.ZAdd(impl_->session(), set, score, key, rejected);
}
Result<VerifiedItem> Client::SafeGet(std::string_view key, VerifiedItem* rejected) {
  return impl_->verified.Get(impl_->session(), key, rejected);
}
Result<VerifiedItem> Client::BySafeIndex(LeafIndex index, VerifiedItem* rejected) {
  return impl_->verified.ByIndex(impl_->session(), index, rejected);
}
Result<VerifiedItem> Client::SafeSetStructured(std::string_view key, const StructuredValue& value,
                                               VerifiedItem* rejected) {
  return impl_->verified.SetStructured(impl_->session(), key, value, rejected);
}
Result<VerifiedItem> Client::SafeGetStructured(std::string_view key, VerifiedItem* rejected) {
  return impl_->verified.GetStructured(impl_->session(), key, rejected);
}

Result<ProofDocument> Client::Prove(std::string_view key, const std::optional<TreeRoot>& from) {
  const SavedSession session = impl_->session();
  auto item = impl_->verified.Get(session, key, nullptr);
  IMMUDB_RETURN_IF_ERROR(item);
  std::optional<ProofDocument::Consistency> consistency;
  if (from) {
    auto connected = impl_->verified.Connect(session, *from, &*item);
    IMMUDB_RETURN_IF_ERROR(connected);
    consistency = *std::move(connected);
  }
  return ProofDocument{.server_uuid = impl_->uuid,
                       .database = session.database,
                       .index = item->item.index,
                       .key = std::move(item->item.key),
                       .value = std::move(item->item.value),
                       .leaf = item->leaf,
                       .tree = item->tree,
                       .inclusion = std::move(item->path),
                       .consistency = std::move(consistency)};
}

Result<std::optional<TreeRoot>> Client::CurrentRoot() {
  schema::Root response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->CurrentRoot(impl_->token(), &response));
  return ToRoot(response);
}

Result<InclusionAnswer> Client::Inclusion(LeafIndex index) {
  schema::InclusionProof response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Inclusion(impl_->token(), ToIndex(index), &response));
  return ToInclusion(response);
}

Result<ConsistencyAnswer> Client::Consistency(LeafIndex first) {
  schema::ConsistencyProof response;
  IMMUDB_RETURN_IF_ERROR(impl_->rpc->Consistency(impl_->token(), ToIndex(first), &response));
  return ToConsistency(response);
}

Result<std::optional<TreeRoot>> Client::TrustedRoot() const {
  return impl_->roots.Load(impl_->session().database);
}

}  // namespace immudb
