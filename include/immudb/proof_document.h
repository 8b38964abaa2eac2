// SPDX-License-Identifier: Apache-2.0
//
// Proofs that leave the house: a document that says "this entry stands in that log", which anybody
// can check at any time without a server and without trusting one. They are part
// of the verifier's library, which needs libcrypto only. All functions are pure.
//
// What a good document proves depends on the root that its reader already trusts:
//   expected root given  the entry is in the log whose state is that root (or in one that only
//                        appended to it)
//   none                 entry, path and root fit each other; whose log it is stays open
// The size of the document's own tree is certain only if the expected root is that tree's: RFC 6962
// paths lead to a root, and some fit trees of neighbouring sizes.
//
// The text is JSON, with hashes in hexadecimal, key and value in base64:
//   {"format": "immudb-proof", "version": 1, "server": "<uuid>", "database": "defaultdb",
//    "entry": {"index": 3, "key": "aw==", "value": "dg==", "leaf": "<64 digits>"},
//    "tree": {"at": 17, "root": "<64 digits>"},
//    "inclusion": ["<64 digits>", ...],
//    "consistency": {"at": 9, "root": "<64 digits>", "path": ["<64 digits>", ...]}}
// "at" is the last index of a tree. "consistency" may be absent. Any other field is an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "immudb/export.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

struct ProofDocument {
  // That `tree` continues `from`.
  struct Consistency {
    TreeRoot from;
    ProofPath path;
    friend bool operator==(const Consistency&, const Consistency&) = default;
  };

  // Labels, to find the right root by. No hash covers them.
  std::string server_uuid;
  std::string database;
  // The entry, as it was hashed.
  LeafIndex index;
  std::string key;
  std::string value;
  Digest leaf{};
  // Where it stands, and the audit path.
  TreeRoot tree;
  ProofPath inclusion;
  std::optional<Consistency> consistency;

  friend bool operator==(const ProofDocument&, const ProofDocument&) = default;
};

// The text above, indented and with a newline at its end.
IMMUDB_EXPORT std::string ToJson(const ProofDocument& document);

// kInvalidArgument "malformed proof: ...", naming the field, for anything but such a text: also for
// unknown, missing and repeated fields, and for another version. Nothing is verified.
IMMUDB_EXPORT Result<ProofDocument> ParseProofDocument(std::string_view text);

// Verifies leaf, inclusion and (if there) consistency, and that the document leads to the
// `expected` root: it is that of the document's tree, or the one that its consistency is from.
//   kInvalidArgument    "malformed proof: ...": paths that cannot belong to these trees
//   kDataLoss           "verification failed: ...": something was changed
//   kFailedPrecondition the document says nothing about a tree of the size that is expected; one
//                       made from the expected root is needed
IMMUDB_EXPORT Status CheckProofDocument(const ProofDocument& document,
                                        const std::optional<TreeRoot>& expected);

// A root as people pass it on: "<last index>:<64 hexadecimal digits>".
IMMUDB_EXPORT std::string ToText(const TreeRoot& root);
// kInvalidArgument if it is not of that form.
IMMUDB_EXPORT Result<TreeRoot> ParseTreeRoot(std::string_view text);

}  // namespace immudb
