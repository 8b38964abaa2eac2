// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers share one limit (--max-message-size), and an answer is larger than the
// request that stored its entry. So a write leaves room for the largest answer that must carry it.
#pragma once

#include <cstddef>

#include "immudb/status.h"
#include "immudb/store.h"
#include "server/server.h"

namespace immudb {

// What an answer holds besides key and value of its entry: the two paths of a proof (at most 64
// hashes each, 34 bytes with tag and length), leaf, root, numbers, tags and lengths: below 5 KiB.
inline constexpr size_t kAnswerEnvelopeBytes = size_t{8} << 10;

// Every client of gRPC takes messages of this size if it is told nothing else.
inline constexpr size_t kUsualMessageBytes = size_t{4} << 20;

// The metadata of a Health answer that tells our clients LargestAnswerBytes. Others ignore it.
inline constexpr char kLargestAnswerHeader[] = "immudb-largest-answer";

// No answer is larger. It is more than max_message_bytes, so that an entry is readable although its
// request filled a whole message, as earlier versions accepted it.
size_t LargestAnswerBytes(const ServerOptions& options);

// Ok if an entry with key and value of these sizes, as they are stored, may be written; else
// kResourceExhausted, naming the limit and the option.
Status CheckWritableSize(const ServerOptions& options, size_t key_bytes, size_t value_bytes);

// Ok if an answer with this entry alone is within the limit; else kResourceExhausted, naming key,
// index and option: the entry was written under a larger limit.
Status CheckReadableSize(const ServerOptions& options, const Entry& entry);

}  // namespace immudb
