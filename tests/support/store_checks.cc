// SPDX-License-Identifier: Apache-2.0
#include "support/store_checks.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "immudb/verify.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

constexpr size_t kScoreBytes = 8;

std::string Text(const Entry& entry) {
  return std::to_string(entry.index.value) + " " + std::to_string(static_cast<int>(entry.kind)) +
         " " + entry.key + " = " + entry.value + "\n";
}
std::string Text(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += Text(entry);
  return text;
}
std::string Text(const ProofPath& path) {
  std::string text;
  for (const Digest& digest : path) text += ToHex(digest) + "\n";
  return text;
}
template <typename T>
std::string Text(const Result<T>& result) {
  return result.ok() ? Text(*result) : result.status().ToString() + "\n";
}

// What a store must answer that holds these entries.
struct Model {
  explicit Model(const std::vector<Entry>& all) : entries(all) {
    for (const Entry& entry : entries) {
      leaves.push_back(LeafDigest(entry.index, entry.key, entry.value));
      versions[entry.key].push_back(entry);
      if (entry.kind != EntryKind::kSortedSetMember) continue;
      const size_t set_bytes = entry.key.size() - kScoreBytes - entry.value.size();
      const uint64_t bits = LoadBE64(entry.key.data() + set_bytes);
      double score = 0;
      std::memcpy(&score, &bits, sizeof(score));
      sets[entry.key.substr(0, set_bytes)].insert({score, entry.value, bits});
    }
  }

  const Entry& Latest(const std::string& key) const { return versions.at(key).back(); }
  // The latest values in key order.
  std::vector<Entry> Scan(bool deep) const {
    std::vector<Entry> found;
    for (const auto& [key, list] : versions) {
      const Entry& latest = list.back();
      if (latest.kind == EntryKind::kValue) {
        found.push_back(latest);
      } else if (deep) {
        found.push_back(Latest(latest.value));
      }
    }
    return found;
  }
  std::vector<Entry> ScanSet(const std::string& set) const {
    std::vector<Entry> found;
    for (const auto& member : sets.at(set)) found.push_back(Latest(std::get<1>(member)));
    return found;
  }
  uint64_t Count() const {
    return static_cast<uint64_t>(std::count_if(
        versions.begin(), versions.end(),
        [](const auto& key) { return key.second.back().kind != EntryKind::kSortedSetMember; }));
  }

  std::vector<Entry> entries;
  std::vector<Digest> leaves;
  std::map<std::string, std::vector<Entry>> versions;
  std::map<std::string, std::set<std::tuple<double, std::string, uint64_t>>> sets;
};

template <typename T>
AssertionResult Same(const std::string& what, const Result<T>& answer, const T& expected) {
  if (!answer.ok()) return AssertionFailure() << what << ": " << answer.status().ToString();
  if (Text(*answer) == Text(expected)) return AssertionSuccess();
  return AssertionFailure() << what << " answers\n"
                            << Text(*answer).substr(0, 2000) << "instead of\n"
                            << Text(expected).substr(0, 2000);
}

std::vector<Entry> Reversed(std::vector<Entry> entries) {
  std::reverse(entries.begin(), entries.end());
  return entries;
}

AssertionResult IndexAgrees(const Snapshot& snapshot, const Model& model) {
  AssertionResult same = AssertionSuccess();
  for (const auto& [key, list] : model.versions) {
    if (!(same = Same("Get " + key, snapshot.Get(key), list.back()))) return same;
    if (!(same = Same("History " + key, snapshot.History(key), Reversed(list)))) return same;
  }
  for (const bool deep : {false, true}) {
    const std::string what = deep ? "deep scan" : "scan";
    ScanOptions options;
    options.deep = deep;
    if (!(same = Same(what, snapshot.Scan(options), model.Scan(deep)))) return same;
    options.reverse = true;
    same = Same("reverse " + what, snapshot.Scan(options), Reversed(model.Scan(deep)));
    if (!same) return same;
  }
  for (const auto& [set, members] : model.sets) {
    SetScanOptions options;
    options.set = set;
    if (!(same = Same("set " + set, snapshot.ScanSet(options), model.ScanSet(set)))) return same;
  }
  const auto count = snapshot.Count({});
  if (!count.ok() || *count != model.Count()) {
    return AssertionFailure() << "Count: " << (count.ok() ? std::to_string(*count) : "error")
                              << " instead of " << model.Count();
  }
  return same;
}

}  // namespace

Digest RootOf(const std::vector<Digest>& leaves) {
  std::vector<Digest> peaks;
  for (size_t i = 0; i < leaves.size(); ++i) {
    peaks.push_back(leaves[i]);
    for (size_t n = i; n % 2 == 1; n /= 2) {
      const Digest right = peaks.back();
      peaks.pop_back();
      peaks.back() = NodeDigest(peaks.back(), right);
    }
  }
  if (peaks.empty()) return EmptyTreeRoot();
  while (peaks.size() > 1) {
    const Digest right = peaks.back();
    peaks.pop_back();
    peaks.back() = NodeDigest(peaks.back(), right);
  }
  return peaks.front();
}

