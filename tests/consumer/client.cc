// SPDX-License-Identifier: Apache-2.0
// Writes an entry, prints its proof: client PORT
#include <iostream>
#include <string>

#include "immudb/client.h"

int Fail(const immudb::Status& status) {
  std::cerr << status.ToString() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const auto client = immudb::Client::Connect({.port = argc > 1 ? std::stoi(argv[1]) : 3322});
  if (!client.ok()) return Fail(client.status());
  const auto login = (*client)->Login("immudb", "immudb");
  if (!login.ok()) return Fail(login.status());
  const auto written = (*client)->SafeSet("invoice-17", "paid 120.00 EUR");
  if (!written.ok()) return Fail(written.status());
  const auto proof = (*client)->Prove("invoice-17");
  if (!proof.ok()) return Fail(proof.status());
  std::cout << immudb::ToJson(*proof);
  std::cerr << immudb::ToText(proof->tree) << '\n';
}
