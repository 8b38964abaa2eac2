// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "client/client_test_util.h"
#include "immuclient/app.h"
#include "immudb/client.h"
#include "server/server.h"

namespace immudb {

// immuclient against the real server in this process, logged in as the system administrator.
class LiveImmuclient : public testing::Test {
 protected:
  struct Ended {
    int code = 0;
    std::string out;
    std::string err;
  };

  void SetUp() override {
    ::setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe): before any other thread
    ::tzset();
    ServerOptions options;
    options.directory = directory_ / "data";
    options.address = "127.0.0.1";
    options.port = 0;
    options.max_message_bytes = max_message_bytes_;
    auto server = Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    ClientOptions dialled;
    dialled.port = server_->port();
    dialled.token_file = directory_ / "token";
    dialled.root_directory = directory_.path();
    auto client = Client::Connect(dialled);
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->Login("immudb", "immudb").ok());
    ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
  }

  Ended Call(const std::vector<std::string>& arguments, const std::string& input = "") {
    Surroundings around;
    around.environment = environment_;
    around.environment["IMMUCLIENT_IMMUDB_PORT"] = std::to_string(server_->port());
    around.environment["IMMUCLIENT_TOKENFILE"] = directory_ / "token";
    around.environment["IMMUCLIENT_DIR"] = directory_.path();
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunImmuclient(arguments, around, in, out, err);
    return {code, out.str(), err.str()};
  }

  size_t max_message_bytes_ = ServerOptions().max_message_bytes;
  TemporaryDirectory directory_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace immudb
