// SPDX-License-Identifier: Apache-2.0
//
// Dump: everything that is stored, once, as one tree knows it, in messages that clients take.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "schema.grpc.pb.h"
#include "server/server_fixture.h"
#include "support/process_memory.h"

namespace immudb::testing {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr char kNodeMark = '\xFF';

// A dump in progress.
class DumpStream {
 public:
  explicit DumpStream(const Client& client)
      : stub_(schema::ImmuService::NewStub(client.channel())) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!client.authorization.empty()) {
      context_.AddMetadata("authorization", client.authorization);
    }
    reader_ = stub_->Dump(&context_, Empty());
  }
  ~DumpStream() {
    if (!finished_) static_cast<void>(Cancel());
  }

  bool Read(pb::KVList* chunk) { return reader_->Read(chunk); }
  grpc::Status Finish() {
    finished_ = true;
    return reader_->Finish();
  }
  grpc::Status Cancel() {
    context_.TryCancel();
    pb::KVList chunk;
    while (Read(&chunk)) continue;
    return Finish();
  }
  bool HasUuid() const { return context_.GetServerInitialMetadata().contains("immudb-uuid"); }

 private:
  std::unique_ptr<schema::ImmuService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<pb::KVList>> reader_;
  bool finished_ = false;
};

struct Dumped {
  std::vector<pb::KV> nodes;
  std::vector<pb::KV> entries;
  std::vector<size_t> chunk_bytes;
  grpc::Status status;
};

void Take(const pb::KVList& chunk, Dumped& dumped) {
  dumped.chunk_bytes.push_back(chunk.ByteSizeLong());
  EXPECT_GT(chunk.kv_size(), 0);
  EXPECT_TRUE(chunk.kv_size() == 1 || chunk.ByteSizeLong() < 3 * kMiB) << chunk.ByteSizeLong();
  for (const pb::KV& record : chunk.kv()) {
    EXPECT_EQ(record.user_meta().size(), 1U);
    EXPECT_EQ(record.expires_at(), 0U);
    EXPECT_EQ(record.meta().empty(), record.user_meta()[0] != '\x01');
    EXPECT_GE(record.stream_id(), 1U);
    (record.user_meta()[0] == kNodeMark ? dumped.nodes : dumped.entries).push_back(record);
  }
}

Dumped ReadAll(DumpStream& stream) {
  Dumped dumped;
  pb::KVList chunk;
  while (stream.Read(&chunk)) Take(chunk, dumped);
  dumped.status = stream.Finish();
  return dumped;
}

// The root that the entries lead to: what whoever loads the dump will have.
Digest RootOf(const std::vector<pb::KV>& entries) {
  std::vector<Digest> layer(entries.size());
  for (const pb::KV& entry : entries) {
    const LeafIndex index{entry.version() - 1};
    layer[index.value] = LeafDigest(index, entry.key(), entry.value());
  }
  while (layer.size() > 1) {
    std::vector<Digest> next;
    for (size_t i = 0; i < layer.size(); i += 2) {
      next.push_back(i + 1 < layer.size() ? NodeDigest(layer[i], layer[i + 1]) : layer[i]);
    }
    layer = std::move(next);
  }
  return layer.empty() ? EmptyTreeRoot() : layer[0];
}

// Every entry of one tree is there once, by key and then newest first, and the nodes are that
// tree's.
void ExpectOneTree(const Dumped& dumped) {
  ASSERT_TRUE(dumped.status.ok()) << dumped.status.error_message();
  std::vector<bool> seen(dumped.entries.size());
  for (const pb::KV& entry : dumped.entries) {
    const uint64_t index = entry.version() - 1;
    ASSERT_LT(index, seen.size()) << "an entry is missing";
    ASSERT_FALSE(seen[index]) << "twice: " << index;
    seen[index] = true;
  }
  const auto place = [](const pb::KV& record) {
    return std::pair(std::string_view(record.key()), ~record.version());
  };
  EXPECT_TRUE(
      std::is_sorted(dumped.entries.begin(), dumped.entries.end(),
                     [&](const pb::KV& a, const pb::KV& b) { return place(a) < place(b); }));
  EXPECT_TRUE(
      std::is_sorted(dumped.nodes.begin(), dumped.nodes.end(),
                     [&](const pb::KV& a, const pb::KV& b) { return place(a) < place(b); }));
  ASSERT_EQ(dumped.nodes.empty(), dumped.entries.empty());
  if (dumped.nodes.empty()) return;
  EXPECT_EQ(DigestOf(dumped.nodes.back().value()), RootOf(dumped.entries));
  EXPECT_EQ(dumped.nodes.back().version(), dumped.entries.size());
}

