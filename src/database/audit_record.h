// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace immudb {

// Something an operator will want to know of later. MUST NOT hold a secret.
struct AuditRecord {
  std::string user = {};    // who; empty: nobody was logged in
  std::string peer = {};    // from where: an address without port
  std::string act = {};     // "create user", "failed login"...
  std::string target = {};  // the user, the database
  std::string detail = {};
};

}  // namespace immudb
