// SPDX-License-Identifier: Apache-2.0
// Client and store in one process: copies the values of a server's database into an empty store,
// which must arrive at the server's root: mirror PORT DIRECTORY
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

#include "immudb/client.h"
#include "immudb/store.h"

int Fail(const immudb::Status& status) {
  std::cerr << status.ToString() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto client = immudb::Client::Connect({.port = std::stoi(argv[1])});
  if (!client.ok()) return Fail(client.status());
  const auto login = (*client)->Login("immudb", "immudb");
  if (!login.ok()) return Fail(login.status());
  const auto root = (*client)->CurrentRoot();
  if (!root.ok()) return Fail(root.status());
  if (!root->has_value()) return Fail(immudb::Status::NotFound("the database is empty"));

  const auto store = immudb::Store::Open(argv[2]);
  if (!store.ok()) return Fail(store.status());
  for (uint64_t index = 0; index <= (*root)->index.value; ++index) {
    const auto item = (*client)->ByIndex({index});
    if (!item.ok()) return Fail(item.status());
    immudb::Transaction transaction;
    const auto added = transaction.Set(item->key, item->value);
    if (!added.ok()) return Fail(added);
    const auto committed = (*store)->Commit(std::move(transaction));
    if (!committed.ok()) return Fail(committed.status());
  }
  const auto copy = (*store)->Latest();
  if (copy.root() != (*root)->hash) return Fail(immudb::Status::DataLoss("another root"));
  std::cout << copy.size().value << " entries, the same root\n";
}
