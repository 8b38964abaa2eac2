// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "immudb/client.h"
#include "schema.pb.h"

namespace immudb {

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
