// SPDX-License-Identifier: Apache-2.0
//
// The PEM files of a TLS connection, looked at before anything is opened with them: gRPC tells of a
// bad one only by connections that fail. Errors are one line that names option, file and reason.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// An empty one is not used; certificate and key come together.
struct TlsPaths {
  std::string certificate;  // option certificate: of this side, with its chain
  std::string key;          // option pkey
  std::string authorities;  // option clientcas: who the other side's certificate must lead to
};

// What the files hold.
struct TlsPem {
  std::string certificate;
  std::string key;
  std::string authorities;
  friend bool operator==(const TlsPem&, const TlsPem&) = default;
};

// kFailedPrecondition for a file that cannot be read. Says nothing about the content.
Result<TlsPem> ReadTlsFiles(const TlsPaths& paths);

// kFailedPrecondition unless every file has what its option asks for, and the key is that of the
// certificate. `paths` are for the message.
Status CheckTls(const TlsPaths& paths, const TlsPem& pem);

// A line for each certificate that is not valid at `now`. Of `pem` that passed CheckTls.
std::vector<std::string> ValidityWarnings(const TlsPaths& paths, const TlsPem& pem,
                                          std::time_t now);

}  // namespace immudb
