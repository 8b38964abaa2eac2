// SPDX-License-Identifier: Apache-2.0
#include "merkle/compact_range.h"

#include <bit>
#include <charconv>
#include <cstddef>
#include <limits>
#include <system_error>

#include "base/bytes.h"
#include "immudb/verify.h"

namespace immudb {

std::optional<Digest> DigestFromHex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); ++i) {
    const char* byte = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(byte, byte + 2, digest[i], 16);
    if (error != std::errc() || end != byte + 2) return std::nullopt;
  }
  return digest;
}

void CompactRange::Append(const Digest& leaf, std::vector<Digest>* completed) {
  nodes_.push_back(leaf);
  if (completed != nullptr) completed->push_back(leaf);
  // As many equal neighbours join as the old size has one-bits at its end.
  for (uint64_t n = size_.value; (n & 1) != 0; n >>= 1) {
    const Digest right = nodes_.back();
    nodes_.pop_back();
    nodes_.back() = NodeDigest(nodes_.back(), right);
    if (completed != nullptr) completed->push_back(nodes_.back());
  }
  ++size_.value;
}

Digest CompactRange::Root() const {
  if (nodes_.empty()) return EmptyTreeRoot();
  Digest root = nodes_.back();
  for (size_t i = nodes_.size() - 1; i-- > 0;) root = NodeDigest(nodes_[i], root);
  return root;
}

std::string CompactRange::Text() const {
  std::string text = std::to_string(size_.value);
  text += ':';
  for (const Digest& node : nodes_) {
    if (text.back() != ':') text += ',';
    text += ToHex(node);
  }
  return text;
}

std::optional<CompactRange> CompactRange::FromText(std::string_view text) {
  CompactRange range;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), range.size_.value);
  const auto digits = static_cast<size_t>(end - text.data());
  if (error != std::errc() || digits == text.size() || text[digits] != ':') return std::nullopt;
  if (range.size_.value == std::numeric_limits<uint64_t>::max()) return std::nullopt;
  for (text.remove_prefix(digits + 1); !text.empty();) {
    const size_t comma = text.find(',');
    const auto node = DigestFromHex(text.substr(0, comma));
    if (!node) return std::nullopt;
    range.nodes_.push_back(*node);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  const auto wanted = static_cast<size_t>(std::popcount(range.size_.value));
  return range.nodes_.size() == wanted ? std::optional(std::move(range)) : std::nullopt;
}

}  // namespace immudb
