// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "client/immuclient_live.h"
#include "immuadmin/app.h"

namespace immudb {

// immuadmin against the real server in this process; client_ is logged in, immuadmin is not.
class LiveImmuadmin : public LiveImmuclient {
 protected:
  // `typed` is the process's standard input, where passwords are read from.
  Ended Admin(const std::vector<std::string>& arguments, const std::string& typed = "",
              const std::string& input = "") {
    Surroundings around;
    around.environment["IMMUADMIN_IMMUDB_PORT"] = std::to_string(port_);
    around.environment["IMMUADMIN_TOKENFILE"] = directory_ / "token";
    const int saved = ::dup(STDIN_FILENO);
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(::write(ends[1], typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunImmuadmin(arguments, around, in, out, err);
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
    return {code, out.str(), err.str()};
  }

  void SetUp() override {
    LiveImmuclient::SetUp();
    port_ = server_->port();
  }

  void LogIn() {
    ASSERT_EQ(Admin({"login", "immudb"}, "immudb\nNew1!pass\nNew1!pass\n").code, 0);
    ASSERT_EQ(Admin({"database", "use", "defaultdb"}).code, 0);
    // The change of the password ended that session.
    ASSERT_TRUE(client_->Login("immudb", "New1!pass").ok());
    ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
  }

  void StopServer() {
    client_.reset();
    ASSERT_TRUE(server_->Shutdown(std::chrono::milliseconds(1000)).ok());
    server_.reset();
  }

  std::string Data() const { return directory_ / "data"; }

  int port_ = 0;
};

}  // namespace immudb
