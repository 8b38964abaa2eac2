// SPDX-License-Identifier: Apache-2.0
#include "client/fake_server.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "immudb/verify.h"
#include "schema.grpc.pb.h"

namespace immudb {
namespace {

using google::protobuf::Empty;
using grpc::ServerContext;
using Leaves = std::span<const Digest>;

size_t Split(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

Digest RootOf(Leaves leaves) {
  if (leaves.empty()) return EmptyTreeRoot();
  if (leaves.size() == 1) return leaves[0];
  const size_t k = Split(leaves.size());
  return NodeDigest(RootOf(leaves.first(k)), RootOf(leaves.subspan(k)));
}

void Path(size_t m, Leaves leaves, ProofPath* path) {
  if (leaves.size() <= 1) return;
  const size_t k = Split(leaves.size());
  Path(m < k ? m : m - k, m < k ? leaves.first(k) : leaves.subspan(k), path);
  path->push_back(RootOf(m < k ? leaves.subspan(k) : leaves.first(k)));
}

void SubProof(size_t m, Leaves leaves, bool whole, ProofPath* path) {
  if (m == leaves.size()) {
    if (!whole) path->push_back(RootOf(leaves));
    return;
  }
  const size_t k = Split(leaves.size());
  if (m <= k) {
    SubProof(m, leaves.first(k), whole, path);
    path->push_back(RootOf(leaves.subspan(k)));
  } else {
    SubProof(m - k, leaves.subspan(k), false, path);
    path->push_back(RootOf(leaves.first(k)));
  }
}

std::string Bytes(const Digest& digest) {
  return {digest.begin(), digest.end()};
}

struct Record {
  std::string key;
  std::string value;
  bool reference = false;
};

const grpc::Status kNoKey(grpc::StatusCode::NOT_FOUND, "Key not found");
const grpc::Status kNoIndex(grpc::StatusCode::NOT_FOUND, "index not found");
const grpc::Status kBadRoot(grpc::StatusCode::INVALID_ARGUMENT, "invalid root index");

}  // namespace

class FakeServer::Service final : public schema::ImmuService::Service {
 public:
  explicit Service(std::string uuid) : uuid_(std::move(uuid)) {}

  grpc::Status Health(ServerContext* context, const Empty* /*request*/,
                      schema::HealthResponse* response) override {
    if (!uuid_.empty()) context->AddInitialMetadata("immudb-uuid", uuid_);
    response->set_status(true);
    response->set_version("fake 1");
    return grpc::Status::OK;
  }
  grpc::Status Login(ServerContext* context, const schema::LoginRequest* request,
                     schema::LoginResponse* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    if (request->password() != "secret") {
      return {grpc::StatusCode::PERMISSION_DENIED, "invalid user name or password"};
    }
    response->set_token("token-of-" + request->user());
    response->set_warning("change it");
    return grpc::Status::OK;
  }
  grpc::Status Logout(ServerContext* context, const Empty* /*request*/,
                      Empty* /*response*/) override {
    return Arrive(*context).value_or(grpc::Status::OK);
  }
  grpc::Status UseDatabase(ServerContext* context, const schema::Database* request,
                           schema::UseDatabaseReply* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    response->set_token("token-for-" + request->databasename());
    return grpc::Status::OK;
  }

  grpc::Status Set(ServerContext* context, const schema::KeyValue* request,
                   schema::Index* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    response->set_index(Add({request->key(), request->value()}));
    return grpc::Status::OK;
  }
  grpc::Status Get(ServerContext* context, const schema::Key* request,
                   schema::Item* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    const std::lock_guard hold(mutex_);
    const auto index = Resolve(request->key());
    if (!index) return kNoKey;
    FillItem(*index, response);
    return grpc::Status::OK;
  }
  grpc::Status History(ServerContext* context, const schema::Key* request,
                       schema::ItemList* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    const std::lock_guard hold(mutex_);
    for (size_t i = records_.size(); i-- > 0;) {
      if (records_[i].key == request->key()) FillItem(i, response->add_items());
    }
    if (alter_history_) alter_history_(response);
    return grpc::Status::OK;
  }
  grpc::Status Scan(ServerContext* context, const schema::ScanOptions* request,
                    schema::ItemList* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    const std::lock_guard hold(mutex_);
    for (size_t i = 0; i < records_.size(); ++i) {
      if (records_[i].key.starts_with(request->prefix())) FillItem(i, response->add_items());
    }
    return grpc::Status::OK;
  }
  grpc::Status Dump(ServerContext* /*context*/, const Empty* /*request*/,
                    grpc::ServerWriter<pb::KVList>* writer) override {
    for (size_t i = 0;; ++i) {
      pb::KVList message;
      std::unique_lock hold(mutex_);
      if (i > 0) AwaitRelease(hold);
      if (i == records_.size()) return grpc::Status::OK;
      message.add_kv()->set_key(records_[i].key);
      hold.unlock();
      if (!writer->Write(message)) return grpc::Status::CANCELLED;
    }
  }
  grpc::Status CurrentRoot(ServerContext* context, const Empty* /*request*/,
                           schema::Root* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    const std::lock_guard hold(mutex_);
    if (records_.empty()) return grpc::Status::OK;
    response->set_index(records_.size() - 1);
    response->set_root(Bytes(RootOf(LeavesLocked())));
    return grpc::Status::OK;
  }

