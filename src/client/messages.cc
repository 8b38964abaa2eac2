// SPDX-License-Identifier: Apache-2.0
#include "client/messages.h"

#include <utility>

namespace immudb {

schema::Key ToKey(std::string_view key) {
  schema::Key message;
  message.set_key(std::string(key));
  return message;
}

schema::KeyList ToKeyList(std::span<const std::string> keys) {
  schema::KeyList message;
  for (const auto& key : keys) message.add_keys()->set_key(key);
  return message;
}

schema::Index ToIndex(LeafIndex index) {
  schema::Index message;
  message.set_index(index.value);
  return message;
}

schema::ScanOptions ToScan(const ScanQuery& query) {
  schema::ScanOptions message;
  message.set_prefix(query.prefix);
  message.set_offset(query.offset);
  message.set_limit(query.limit);
  message.set_reverse(query.reverse);
  message.set_deep(query.deep);
  return message;
}

schema::ZScanOptions ToZScan(const SetScanQuery& query) {
  schema::ZScanOptions message;
  message.set_set(query.set);
  message.set_offset(query.offset);
  message.set_limit(query.limit);
  message.set_reverse(query.reverse);
  return message;
}

schema::IScanOptions ToIScan(uint64_t page_number, uint64_t page_size) {
  schema::IScanOptions message;
  message.set_pagenumber(page_number);
  message.set_pagesize(page_size);
  return message;
}

void Fill(schema::Content* content, const StructuredValue& value) {
  content->set_timestamp(value.timestamp);
  content->set_payload(value.payload);
}

Item ToItem(schema::Item&& item) {
  return {std::move(*item.mutable_key()), std::move(*item.mutable_value()), {item.index()}};
}

StructuredItem ToItem(schema::StructuredItem&& item) {
  schema::Content& content = *item.mutable_value();
  return {std::move(*item.mutable_key()),
          {content.timestamp(), std::move(*content.mutable_payload())},
          {item.index()}};
}

}  // namespace immudb
