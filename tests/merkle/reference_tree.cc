// SPDX-License-Identifier: Apache-2.0
#include "merkle/reference_tree.h"

#include <openssl/evp.h>

#include <algorithm>

namespace immudb::testing {
namespace {

// "k = the largest power of two smaller than n".
size_t SplitPoint(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

Digest HashNode(const Digest& left, const Digest& right) {
  std::string bytes(1, '\x01');
  bytes.append(left.begin(), left.end());
  bytes.append(right.begin(), right.end());
  return Sha256(bytes);
}

}  // namespace

Digest Sha256(std::string_view bytes) {
  Digest digest;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

std::vector<Digest> MakeLeaves(size_t count, std::string_view salt) {
  std::vector<Digest> leaves(count);
  for (size_t i = 0; i < count; ++i) {
    leaves[i] = Sha256(std::string(salt) + std::to_string(i));
  }
  return leaves;
}

Digest RootByLevels(std::vector<Digest> level) {
  if (level.empty()) return Sha256("");
  while (level.size() > 1) {
    size_t out = 0;
    for (size_t i = 0; i < level.size(); i += 2) {
      level[out++] = i + 1 < level.size() ? HashNode(level[i], level[i + 1]) : level[i];
    }
    level.resize(out);
  }
  return level[0];
}

Digest ReferenceTree::Mth(size_t begin, size_t end) {
  if (begin == end) return Sha256("");
  if (end - begin == 1) return leaves_[begin];
  const auto found = known_.find({begin, end});
  if (found != known_.end()) return found->second;
  const size_t k = SplitPoint(end - begin);
  const Digest root = HashNode(Mth(begin, begin + k), Mth(begin + k, end));
  known_[{begin, end}] = root;
  return root;
}

ProofPath ReferenceTree::Path(size_t m, size_t begin, size_t end) {
  if (end - begin == 1) return {};
  const size_t k = SplitPoint(end - begin);
  ProofPath path;
  if (m < k) {
    path = Path(m, begin, begin + k);
    path.push_back(Mth(begin + k, end));
  } else {
    path = Path(m - k, begin + k, end);
    path.push_back(Mth(begin, begin + k));
  }
  return path;
}

ProofPath ReferenceTree::SubProof(size_t m, size_t begin, size_t end, bool complete) {
  if (m == end - begin) {
    if (complete) return {};
    return {Mth(begin, end)};
  }
  const size_t k = SplitPoint(end - begin);
  ProofPath path;
  if (m <= k) {
    path = SubProof(m, begin, begin + k, complete);
    path.push_back(Mth(begin + k, end));
  } else {
    path = SubProof(m - k, begin + k, end, false);
    path.push_back(Mth(begin, begin + k));
  }
  return path;
}

std::string InclusionShape(size_t index, size_t n) {
  if (n == 1) return "";
  const size_t k = SplitPoint(n);
  if (index < k) return InclusionShape(index, k) + "R";
  return InclusionShape(index - k, n - k) + "L";
}

std::string ConsistencyShape(size_t m, size_t n) {
  const auto shape = [](auto& self, size_t old, size_t size, bool complete) -> std::string {
    if (old == size) return complete ? "" : "S";
    const size_t k = SplitPoint(size);
    if (old <= k) return self(self, old, k, complete) + "R";
    return self(self, old - k, size - k, false) + "L";
  };
  return shape(shape, m, n, true);
}

std::string BytesFromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

Digest DigestFromHex(std::string_view hex) {
  const std::string bytes = BytesFromHex(hex);
  Digest digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace immudb::testing
