// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// What an auditor asks a server: the few calls of Client that it needs, so that tests can put
// databases in memory, honest or not, in its place. Errors as of Client. Used by one thread.
class AuditSource {
 public:
  virtual ~AuditSource() = default;

  // Empty if the server does not publish one.
  virtual const std::string& ServerId() const = 0;
  virtual Status Login(std::string_view user, std::string_view password) = 0;
  virtual Result<std::vector<std::string>> Databases() = 0;
  virtual Status Use(std::string_view database) = 0;
  // Of the database in use.
  virtual Result<std::optional<TreeRoot>> CurrentRoot() = 0;
  virtual Result<ConsistencyAnswer> Consistency(LeafIndex first) = 0;
  virtual Result<ItemPage> IScan(uint64_t page_number, uint64_t page_size) = 0;
};

// A connection of its own, whose session is kept in memory only.
Result<std::unique_ptr<AuditSource>> DialAuditSource(ClientOptions options);

}  // namespace immudb
