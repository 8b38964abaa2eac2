// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "immudb/client.h"
#include "immudb/status.h"
#include "schema.pb.h"

namespace immudb {

StructuredValue StampedNow(std::string payload) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return {static_cast<uint64_t>(seconds), std::move(payload)};
}

std::string EncodeStructured(const StructuredValue& value) {
  schema::Content content;
  content.set_timestamp(value.timestamp);
  content.set_payload(value.payload);
  return content.SerializeAsString();
}

Result<StructuredValue> DecodeStructured(std::string_view bytes) {
  schema::Content content;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !content.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Status::InvalidArgument("not a structured value");
  }
  return StructuredValue{content.timestamp(), content.payload()};
}

}  // namespace immudb
