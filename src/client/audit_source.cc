// SPDX-License-Identifier: Apache-2.0
#include "client/audit_source.h"

#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

class ClientSource final : public AuditSource {
 public:
  explicit ClientSource(std::unique_ptr<Client> client) : client_(std::move(client)) {}

  const std::string& ServerId() const override { return client_->server_uuid(); }
  Status Login(std::string_view user, std::string_view password) override {
    return client_->Login(user, password).status();
  }
  Result<std::vector<std::string>> Databases() override { return client_->ListDatabases(); }
  Status Use(std::string_view database) override { return client_->UseDatabase(database); }
  Result<std::optional<TreeRoot>> CurrentRoot() override { return client_->CurrentRoot(); }
  Result<ConsistencyAnswer> Consistency(LeafIndex first) override {
    return client_->Consistency(first);
  }
  Result<ItemPage> IScan(uint64_t page_number, uint64_t page_size) override {
    return client_->IScan(page_number, page_size);
  }

 private:
  const std::unique_ptr<Client> client_;
};

}  // namespace

Result<std::unique_ptr<AuditSource>> DialAuditSource(ClientOptions options) {
  options.token_file.clear();
  // A server is unhealthy when it cannot read its newest entry: just then it must be audited.
  options.accept_unhealthy = true;
  auto client = Client::Connect(options);
  IMMUDB_RETURN_IF_ERROR(client);
  return std::unique_ptr<AuditSource>(std::make_unique<ClientSource>(*std::move(client)));
}

}  // namespace immudb
