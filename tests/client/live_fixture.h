// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "client/client_test_util.h"
#include "immudb/client.h"
#include "server/server.h"

namespace immudb {

// The real server in this process, and a client that is logged in as the system administrator.
class Live : public testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    ServerOptions options;
    options.directory = directory_ / "data";
    options.address = "127.0.0.1";
    options.port = 0;
    options.update_config = [this](std::string_view key, std::string_view value) {
      settings_ += std::string(key).append("=").append(value).append(";");
      return Status::Ok();
    };
    auto server = Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    client_ = Connect();
    ASSERT_TRUE(client_->Login("immudb", "immudb").ok());
    ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
  }
  void Restart() {
    client_.reset();
    ASSERT_TRUE(server_->Shutdown(std::chrono::milliseconds(1000)).ok());
    server_.reset();
    Start();
  }
  std::unique_ptr<Client> Connect() const {
    ClientOptions options;
    options.port = server_->port();
    options.token_file = directory_ / "token";
    options.root_directory = directory_ / "roots";
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return *std::move(client);
  }

  TemporaryDirectory directory_;
  std::string settings_;  // that the server wrote
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace immudb
