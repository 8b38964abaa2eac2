// SPDX-License-Identifier: Apache-2.0
#include "server/grpc_guard.h"

#include <absl/status/status.h>
#include <dlfcn.h>
#include <grpc/slice.h>
#include <grpcpp/version_info.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>

// The layout of the table and the signatures below are those of this version.
static_assert(GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51,
              "look whether this gRPC needs grpc_guard, and whether it still fits");

// Mangled names of the functions of libgrpc that the ones below stand in front of, or call.
#define ACCEPT_STREAM "_Z33grpc_chttp2_parsing_accept_streamP21grpc_chttp2_transportj"
#define DESTROY_STREAM "_ZN18grpc_chttp2_streamD1Ev"
#define RESET_STREAM                                                                             \
  "_Z40grpc_chttp2_add_rst_stream_to_next_writeP21grpc_chttp2_transportjjP28grpc_transport_one_" \
  "way_stats"
#define INITIATE_WRITE \
  "_Z26grpc_chttp2_initiate_writeP21grpc_chttp2_transport33grpc_chttp2_initiate_write_reason"
#define BEGIN_FRAME                                                                                \
  "_ZN9grpc_core11HPackParser10BeginFrameEP19grpc_metadata_batchjNS0_8BoundaryENS0_8PriorityENS0_" \
  "7LogInfoE"
#define PARSE "_ZN9grpc_core11HPackParser5ParseERK10grpc_sliceb"
#define DESTROY_PARSER "_ZN9grpc_core11HPackParserD1Ev"
#define IN_FRONT_OF(symbol) __asm__(symbol) __attribute__((visibility("default")))

namespace immudb {
namespace {

using AcceptStream = void*(void* transport, uint32_t id);
using Destroy = void(void* object);
using ResetStream = void(void* transport, uint32_t id, uint32_t code, void* statistics);
using InitiateWrite = void(void* transport, int reason);
// log_info begins with the number of the stream.
using BeginFrame = void(void* parser, void* metadata, uint32_t limit, uint8_t boundary,
                        uint8_t priority, uint64_t log_info);
using Parse = absl::Status(void* parser, const grpc_slice& bytes, bool is_last);

constexpr uint32_t kRefusedStream = 7;  // RFC 9113, section 7
constexpr int kAnyReason = 0;           // is only traced
constexpr uint8_t kMoreFramesFollow = 0;
constexpr std::chrono::seconds kBetweenLines{10};

// gRPC's own function that the one of this file stands in front of.
template <typename Function>
Function* Next(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
}

// Counts the streams that exist, in all and by connection.
class Streams {
 public:
  // Takes a place for a stream of this connection, if there is one.
  bool Take(const void* transport) {
    auto& own = OfConnection(transport);
    const uint32_t before = own.fetch_add(1, std::memory_order_relaxed);
    if (all_.fetch_add(1, std::memory_order_relaxed) < GrpcLimits::kStreams ||
        before < GrpcLimits::kStreamsOfAnyConnection) {
      return true;
    }
    GiveBack(own);
    OnRefused();
    return false;
  }
  void GiveBack(const void* transport) { GiveBack(OfConnection(transport)); }

  void Remember(const void* stream, const void* transport) {
    Shard& shard = ShardOf(stream);
    const std::lock_guard lock(shard.mutex);
    shard.connections[stream] = &OfConnection(transport);
  }
  void Forget(const void* stream) {
    Shard& shard = ShardOf(stream);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.connections.find(stream);
    if (found == shard.connections.end()) return;
    GiveBack(*found->second);
    shard.connections.erase(found);
  }

 private:
  using Counter = std::atomic<uint32_t>;
  struct Shard {
    std::mutex mutex;                                       // nothing is called under it
    std::unordered_map<const void*, Counter*> connections;  // of each stream; guarded by mutex
  };

