// SPDX-License-Identifier: Apache-2.0
#include "support/workload.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "immudb/verify.h"

namespace immudb::testing {
namespace {

constexpr std::string_view kKeyPrefix = "tx/";

// splitmix64
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string SomeBytes(uint64_t seed, size_t size) {
  std::string bytes;
  for (uint64_t i = 0; bytes.size() < size; ++i) {
    const uint64_t word = Mix(seed + i);
    bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  bytes.resize(size);
  return bytes;
}

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "workload: %s\n", status.ToString().c_str());
  std::abort();
}

}  // namespace

std::string WorkloadKey(uint64_t number) {
  return Numbered(kKeyPrefix, number);
}

std::optional<uint64_t> WorkloadNumber(std::string_view key) {
  if (!key.starts_with(kKeyPrefix)) return std::nullopt;
  key.remove_prefix(kKeyPrefix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return number;
}

std::vector<WorkloadEntry> WorkloadEntries(uint64_t number) {
  const uint64_t random = Mix(number);
  const std::string key = WorkloadKey(number);
  const size_t value_bytes = random % 8 == 7 ? 2000 + random / 8 % 40'000 : random / 8 % 300;
  std::vector<WorkloadEntry> entries;
  entries.push_back({EntryKind::kValue, key, SomeBytes(random, value_bytes), {}, 0});
  switch (random % 8) {
    case 4:
      for (uint64_t i = 0; i < 1 + random / 16 % 20; ++i) {
        const std::string more =
            i % 3 == 0 ? Numbered("hot/", (random / 64 + i) % 16) : Numbered(key + "/", i);
        entries.push_back({EntryKind::kValue, more, SomeBytes(random + i, 10 + 20 * i), {}, 0});
      }
      break;
    case 5:
      entries.push_back({EntryKind::kReference, Numbered("ref/", number), key, {}, 0});
      break;
    case 6:
      for (const double sign : {1.0, -1.0}) {
        const std::string set = Numbered("set", random / 8 % 3);
        const double score = sign * static_cast<double>(random % 1000) / 8;
        entries.push_back(
            {EntryKind::kSortedSetMember, SortedSetKey(set, score, key), key, set, score});
      }
      break;
    default:
      break;
  }
  return entries;
}

Transaction WorkloadTransaction(uint64_t number) {
  Transaction transaction;
  for (const WorkloadEntry& entry : WorkloadEntries(number)) {
    switch (entry.kind) {
      case EntryKind::kValue:
        Require(transaction.Set(entry.key, entry.value));
        break;
      case EntryKind::kReference:
        Require(transaction.AddReference(entry.key, entry.value));
        break;
      case EntryKind::kSortedSetMember:
        Require(transaction.AddSortedSetMember(entry.set, entry.score, entry.value));
        break;
    }
  }
  return transaction;
}

}  // namespace immudb::testing
