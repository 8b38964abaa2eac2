// SPDX-License-Identifier: Apache-2.0
//
// The words in which a proof is refused. All functions are pure.
#pragma once

#include <string_view>

#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

inline constexpr std::string_view kMalformedProof = "malformed proof: ";

// kInvalidArgument, "malformed proof: <why>".
Status MalformedProof(std::string_view why);
// kDataLoss, "verification failed: <why>".
Status VerificationFailed(std::string_view why);
// One of these, for what the verifier said; ok stays ok.
Status Judge(const Status& verdict);
// Can a tree end here? The size of the one behind the largest number would not fit.
Status CheckLastLeaf(LeafIndex index);

}  // namespace immudb