  // Connections may share a counter, which makes both a little poorer.
  Counter& OfConnection(const void* transport) {
    return of_connection_[Hash(transport) % of_connection_.size()];
  }
  Shard& ShardOf(const void* stream) { return shards_[Hash(stream) % shards_.size()]; }
  static size_t Hash(const void* pointer) {
    return reinterpret_cast<uintptr_t>(pointer) * 0x9e3779b97f4a7c15 >> 40;
  }
  void OnRefused() {
    const std::lock_guard lock(log_mutex_);
    ++refused_;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_line_) return;
    next_line_ = now + kBetweenLines;
    spdlog::warn("{} calls are open: others are refused, {} since the start", GrpcLimits::kStreams,
                 refused_);
  }
  void GiveBack(Counter& own) {
    own.fetch_sub(1, std::memory_order_relaxed);
    all_.fetch_sub(1, std::memory_order_relaxed);
  }

  Counter all_{0};
  std::mutex log_mutex_;                             // under it only the lock of the log
  uint64_t refused_ = 0;                             // guarded by log_mutex_
  std::chrono::steady_clock::time_point next_line_;  // guarded by log_mutex_
  std::array<Counter, 16384> of_connection_{};
  std::array<Shard, 64> shards_;
};

// Counts the bytes of header blocks of more than one frame. One frame alone is at most 16 KiB.
class HeaderBlocks {
 public:
  // gRPC says `more_follow` of the headers of refused streams too: they differ in their stream.
  void OnFrame(const void* parser, uint32_t stream, bool more_follow) {
    if (!more_follow && none()) return;
    const std::lock_guard lock(mutex_);
    if (more_follow) {
      Block& block = blocks_[parser];
      if (block.stream != stream) block.bytes = 0;
      block.stream = stream;
      block.ends = false;
    } else if (const auto found = blocks_.find(parser); found != blocks_.end()) {
      found->second.ends = true;
    }
    count_.store(blocks_.size(), std::memory_order_relaxed);
  }

  // Returns false if the block that these bytes belong to is too large.
  bool OnBytes(const void* parser, size_t bytes, bool end_of_frame) {
    if (none()) return true;
    const std::lock_guard lock(mutex_);
    const auto found = blocks_.find(parser);
    if (found == blocks_.end()) return true;
    found->second.bytes += bytes;
    const bool fits = found->second.bytes <= GrpcLimits::kHeaderBytes;
    if (!fits || (end_of_frame && found->second.ends)) blocks_.erase(found);
    count_.store(blocks_.size(), std::memory_order_relaxed);
    return fits;
  }

  void Forget(const void* parser) {
    if (none()) return;
    const std::lock_guard lock(mutex_);
    blocks_.erase(parser);
    count_.store(blocks_.size(), std::memory_order_relaxed);
  }

 private:
  struct Block {
    uint32_t stream = 0;
    size_t bytes = 0;
    bool ends = false;  // with the frame that is being read
  };

  // What concerns one parser happens in one thread at a time: its own block is never missed.
  bool none() const { return count_.load(std::memory_order_relaxed) == 0; }

  std::atomic<size_t> count_{0};
  std::mutex mutex_;                               // nothing is called under it
  std::unordered_map<const void*, Block> blocks_;  // guarded by mutex_
};

Streams& AllStreams() {
  static auto& streams = *new Streams;  // gRPC's threads may outlive static objects
  return streams;
}

HeaderBlocks& AllHeaderBlocks() {
  static auto& blocks = *new HeaderBlocks;
  return blocks;
}

bool HasAll() {
  for (const char* symbol :
       {ACCEPT_STREAM, DESTROY_STREAM, RESET_STREAM, INITIATE_WRITE, BEGIN_FRAME, PARSE,
        DESTROY_PARSER, "grpc_chttp2_settings_parameters"}) {
    if (dlsym(RTLD_NEXT, symbol) == nullptr) return false;
  }
  return true;
}

}  // namespace

bool GuardGrpc() {
  static const bool has_all = HasAll();
  return has_all;
}

}  // namespace immudb

