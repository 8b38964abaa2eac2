// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace immudb::testing {

// Certificates of an authority of their own, made by tools/mtls/generate.sh; gone after the test.
class Certificates {
 public:
  // For localhost. Aborts the test program if they cannot be made.
  Certificates() { MustGenerate({}); }

  // Runs generate.sh with these arguments (and --out); its exit code, output in `output` if given.
  int Generate(const std::vector<std::string>& arguments, std::string* output = nullptr) const;
  void MustGenerate(const std::vector<std::string>& arguments) const;

  // "server" and "client" below are those for `name`.
  std::string authorities() const;
  std::string server_certificate(const std::string& name = "localhost") const;
  std::string server_key(const std::string& name = "localhost") const;
  std::string client_certificate(const std::string& name = "localhost") const;
  std::string client_key(const std::string& name = "localhost") const;

  const TempDir& directory() const { return directory_; }

 private:
  TempDir directory_;
};

std::string ContentOf(const std::string& path);
// As an operator copies a file over another.
void Overwrite(const std::string& path, const std::string& content);

}  // namespace immudb::testing
