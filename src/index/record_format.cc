// SPDX-License-Identifier: Apache-2.0
#include "index/record_format.h"

#include <cstdint>

#include "base/bytes.h"

namespace immudb {
namespace {

constexpr uint8_t kKindBits = 0x03;
constexpr uint8_t kInlineBit = 0x80;

constexpr size_t kScoreBytes = 8;
constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint64_t kMinusZero = kSignBit;

constexpr std::string_view kTerminator("\x00\x01", 2);

void AppendEscaped(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    *out += c;
    if (c == '\0') {
      *out += '\xFF';
    }
  }
  *out += kTerminator;
}

// Appends the plain bytes. False unless `escaped` is exactly one escaped, terminated string.
bool Unescape(std::string_view escaped, std::string* out) {
  if (!escaped.ends_with(kTerminator)) {
    return false;
  }
  escaped.remove_suffix(kTerminator.size());
  for (size_t i = 0; i < escaped.size(); ++i) {
    *out += escaped[i];
    if (escaped[i] == '\0' && (++i == escaped.size() || escaped[i] != '\xFF')) {
      return false;
    }
  }
  return true;
}

uint64_t SortableFromBits(uint64_t bits) {
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

uint64_t BitsFromSortable(uint64_t sortable) {
  return (sortable & kSignBit) != 0 ? sortable & ~kSignBit : ~sortable;
}

}  // namespace

void EncodeVersion(EntryKind kind, std::string_view value, size_t inline_value_bytes,
                   std::string* record) {
  const bool is_inline = value.size() <= inline_value_bytes;
  record->assign(1, static_cast<char>(static_cast<uint8_t>(kind) | (is_inline ? kInlineBit : 0)));
  if (is_inline) {
    *record += value;
  }
}

bool DecodeVersion(std::string_view record, Version* version) {
  if (record.empty()) {
    return false;
  }
  const auto tag = static_cast<uint8_t>(record.front());
  const uint8_t kind = tag & kKindBits;
  version->kind = static_cast<EntryKind>(kind);
  version->value_is_inline = (tag & kInlineBit) != 0;
  version->value = record.substr(1);
  return (tag & ~(kKindBits | kInlineBit)) == 0 &&
         kind <= static_cast<uint8_t>(EntryKind::kSortedSetMember) &&
         (version->value_is_inline || version->value.empty());
}

bool IsMemberKey(std::string_view key, size_t set_bytes) {
  return set_bytes > 0 && key.size() > set_bytes + kScoreBytes;
}

std::string_view MemberOf(std::string_view member_key, size_t set_bytes) {
  return member_key.substr(set_bytes + kScoreBytes);
}

SetRange SetRecords(std::string_view set) {
  SetRange range;
  AppendEscaped(set, &range.begin);
  range.end = PrefixEnd(range.begin);
  return range;
}

std::string EncodeSetRecordKey(std::string_view member_key, size_t set_bytes) {
  const uint64_t bits = LoadBE64(member_key.data() + set_bytes);
  const bool minus_zero = bits == kMinusZero;
  char score[kScoreBytes];
  StoreBE64(score, SortableFromBits(minus_zero ? 0 : bits));

  std::string key;
  key.reserve(member_key.size() + 2 * kTerminator.size() + 1);
  AppendEscaped(member_key.substr(0, set_bytes), &key);
  key.append(score, sizeof(score));
  AppendEscaped(MemberOf(member_key, set_bytes), &key);
  key += minus_zero ? '\x01' : '\x00';
  return key;
}

bool DecodeSetRecordKey(std::string_view record_key, std::string_view set, size_t begin_bytes,
                        std::string* member_key) {
  if (record_key.size() < begin_bytes + kScoreBytes + kTerminator.size() + 1) {
    return false;
  }
  const uint64_t bits = BitsFromSortable(LoadBE64(record_key.data() + begin_bytes));
  const char zero = record_key.back();
  if (zero != 0 && !(zero == 1 && bits == 0)) {
    return false;
  }
  char score[kScoreBytes];
  StoreBE64(score, zero == 1 ? kMinusZero : bits);

  member_key->assign(set);
  member_key->append(score, sizeof(score));
  record_key.remove_prefix(begin_bytes + kScoreBytes);
  record_key.remove_suffix(1);
  return Unescape(record_key, member_key);
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') {
    end.pop_back();
  }
  if (!end.empty()) {
    end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  }
  return end;
}

}  // namespace immudb
