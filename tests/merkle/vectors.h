// SPDX-License-Identifier: Apache-2.0
//
// The compatibility vectors of the specification, as the tests of this floor read them.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "immudb/types.h"
#include "merkle/reference_tree.h"

namespace immudb::testing {

inline const nlohmann::json& Vectors() {
  static const nlohmann::json vectors = nlohmann::json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  return vectors;
}

inline std::string Bytes(const nlohmann::json& hex) {
  return BytesFromHex(hex.get<std::string>());
}
inline Digest Hash(const nlohmann::json& hex) {
  return DigestFromHex(hex.get<std::string>());
}

inline ProofPath Path(const nlohmann::json& hashes) {
  ProofPath path;
  for (const auto& hash : hashes) path.push_back(Hash(hash));
  return path;
}

// The leaves of the log that `history_*`, `inclusion`, `consistency` and `safe_proofs` speak of.
inline std::vector<Digest> HistoryLeaves() {
  std::vector<Digest> leaves;
  for (const auto& entry : Vectors()["history_leaves"]) leaves.push_back(Hash(entry["leaf"]));
  return leaves;
}

}  // namespace immudb::testing
