// SPDX-License-Identifier: Apache-2.0
#include "store/key_rules.h"

#include <string>

#include "base/status_macros.h"
#include "immudb/store.h"

namespace immudb {
namespace {

constexpr std::string_view kFlushedLeafKey = "IMMUDB.METADATA.LAST_FLUSHED_LEAF";
constexpr std::string_view kUnwritablePrefix = "!badger!";

bool IsReserved(std::string_view key) {
  return (!key.empty() && key.front() == '\0') || key == kFlushedLeafKey;
}

}  // namespace

Status CheckKey(std::string_view key, std::string_view message) {
  if (key.empty() || IsReserved(key)) return Status::InvalidArgument(std::string(message));
  return Status::Ok();
}

Status CheckPrefix(std::string_view prefix, std::string_view message) {
  if (IsReserved(prefix)) return Status::InvalidArgument(std::string(message));
  return Status::Ok();
}

Status CheckWritableKey(std::string_view key, size_t stored_bytes, std::string_view message) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(key, message));
  if (key.starts_with(kUnwritablePrefix)) return Status::InvalidArgument(std::string(message));
  if (stored_bytes > kMaxKeyBytes) {
    return Status::InvalidArgument("key of " + std::to_string(stored_bytes) +
                                   " bytes exceeds the limit of " + std::to_string(kMaxKeyBytes));
  }
  return Status::Ok();
}

}  // namespace immudb
