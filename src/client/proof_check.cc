// SPDX-License-Identifier: Apache-2.0
#include "client/proof_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/status_macros.h"
#include "client/verdict.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

Result<Digest> Hash(std::string_view bytes, std::string_view what) {
  const auto digest = ToDigest(bytes);
  if (!digest) return MalformedProof(std::string(what) + " is not a hash of 32 bytes");
  return *digest;
}

template <typename Bytes>
Result<ProofPath> Path(const Bytes& field, std::string_view what) {
  ProofPath path;
  path.reserve(static_cast<size_t>(field.size()));
  for (const auto& bytes : field) {
    const auto digest = Hash(bytes, what);
    IMMUDB_RETURN_IF_ERROR(digest);
    path.push_back(*digest);
  }
  return path;
}

Result<TreeRoot> RootOf(uint64_t at, std::string_view bytes) {
  IMMUDB_RETURN_IF_ERROR(CheckLastLeaf({at}));
  const auto root = Hash(bytes, "root");
  IMMUDB_RETURN_IF_ERROR(root);
  return TreeRoot{{at}, *root};
}

}  // namespace

std::optional<Digest> ToDigest(std::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.size()) return std::nullopt;
  std::ranges::copy(bytes, reinterpret_cast<char*>(digest.data()));
  return digest;
}

bool IsVerificationFailure(const Status& status) {
  return status.code() == StatusCode::kDataLoss || (status.code() == StatusCode::kInvalidArgument &&
                                                    status.message().starts_with(kMalformedProof));
}

Result<TreeRoot> CheckProof(const schema::Proof& proof, std::string_view key,
                            std::string_view value, const std::optional<TreeRoot>& trusted) {
  const auto claimed = Hash(proof.leaf(), "leaf");
  IMMUDB_RETURN_IF_ERROR(claimed);
  const auto root = RootOf(proof.at(), proof.root());
  IMMUDB_RETURN_IF_ERROR(root);
  const auto inclusion = Path(proof.inclusionpath(), "a node of the inclusion path");
  IMMUDB_RETURN_IF_ERROR(inclusion);
  const auto consistency = Path(proof.consistencypath(), "a node of the consistency path");
  IMMUDB_RETURN_IF_ERROR(consistency);

  const Digest leaf = LeafDigest({proof.index()}, key, value);
  if (*claimed != leaf) return VerificationFailed("proof does not match the given item");
  const TreeSize size = TreeEndingAt(root->index);
  IMMUDB_RETURN_IF_ERROR(
      Judge(VerifyInclusion({proof.index()}, size, leaf, *inclusion, root->hash)));
  if (trusted) {
    IMMUDB_RETURN_IF_ERROR(Judge(VerifyConsistency(TreeEndingAt(trusted->index), trusted->hash,
                                                   size, root->hash, *consistency)));
  }
  return *root;
}

ProofPath InclusionPathOf(const schema::Proof& proof) {
  auto path = Path(proof.inclusionpath(), "a node");
  return path.ok() ? *std::move(path) : ProofPath();
}

Result<ProofPath> ConsistencyPathOf(const schema::Proof& proof) {
  return Path(proof.consistencypath(), "a node of the consistency path");
}

Result<TreeRoot> CheckItem(const schema::SafeItem& answer, const std::optional<TreeRoot>& trusted) {
  if (!answer.has_item() || !answer.has_proof()) return MalformedProof("item or proof is missing");
  auto root = CheckProof(answer.proof(), answer.item().key(), answer.item().value(), trusted);
  if (root.ok() && answer.item().index() != answer.proof().index()) {
    return VerificationFailed("item and proof name different indices");
  }
  return root;
}

Result<std::optional<TreeRoot>> ToRoot(const schema::Root& message) {
  if (message.root().empty() && message.index() == 0) return std::optional<TreeRoot>();
  const auto root = RootOf(message.index(), message.root());
  IMMUDB_RETURN_IF_ERROR(root);
  return std::optional(*root);
}

Result<InclusionAnswer> ToInclusion(const schema::InclusionProof& message) {
  const auto leaf = Hash(message.leaf(), "leaf");
  IMMUDB_RETURN_IF_ERROR(leaf);
  const auto root = RootOf(message.at(), message.root());
  IMMUDB_RETURN_IF_ERROR(root);
  auto path = Path(message.path(), "a node of the path");
  IMMUDB_RETURN_IF_ERROR(path);
  return InclusionAnswer{{message.index()}, *leaf, *root, *std::move(path)};
}

Result<ConsistencyAnswer> ToConsistency(const schema::ConsistencyProof& message) {
  const auto root = RootOf(message.second(), message.secondroot());
  IMMUDB_RETURN_IF_ERROR(root);
  auto path = Path(message.path(), "a node of the path");
  IMMUDB_RETURN_IF_ERROR(path);
  return ConsistencyAnswer{{message.first()}, *root, *std::move(path)};
}

}  // namespace immudb
