// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "cli/option_table.h"
#include "commands/command.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

constexpr char kNoUuidWarning[] =
    "!IMPORTANT WARNING: immudb-uuid header is not published by the immudb server; this client "
    "MUST NOT be used to connect to different immudb servers!";

}  // namespace

Result<Client*> Session::Connected() {
  if (client_ != nullptr) return client_.get();
  auto options = ToClientOptions(settings_);
  if (!options.ok()) return options.status();
  options->token_file = TokenFile();
  if (kind_ == Kind::kClient) options->root_directory = settings_.Text("dir");
  options->accept_unhealthy = kind_ == Kind::kAdministrator;
  auto client = Client::Connect(*options);
  if (!client.ok()) return client.status();
  client_ = *std::move(client);
  if (client_->server_uuid().empty()) note_ = kNoUuidWarning;
  return client_.get();
}

std::string Session::TokenFile() const {
  std::string name = settings_.Text("tokenfile");
  constexpr std::string_view kSuffix = "_admin";
  if (kind_ == Kind::kAdministrator && !name.ends_with(kSuffix)) name += kSuffix;
  return name;
}

std::string Session::TakeNote() {
  return std::exchange(note_, {});
}

}  // namespace immudb