class DumpTest : public RunningServerTest {
 protected:
  Dumped Dump() const {
    DumpStream stream(*client);
    return ReadAll(stream);
  }
  void SetBatch(int first, int count, size_t value_bytes) const {
    schema::KVList batch;
    for (int i = first; i < first + count; ++i) {
      *batch.add_kvs() = KeyValueOf(NumberedKey(i), std::string(value_bytes, 'v'));
    }
    MustWrite("SetBatch", batch);
  }
  // More than the network between server and client holds, so a dump that nobody reads stands.
  void FillForSlowReaders(int values = 12) const {
    for (int i = 0; i < values; ++i) SetBatch(i, 1, 2 * kMiB);
  }
};

TEST_F(DumpTest, HoldsAllKindsOfRecords) {
  MustSet("b", "1");
  MustSet("a", "1");
  MustWrite("Reference", ReferenceOf("r", "b"));
  MustWrite("ZAdd", MemberOf("set", 1.5, "b"));
  MustSet("a", "");
  using Row = std::tuple<std::string, std::string, std::string, uint64_t>;
  const std::string value(1, '\0');
  const std::string reference(1, '\1');
  const std::string node(1, kNodeMark);
  const Dumped dumped = Dump();
  ExpectOneTree(dumped);
  std::vector<Row> entries;
  for (const pb::KV& kv : dumped.entries) {
    entries.emplace_back(kv.user_meta(), kv.key(), kv.value(), kv.version());
  }
  EXPECT_EQ(entries, (std::vector<Row>{{value, "a", "", 5},
                                       {value, "a", "1", 2},
                                       {value, "b", "1", 1},
                                       {reference, "r", "b", 3},
                                       {reference, SortedSetKey("set", 1.5, "b"), "b", 4}}));
  EXPECT_EQ(dumped.entries[3].meta(), "\1") << "a reference";
  EXPECT_EQ(dumped.entries[4].meta(), "\2\3") << "a member of a set whose name has 3 bytes";

  // 5 + 3 + 2 + 1; a leaf's record ends with the key of its entry.
  ASSERT_EQ(dumped.nodes.size(), 11U);
  const Digest leaf = LeafDigest({3}, SortedSetKey("set", 1.5, "b"), "b");
  EXPECT_EQ(dumped.nodes[3].value(),
            std::string(leaf.begin(), leaf.end()) + SortedSetKey("set", 1.5, "b"));
  EXPECT_EQ(dumped.nodes[3].key(), std::string("\0\0\0\0\0\0\0\0\0\3", 10));
  EXPECT_EQ(dumped.nodes[6].key(), std::string("\0\1\0\0\0\0\0\0\0\1", 10));
  EXPECT_EQ(dumped.nodes[6].version(), 4U) << "as old as its last leaf";
  EXPECT_EQ(dumped.nodes[7].value(), dumped.nodes[4].value().substr(0, 32)) << "without a sibling";
}

TEST_F(DumpTest, OfAnEmptyDatabaseIsAnEmptyStream) {
  const Dumped dumped = Dump();
  ExpectOneTree(dumped);
  EXPECT_TRUE(dumped.chunk_bytes.empty());
}