AssertionResult IsProven(const Snapshot& snapshot, LeafIndex index, EntryKind kind,
                         std::string_view key, std::string_view value) {
  const auto failure = [&] {
    return AssertionFailure() << "entry " << index.value << " (" << key << "): ";
  };
  const auto entry = snapshot.GetByIndex(index);
  if (!entry.ok()) return failure() << entry.status().ToString();
  if (entry->kind != kind || entry->key != key || entry->value != value) {
    return failure() << "is " << Text(*entry).substr(0, 500);
  }
  const Digest leaf = LeafDigest(index, key, value);
  const auto stored = snapshot.Leaf(index);
  if (!stored.ok() || *stored != leaf) return failure() << "another leaf is in the tree";
  const auto path = snapshot.InclusionProof(index);
  if (!path.ok()) return failure() << path.status().ToString();
  const Status proven = VerifyInclusion(index, snapshot.size(), leaf, *path, snapshot.root());
  if (!proven.ok()) return failure() << proven.ToString();
  return AssertionSuccess();
}

AssertionResult HoldsTransaction(const Snapshot& snapshot, uint64_t number, LeafIndex first) {
  LeafIndex index = first;
  for (const WorkloadEntry& entry : WorkloadEntries(number)) {
    AssertionResult proven = IsProven(snapshot, index, entry.kind, entry.key, entry.value);
    if (!proven) return proven << " of transaction " << number;
    ++index.value;
  }
  const auto found = snapshot.Get(WorkloadKey(number));
  if (!found.ok() || found->index != first) {
    return AssertionFailure() << "transaction " << number << " at " << first.value
                              << " is not found by its key: " << Text(found).substr(0, 500);
  }
  return AssertionSuccess();
}

AssertionResult HoldsWholeTransactionsOnly(const Snapshot& snapshot) {
  for (LeafIndex index; index.value < snapshot.size().value;) {
    const auto entry = snapshot.GetByIndex(index);
    if (!entry.ok()) return AssertionFailure() << entry.status().ToString();
    const auto number = WorkloadNumber(entry->key);
    if (!number) {
      return AssertionFailure() << "no transaction begins at " << index.value << ": " << entry->key;
    }
    AssertionResult holds = HoldsTransaction(snapshot, *number, index);
    if (!holds) return holds;
    index.value += WorkloadEntries(*number).size();
  }
  return AssertionSuccess();
}

AssertionResult AgreesWithItsEntries(const Snapshot& snapshot) {
  const auto entries = snapshot.Range({0}, snapshot.size().value);
  if (!entries.ok()) return AssertionFailure() << entries.status().ToString();
  if (entries->size() != snapshot.size().value) {
    return AssertionFailure() << entries->size() << " entries of " << snapshot.size().value;
  }
  const Model model(*entries);
  if (RootOf(model.leaves) != snapshot.root()) {
    return AssertionFailure() << "the entries lead to another root at " << snapshot.size().value;
  }
  return IndexAgrees(snapshot, model);
}

std::string AllAnswers(const Snapshot& snapshot) {
  std::ostringstream out;
  const uint64_t size = snapshot.size().value;
  std::set<std::string> keys;
  std::set<std::string> sets;
  for (uint64_t i = 0; i < size; ++i) {
    const auto entry = snapshot.GetByIndex({i});
    out << Text(entry) << Text(snapshot.InclusionProof({i}));
    const auto past = snapshot.At({i + 1});
    out << (past.ok() ? ToHex(past->root()) : past.status().ToString()) << '\n';
    if (i % 16 == 0) out << Text(snapshot.ConsistencyProof({i}));
    if (!entry.ok()) continue;
    keys.insert(entry->key);
    if (entry->kind != EntryKind::kSortedSetMember) continue;
    sets.insert(entry->key.substr(0, entry->key.size() - kScoreBytes - entry->value.size()));
  }
  for (const std::string& key : keys) {
    out << Text(snapshot.Get(key)) << Text(snapshot.GetResolved(key))
        << Text(snapshot.History(key));
    const auto count = snapshot.Count(key);
    out << (count.ok() ? std::to_string(*count) : count.status().ToString()) << '\n';
  }
  for (const bool reverse : {false, true}) {
    for (const bool deep : {false, true}) {
      ScanOptions options;
      options.reverse = reverse;
      options.deep = deep;
      out << Text(snapshot.Scan(options));
    }
    for (const std::string& set : sets) {
      SetScanOptions options;
      options.set = set;
      options.reverse = reverse;
      out << Text(snapshot.ScanSet(options));
    }
  }
  return out.str();
}

}  // namespace immudb::testing
