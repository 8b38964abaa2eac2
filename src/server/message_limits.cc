// SPDX-License-Identifier: Apache-2.0
#include "server/message_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace immudb {
namespace {

constexpr size_t kShownKeyBytes = 64;

}  // namespace

size_t LargestAnswerBytes(const ServerOptions& options) {
  return std::max(options.max_message_bytes + kAnswerEnvelopeBytes, kUsualMessageBytes);
}

Status CheckWritableSize(const ServerOptions& options, size_t key_bytes, size_t value_bytes) {
  const size_t most =
      options.max_message_bytes - std::min(options.max_message_bytes, kAnswerEnvelopeBytes);
  if (key_bytes + value_bytes <= most) return Status::Ok();
  return Status::ResourceExhausted(fmt::format(
      "key and value have {} bytes together, at most {} are accepted: the answers that carry them "
      "must fit into a message of {} bytes (the server's option --max-message-size)",
      key_bytes + value_bytes, most, options.max_message_bytes));
}

Status CheckReadableSize(const ServerOptions& options, const Entry& entry) {
  const size_t bytes = entry.key.size() + entry.value.size();
  if (bytes + kAnswerEnvelopeBytes <= LargestAnswerBytes(options)) return Status::Ok();
  return Status::ResourceExhausted(fmt::format(
      "entry {} with key \"{}\" has {} bytes and was written under a larger limit: to read it, "
      "start the server with a --max-message-size above that (now {}); listings go on behind it "
      "with an offset",
      entry.index.value, Printable(entry.key, kShownKeyBytes), bytes, options.max_message_bytes));
}

}  // namespace immudb
