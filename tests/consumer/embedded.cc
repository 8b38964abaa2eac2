// SPDX-License-Identifier: Apache-2.0
// A store in the own process: embedded DIRECTORY
#include <iostream>
#include <utility>

#include "immudb/store.h"
#include "immudb/verify.h"

int Fail(const immudb::Status& status) {
  std::cerr << status.ToString() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const auto store = immudb::Store::Open(argc > 1 ? argv[1] : "store");
  if (!store.ok()) return Fail(store.status());
  immudb::Transaction transaction;
  for (const auto* key : {"invoice-16", "invoice-17", "invoice-18"}) {
    const auto added = transaction.Set(key, "paid 120.00 EUR");
    if (!added.ok()) return Fail(added);
  }
  const auto committed = (*store)->Commit(std::move(transaction));
  if (!committed.ok()) return Fail(committed.status());

  const immudb::Snapshot now = (*store)->Latest();
  const auto entry = now.Get("invoice-17");
  if (!entry.ok()) return Fail(entry.status());
  const auto path = now.InclusionProof(entry->index);
  if (!path.ok()) return Fail(path.status());
  const auto leaf = immudb::LeafDigest(entry->index, entry->key, entry->value);
  const auto proven = immudb::VerifyInclusion(entry->index, now.size(), leaf, *path, now.root());
  if (!proven.ok()) return Fail(proven);
  std::cout << entry->value << ", proven at index " << entry->index.value << '\n';
}