  grpc::Status SafeSet(ServerContext* context, const schema::SafeSetOptions* request,
                       schema::Proof* response) override {
    return Write(*context, {request->kv().key(), request->kv().value()}, request->rootindex(),
                 response);
  }
  grpc::Status SafeReference(ServerContext* context, const schema::SafeReferenceOptions* request,
                             schema::Proof* response) override {
    return Write(*context, {request->ro().reference(), request->ro().key(), true},
                 request->rootindex(), response);
  }
  grpc::Status SafeZAdd(ServerContext* context, const schema::SafeZAddOptions* request,
                        schema::Proof* response) override {
    const auto& member = request->zopts();
    return Write(*context,
                 {SortedSetKey(member.set(), member.score(), member.key()), member.key(), true},
                 request->rootindex(), response);
  }
  grpc::Status SafeGet(ServerContext* context, const schema::SafeGetOptions* request,
                       schema::SafeItem* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    std::optional<uint64_t> index;
    {
      const std::lock_guard hold(mutex_);
      index = Resolve(request->key());
    }
    return index ? Read(*index, request->rootindex(), response) : kNoKey;
  }
  grpc::Status BySafeIndex(ServerContext* context, const schema::SafeIndexOptions* request,
                           schema::SafeItem* response) override {
    if (auto refused = Arrive(*context)) return *refused;
    {
      const std::lock_guard hold(mutex_);
      if (request->index() >= records_.size()) return kNoIndex;
    }
    return Read(request->index(), request->rootindex(), response);
  }

  uint64_t Add(Record record) {
    const std::lock_guard hold(mutex_);
    records_.push_back(std::move(record));
    return records_.size() - 1;
  }
  Digest CurrentRootDigest() {
    const std::lock_guard hold(mutex_);
    return RootOf(LeavesLocked());
  }

  mutable std::mutex mutex_;
  std::condition_variable released_;
  bool stalled_ = false;                                  // guarded by mutex_
  std::vector<Record> records_;                           // guarded by mutex_
  int fail_next_ = 0;                                     // guarded by mutex_
  grpc::Status failure_;                                  // guarded by mutex_
  int calls_ = 0;                                         // guarded by mutex_
  std::string authorization_;                             // guarded by mutex_
  std::function<void(schema::SafeItem*)> alter_;          // set while no call runs
  std::function<void(schema::ItemList*)> alter_history_;  // set while no call runs
  bool ignore_root_index_ = false;                        // set while no call runs

 private:
  // Counts the call; its refusal, if it is to fail.
  std::optional<grpc::Status> Arrive(const ServerContext& context) {
    std::unique_lock hold(mutex_);
    ++calls_;
    const auto it = context.client_metadata().find("authorization");
    authorization_ = it == context.client_metadata().end()
                         ? ""
                         : std::string(it->second.data(), it->second.size());
    AwaitRelease(hold);
    if (fail_next_ == 0) return std::nullopt;
    --fail_next_;
    return failure_;
  }

  void AwaitRelease(std::unique_lock<std::mutex>& hold) {
    released_.wait(hold, [this] { return !stalled_; });
  }

  std::vector<Digest> LeavesLocked() const {
    std::vector<Digest> leaves;
    for (size_t i = 0; i < records_.size(); ++i) {
      leaves.push_back(LeafDigest({i}, records_[i].key, records_[i].value));
    }
    return leaves;
  }
  std::optional<uint64_t> Find(const std::string& key) const {
    for (size_t i = records_.size(); i-- > 0;) {
      if (records_[i].key == key) return i;
    }
    return std::nullopt;
  }
  std::optional<uint64_t> Resolve(const std::string& key) const {
    const auto index = Find(key);
    if (!index || !records_[*index].reference) return index;
    const auto target = Find(records_[*index].value);
    return target ? target : index;
  }
  void FillItem(uint64_t index, schema::Item* item) const {
    item->set_key(records_[index].key);
    item->set_value(records_[index].value);
    item->set_index(index);
  }

