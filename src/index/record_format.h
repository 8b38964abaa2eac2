// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the index's records (docs/format.md). All functions are pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "immudb/types.h"
#include "index/key_index.h"

namespace immudb {

// Family `keys`: the record of one version is a tag byte (bits 0-1 the kind, bit 7 "inline") and,
// if inline, the value.
void EncodeVersion(EntryKind kind, std::string_view value, size_t inline_value_bytes,
                   std::string* record);
// Sets everything but `version->index`. False if the record is damaged.
[[nodiscard]] bool DecodeVersion(std::string_view record, Version* version);

// A stored member key is set || score (IEEE 754 bits, big-endian) || member; neither the set nor
// the member is empty.
bool IsMemberKey(std::string_view key, size_t set_bytes);
std::string_view MemberOf(std::string_view member_key, size_t set_bytes);

// Family `sets`: keys that sort, by bytes, by set, score as a number (-0 = 0), member, score bits:
//
//   escaped set | 00 01 | 8 sortable bytes of the score | escaped member | 00 01 | zero byte
//
// Escaping turns 00 into 00 FF, so no name is a prefix of another. The last byte is 1 for the score
// -0.
struct SetRange {
  std::string begin;  // of every record of the set
  std::string end;    // after the last one
};
SetRange SetRecords(std::string_view set);
// Precondition: IsMemberKey(member_key, set_bytes).
std::string EncodeSetRecordKey(std::string_view member_key, size_t set_bytes);
// Gives the stored member key back. False if `record_key` is none of this set's. `begin_bytes` is
// the size of SetRecords(set).begin.
[[nodiscard]] bool DecodeSetRecordKey(std::string_view record_key, std::string_view set,
                                      size_t begin_bytes, std::string* member_key);

// The smallest string above all that start with `prefix`; empty if there is none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace immudb
