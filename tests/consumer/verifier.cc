// SPDX-License-Identifier: Apache-2.0
// Checks a proof against a root that somebody noted: verifier PROOF.json INDEX:HASH
#include <fstream>
#include <iostream>
#include <sstream>

#include "immudb/proof_document.h"

int Fail(const immudb::Status& status) {
  std::cerr << status.ToString() << '\n';
  return 3;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::stringstream text;
  text << std::ifstream(argv[1]).rdbuf();
  const auto document = immudb::ParseProofDocument(text.str());
  if (!document.ok()) return Fail(document.status());
  const auto root = immudb::ParseTreeRoot(argv[2]);
  if (!root.ok()) return Fail(root.status());
  const auto checked = immudb::CheckProofDocument(*document, *root);
  if (!checked.ok()) return Fail(checked);
  std::cout << document->key << " = " << document->value << ", proven at index "
            << document->index.value << '\n';
}