extern "C" {

// As in gRPC's http2_settings.h. The defaults are what holds until a peer acknowledges SETTINGS.
struct ImmudbGrpcSetting {
  const char* name;
  uint32_t default_value, least, most;
  uint32_t on_bad_value, error;
};
extern const ImmudbGrpcSetting immudb_grpc_settings[7] IN_FRONT_OF(
    "grpc_chttp2_settings_parameters");
constexpr uint32_t kNoLimit = 0xffffffff;
const ImmudbGrpcSetting immudb_grpc_settings[7] = {
    {"HEADER_TABLE_SIZE", 4096, 0, kNoLimit, 0, 1},
    {"ENABLE_PUSH", 1, 0, 1, 1, 1},
    {"MAX_CONCURRENT_STREAMS", immudb::GrpcLimits::kStreamsBeforeSettings, 0, kNoLimit, 1, 1},
    {"INITIAL_WINDOW_SIZE", 65535, 0, 0x7fffffff, 1, 3},
    {"MAX_FRAME_SIZE", 16384, 16384, 16777215, 1, 1},
    {"MAX_HEADER_LIST_SIZE", 16777216, 0, 16777216, 0, 1},
    {"GRPC_ALLOW_TRUE_BINARY_METADATA", 0, 0, 1, 0, 1},
};

immudb::AcceptStream ImmudbAcceptStream IN_FRONT_OF(ACCEPT_STREAM);
immudb::Destroy ImmudbDestroyStream IN_FRONT_OF(DESTROY_STREAM);
immudb::BeginFrame ImmudbBeginFrame IN_FRONT_OF(BEGIN_FRAME);
immudb::Destroy ImmudbDestroyParser IN_FRONT_OF(DESTROY_PARSER);

void* ImmudbAcceptStream(void* transport, uint32_t id) {
  static const auto accept = immudb::Next<immudb::AcceptStream>(ACCEPT_STREAM);
  static const auto reset = immudb::Next<immudb::ResetStream>(RESET_STREAM);
  static const auto write = immudb::Next<immudb::InitiateWrite>(INITIATE_WRITE);
  immudb::Streams& streams = immudb::AllStreams();
  if (!streams.Take(transport)) {
    reset(transport, id, immudb::kRefusedStream, nullptr);
    write(transport, immudb::kAnyReason);
    return nullptr;
  }
  void* stream = accept(transport, id);
  if (stream == nullptr) {
    streams.GiveBack(transport);
  } else {
    streams.Remember(stream, transport);
  }
  return stream;
}

void ImmudbDestroyStream(void* stream) {
  static const auto destroy = immudb::Next<immudb::Destroy>(DESTROY_STREAM);
  immudb::AllStreams().Forget(stream);  // before: the address may be used again afterwards
  destroy(stream);
}

void ImmudbBeginFrame(void* parser, void* metadata, uint32_t limit, uint8_t boundary,
                      uint8_t priority, uint64_t log_info) {
  static const auto begin = immudb::Next<immudb::BeginFrame>(BEGIN_FRAME);
  immudb::AllHeaderBlocks().OnFrame(parser, static_cast<uint32_t>(log_info),
                                    boundary == immudb::kMoreFramesFollow);
  begin(parser, metadata, std::min(limit, immudb::GrpcLimits::kHeaderBytes), boundary, priority,
        log_info);
}

void ImmudbDestroyParser(void* parser) {
  static const auto destroy = immudb::Next<immudb::Destroy>(DESTROY_PARSER);
  immudb::AllHeaderBlocks().Forget(parser);
  destroy(parser);
}

}  // extern "C"

immudb::Parse ImmudbParse IN_FRONT_OF(PARSE);

absl::Status ImmudbParse(void* parser, const grpc_slice& bytes, bool is_last) {
  static const auto parse = immudb::Next<immudb::Parse>(PARSE);
  if (!immudb::AllHeaderBlocks().OnBytes(parser, GRPC_SLICE_LENGTH(bytes), is_last)) {
    return absl::ResourceExhaustedError("the headers of a call are larger than 32 KiB");
  }
  return parse(parser, bytes, is_last);
}
