// SPDX-License-Identifier: Apache-2.0
#include "client/verdict.h"

#include <cstdint>
#include <limits>
#include <string>

namespace immudb {

Status MalformedProof(std::string_view why) {
  return Status::InvalidArgument(std::string(kMalformedProof) + std::string(why));
}

Status VerificationFailed(std::string_view why) {
  return Status::DataLoss("verification failed: " + std::string(why));
}

Status Judge(const Status& verdict) {
  if (verdict.ok()) return verdict;
  return verdict.code() == StatusCode::kDataLoss ? VerificationFailed(verdict.message())
                                                 : MalformedProof(verdict.message());
}

Status CheckLastLeaf(LeafIndex index) {
  if (index.value != std::numeric_limits<uint64_t>::max()) return Status::Ok();
  return MalformedProof("no tree can be that large");
}

}  // namespace immudb
