// SPDX-License-Identifier: Apache-2.0
//
// What a peer may make gRPC hold before any of our code sees its call.
//
// gRPC 1.51 applies its own limits of streams and headers only when the peer has acknowledged its
// SETTINGS, and looks at the size of a header only when it has all of it (CVE-2023-33953): a
// stranger who acknowledges nothing could open streams without end (12 KiB each), and one header
// field that never ends held the poller for as long as it was sent. Both are bounded here, by
// functions and a table that take the place of those of libgrpc (symbol interposition), for plain
// text and TLS alike.
#pragma once

#include <cstdint>

namespace immudb {

struct GrpcLimits {
  // Bytes of one header block, HEADERS and CONTINUATION together. Above it the connection is
  // closed.
  static constexpr uint32_t kHeaderBytes = 32 * 1024;
  // Streams that a connection may open before it has acknowledged our SETTINGS. Above it the
  // connection is closed.
  static constexpr uint32_t kStreamsBeforeSettings = 100;
  // Streams of all connections together, 12 KiB and a header block each. Above it a new stream is
  // refused (REFUSED_STREAM: clients see UNAVAILABLE, or try again by themselves) ...
  static constexpr uint32_t kStreams = 8192;
  // ... unless its connection has fewer than these, so that clients with few calls are served.
  static constexpr uint32_t kStreamsOfAnyConnection = 4;
};

// Returns whether the limits hold: false with another gRPC than the one whose symbols they replace.
// To be called before a server is started, from any thread.
bool GuardGrpc();

}  // namespace immudb