// An original client takes no message above 4 MiB.
TEST_F(DumpTest, ChunksAreBelowThreeMiBButForRecordsThatAreLarger) {
  SetBatch(0, 20'000, 10);
  for (int i = 0; i < 5; ++i) SetBatch(500, 1, kMiB + i);  // versions of one key over chunks
  SetBatch(700, 1, 5 * kMiB);
  for (int i = 0; i < 3; ++i) SetBatch(20'000, 1, 3 * kMiB / 2);
  const Dumped dumped = Dump();
  ExpectOneTree(dumped);
  EXPECT_EQ(dumped.entries.size(), 20'009U);
  EXPECT_EQ(std::count_if(dumped.chunk_bytes.begin(), dumped.chunk_bytes.end(),
                          [](size_t bytes) { return bytes >= 3 * kMiB; }),
            1);
  EXPECT_LT(dumped.chunk_bytes.size(), 16U) << "chunks are filled";
}

TEST_F(DumpTest, WorksRightAfterARestart) {
  SetBatch(0, 100, 10);
  Stop();
  StartAndLogin();
  const Dumped dumped = Dump();
  ExpectOneTree(dumped);
  EXPECT_EQ(dumped.entries.size(), 100U);
}

TEST_F(DumpTest, CallersAreCheckedAndToldTheServer) {
  client->authorization.clear();
  DumpStream refused(*client);
  pb::KVList chunk;
  EXPECT_FALSE(refused.Read(&chunk));
  const grpc::Status status = refused.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "please login first");
  EXPECT_TRUE(refused.HasUuid());
  client->authorization = "Bearer " + Login("immudb", options.admin_password);
  DumpStream stream(*client);
  EXPECT_TRUE(ReadAll(stream).status.ok());
  EXPECT_TRUE(stream.HasUuid());
}

// Whatever is written meanwhile, a dump is one tree: the one of the moment it was asked for.
TEST_F(DumpTest, DumpsWhileOthersWriteAreEachOneTree) {
  FillForSlowReaders();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> written{12};
  std::thread writer([&] {
    Client other = Connect();
    other.authorization = client->authorization;
    for (int i = 0; !stop; ++i) {
      schema::Index index;
      EXPECT_CALL_OK(other.Call("Set", KeyValueOf(NumberedKey(i % 50), "new"), &index));
      written = index.index() + 1;
    }
  });
  DumpStream first(*client);
  Dumped of_first;
  pb::KVList chunk;
  EXPECT_TRUE(first.Read(&chunk));
  Take(chunk, of_first);
  const uint64_t between = written;
  while (written < between + 20) std::this_thread::yield();
  DumpStream second(*client);
  const Dumped of_second = ReadAll(second);
  while (first.Read(&chunk)) Take(chunk, of_first);
  of_first.status = first.Finish();
  stop = true;
  writer.join();
  ExpectOneTree(of_first);
  ExpectOneTree(of_second);
  EXPECT_LE(of_first.entries.size(), between + 1);
  EXPECT_GE(of_second.entries.size(), between + 20);
}

TEST_F(DumpTest, CostsChunksWhateverTheSizeOfTheDatabase) {
  constexpr int kValues = 100;
  for (int i = 0; i < kValues; ++i) SetBatch(i, 1, 2 * kMiB);
  const size_t before = ResidentBytes();
  size_t most = 0;
  DumpStream stream(*client);
  pb::KVList chunk;
  int chunks = 0;
  for (; stream.Read(&chunk); ++chunks) most = std::max(most, ResidentBytes());
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_GE(chunks, kValues);
  const size_t grown = std::max(most, before) - before;
  EXPECT_TRUE(!kMemoryIsReal || grown < kValues * 2 * kMiB / 4) << grown / kMiB << " MiB";
  RecordProperty("grown_mib", std::to_string(grown / kMiB));
}

// One reader thread, and as many dumps as may be open, whose clients do not read.
class SlowReaderTest : public DumpTest {
 protected:
  SlowReaderTest() {
    Stop();
    options.reader_threads = 1;
    StartAndLogin();
    // On a loaded machine gRPC makes the windows of a connection large.
    FillForSlowReaders(32);
  }

  std::vector<std::unique_ptr<DumpStream>> OpenAll() const {
    std::vector<std::unique_ptr<DumpStream>> streams;
    for (int i = 0; i < 16; ++i) {
      streams.push_back(std::make_unique<DumpStream>(*client));
      pb::KVList chunk;
      EXPECT_TRUE(streams.back()->Read(&chunk)) << i;
    }
    return streams;
  }
};

TEST_F(SlowReaderTest, HoldNoThreadAndAreBounded) {
  const auto streams = OpenAll();
  schema::ScanOptions request;
  request.set_limit(1);
  schema::ItemList list;
  EXPECT_CALL_OK(Call("Scan", request, &list));
  DumpStream refused(*client);
  const Dumped dumped = ReadAll(refused);
  EXPECT_EQ(dumped.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(dumped.chunk_bytes.empty());
  // Those that are open are served when their clients read on.
  for (size_t i = 0; i < 2; ++i) {
    Dumped rest = ReadAll(*streams[i]);
    EXPECT_TRUE(rest.status.ok()) << rest.status.error_message();
    EXPECT_FALSE(rest.chunk_bytes.empty());
  }
}

TEST_F(SlowReaderTest, ThatGoAwayMakeRoom) {
  for (auto& stream : OpenAll()) {
    EXPECT_EQ(stream->Cancel().error_code(), grpc::StatusCode::CANCELLED);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  Dumped dumped = Dump();
  while (dumped.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         std::chrono::steady_clock::now() < deadline) {
    dumped = Dump();
  }
  ExpectOneTree(dumped);
}

TEST_F(SlowReaderTest, DoNotHoldUpAShutdown) {
  const auto streams = OpenAll();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(server->Shutdown(std::chrono::milliseconds(100)).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  for (const auto& stream : streams) EXPECT_FALSE(ReadAll(*stream).status.ok());
}

}  // namespace
}  // namespace immudb::testing
