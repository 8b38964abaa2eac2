// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "immudb/client.h"

int Fail(const immudb::Status& status) {
  std::cerr << status.ToString() << '\n';
  return 1;
}

int main(int argc, char** argv) {
  immudb::ClientOptions options;
  if (argc > 1) options.port = std::stoi(argv[1]);
  const auto client = immudb::Client::Connect(options);
  if (!client.ok()) return Fail(client.status());
  const auto login = (*client)->Login("immudb", "immudb");
  if (!login.ok()) return Fail(login.status());
  const auto written = (*client)->SafeSet("invoice-17", "paid 120.00 EUR");
  if (!written.ok()) return Fail(written.status());
  const auto read = (*client)->SafeGet("invoice-17");
  if (!read.ok()) return Fail(read.status());
  std::cout << read->item.value << ", proven at index " << read->item.index.value << '\n';
}
