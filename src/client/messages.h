// SPDX-License-Identifier: Apache-2.0
//
// Between the types of the public header and those of the contract. All functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/client.h"
#include "immudb/types.h"
#include "schema.pb.h"

namespace immudb {

schema::Key ToKey(std::string_view key);
schema::KeyList ToKeyList(std::span<const std::string> keys);
schema::Index ToIndex(LeafIndex index);
schema::ScanOptions ToScan(const ScanQuery& query);
schema::ZScanOptions ToZScan(const SetScanQuery& query);
schema::IScanOptions ToIScan(uint64_t page_number, uint64_t page_size);
void Fill(schema::Content* content, const StructuredValue& value);

Item ToItem(schema::Item&& item);
StructuredItem ToItem(schema::StructuredItem&& item);

// All items of a list or page.
template <typename Message>
auto ToItems(Message&& list) {
  std::vector<decltype(ToItem(std::move(*list.mutable_items(0))))> items;
  items.reserve(static_cast<size_t>(list.items_size()));
  for (auto& item : *list.mutable_items()) items.push_back(ToItem(std::move(item)));
  return items;
}

}  // namespace immudb