  grpc::Status FillProof(uint64_t index, const schema::Index& root_index, schema::Proof* proof) {
    const auto leaves = LeavesLocked();
    const uint64_t first = root_index.index();
    if (first >= leaves.size() && !ignore_root_index_) return kBadRoot;
    proof->set_leaf(Bytes(leaves[index]));
    proof->set_index(index);
    proof->set_at(leaves.size() - 1);
    proof->set_root(Bytes(RootOf(leaves)));
    ProofPath path;
    Path(index, leaves, &path);
    for (const auto& node : path) proof->add_inclusionpath(Bytes(node));
    path.clear();
    if (first + 1 < leaves.size()) SubProof(first + 1, leaves, true, &path);
    for (const auto& node : path) proof->add_consistencypath(Bytes(node));
    return grpc::Status::OK;
  }
  grpc::Status Read(uint64_t index, const schema::Index& root_index, schema::SafeItem* response) {
    {
      const std::lock_guard hold(mutex_);
      FillItem(index, response->mutable_item());
      const auto filled = FillProof(index, root_index, response->mutable_proof());
      if (!filled.ok()) return filled;
    }
    if (alter_) alter_(response);
    return grpc::Status::OK;
  }
  grpc::Status Write(const ServerContext& context, Record record, const schema::Index& root_index,
                     schema::Proof* response) {
    if (auto refused = Arrive(context)) return *refused;
    schema::SafeItem answer;
    {
      const std::lock_guard hold(mutex_);
      if (!ignore_root_index_ && !records_.empty() && root_index.index() >= records_.size()) {
        return kBadRoot;
      }
      records_.push_back(std::move(record));
      const auto filled = FillProof(records_.size() - 1, root_index, answer.mutable_proof());
      if (!filled.ok()) return filled;
    }
    if (alter_) alter_(&answer);
    *response = answer.proof();
    return grpc::Status::OK;
  }

  const std::string uuid_;
};

struct FakeServer::Running {
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

FakeServer::FakeServer(std::string uuid)
    : service_(std::make_unique<Service>(std::move(uuid))), running_(std::make_unique<Running>()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &running_->port);
  builder.RegisterService(service_.get());
  running_->server = builder.BuildAndStart();
}
FakeServer::~FakeServer() {
  Release();
  running_->server->Shutdown(std::chrono::system_clock::now());
}

int FakeServer::port() const {
  return running_->port;
}
void FakeServer::Append(const std::string& key, const std::string& value, bool reference) {
  service_->Add({key, value, reference});
}
void FakeServer::Rewrite(uint64_t index, const std::string& value) {
  const std::lock_guard hold(service_->mutex_);
  service_->records_[index].value = value;
}
void FakeServer::Truncate(size_t size) {
  const std::lock_guard hold(service_->mutex_);
  service_->records_.resize(size);
}
uint64_t FakeServer::size() const {
  const std::lock_guard hold(service_->mutex_);
  return service_->records_.size();
}
Digest FakeServer::Root() const {
  return service_->CurrentRootDigest();
}
void FakeServer::Alter(std::function<void(schema::SafeItem*)> hook) {
  service_->alter_ = std::move(hook);
}
void FakeServer::AlterHistory(std::function<void(schema::ItemList*)> hook) {
  service_->alter_history_ = std::move(hook);
}
void FakeServer::IgnoreRootIndex() {
  service_->ignore_root_index_ = true;
}
void FakeServer::FailNext(int count, int grpc_code, const std::string& message) {
  const std::lock_guard hold(service_->mutex_);
  service_->fail_next_ = count;
  service_->failure_ = {static_cast<grpc::StatusCode>(grpc_code), message};
}
void FakeServer::Stall() {
  const std::lock_guard hold(service_->mutex_);
  service_->stalled_ = true;
}
void FakeServer::Release() {
  const std::lock_guard hold(service_->mutex_);
  service_->stalled_ = false;
  service_->released_.notify_all();
}
int FakeServer::calls() const {
  const std::lock_guard hold(service_->mutex_);
  return service_->calls_;
}
std::string FakeServer::authorization() const {
  const std::lock_guard hold(service_->mutex_);
  return service_->authorization_;
}

}  // namespace immudb
