// SPDX-License-Identifier: Apache-2.0
//
// The bridge between the proofs on the wire and the verifier: what a client believes, decided here
// and without a network. All functions are pure.
#pragma once

#include <optional>
#include <string_view>

#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "schema.pb.h"

namespace immudb {

// The hash that these bytes are, if they are 32.
std::optional<Digest> ToDigest(std::string_view bytes);

// Does `proof` show that the entry (key, value) stands at proof.index in a tree that continues
// `trusted`? Without a trusted root only the first half is asked. The result is the root of that
// tree.
//   kInvalidArgument "malformed proof: ..."      hashes or paths that cannot belong to any proof
//   kDataLoss        "verification failed: ..."  another entry, another tree, or a shrunken one
// The paths of RFC 6962 do not bind the size of the tree in every case: a server may sometimes
// claim a neighbouring size for the same root. It gains nothing, since the root fixes the entries,
// and its next honest proof will not fit.
Result<TreeRoot> CheckProof(const schema::Proof& proof, std::string_view key,
                            std::string_view value, const std::optional<TreeRoot>& trusted);

// As CheckProof for an item that was read; the item and its proof must also agree on the index.
Result<TreeRoot> CheckItem(const schema::SafeItem& answer, const std::optional<TreeRoot>& trusted);

// The paths of a proof, for showing and handing them on; the first one is empty if it is malformed.
ProofPath InclusionPathOf(const schema::Proof& proof);
Result<ProofPath> ConsistencyPathOf(const schema::Proof& proof);

// The answers of the unverified proof calls. kInvalidArgument "malformed proof: ..." for hashes
// that are not 32 bytes.
Result<std::optional<TreeRoot>> ToRoot(const schema::Root& message);
Result<InclusionAnswer> ToInclusion(const schema::InclusionProof& message);
Result<ConsistencyAnswer> ToConsistency(const schema::ConsistencyProof& message);

}  // namespace immudb
