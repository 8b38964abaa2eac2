// SPDX-License-Identifier: Apache-2.0
//
// The one place that every call passes, without a network: access, threads, exceptions, observer.
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "schema.pb.h"
#include "server/access_control.h"
#include "server/dispatcher.h"
#include "server/status_mapping.h"
#include "support/gate_file_system.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using google::protobuf::Empty;

// A call that came by no network.
class FakeCall final : public CallContext {
 public:
  bool local = true;
  std::thread::id ended_on;

  std::string Peer() const override { return local ? "ipv4:127.0.0.1:9" : "ipv4:10.0.0.1:9"; }

  void Abandon() { abandoned_ = true; }

  Status Wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        ended_.wait_for(lock, std::chrono::seconds(30), [this] { return end_.has_value(); }));
    return end_.value_or(Status::Internal("the call never ended"));
  }

 protected:
  void End(Status status) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(end_.has_value()) << "ended twice";
    end_ = std::move(status);
    ended_on = std::this_thread::get_id();
    ended_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Status> end_;
};

// Lets handlers on other threads wait until the test opens it.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    opened_.notify_all();
    opened_.wait(lock, [this] { return open_; });
  }
  void WaitForArrival() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return arrived_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  int arrived_ = 0;
};

Gate* gate = nullptr;  // handlers are plain functions

class DispatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Databases::Open({.directory = directory_.path(),
                                   .default_database = "defaultdb",
                                   .max_open = 2,
                                   .file_system = &files_});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    databases_ = *std::move(opened);
    auto users = Users::Open(databases_->system_store(), databases_->audit(), "immudb",
                             std::make_unique<Passwords>(passwords_fail_));
    ASSERT_TRUE(users.ok()) << users.status().ToString();
    users_ = *std::move(users);
    services_ = std::make_unique<Services>(
        Services{options_, *databases_, *users_, sessions_, throttle_, health_});
    gate = &gate_;
  }

  // Of a machine that may be out of memory.
  class Passwords final : public PasswordHasher {
   public:
    explicit Passwords(const bool& fail) : fail_(fail) {}
    Result<bool> Matches(const std::string& hash, std::string_view password) override {
      if (fail_) return Status::ResourceExhausted("no memory");
      return PasswordHasher::Matches(hash, password);
    }

   private:
    const bool& fail_;
  };

  static const Method& RowOf(std::string_view name) {
    const auto methods = ServedMethods();
    return *std::find_if(methods.begin(), methods.end(),
                         [name](const Method& method) { return method.name == name; });
  }
  static Method MethodOf(Access access, RunOn run, Method::Handler handler) {
    return {"Test",
            access,
            run,
            Cost::kConstant,
            &Empty::default_instance(),
            &Empty::default_instance(),
            handler};
  }
  static std::optional<Status> Fine(CallContext&, const Method::Message&, Method::Message&) {
    return Status::Ok();
  }
  std::string TokenFor(Permission permission, bool with_database = true) {
    Session session;
    session.user = "user";
    session.permission = permission;
    if (with_database) session.database = databases_->default_database();
    token_ = sessions_.Issue(std::move(session));
    return token_;
  }
  Status Try(const Method& method, std::optional<std::string> authorization, bool local = true) {
    Dispatcher dispatcher(*services_, 1, {});
    FakeCall call;
    call.local = local;
    if (authorization) call.authorization = *authorization;
    Empty request;
    Empty response;
    dispatcher.Dispatch(method, call, request, response);
    return call.Wait();
  }

  TempDir directory_;
  GateFileSystem files_{"/slow/"};
  bool passwords_fail_ = false;
  ServerOptions options_;
  Sessions sessions_{std::chrono::hours(1), [] { return std::chrono::steady_clock::now(); }};
  LoginThrottle throttle_{[] { return std::chrono::steady_clock::now(); }};
  HealthChecks health_{directory_.path(), 0};
  std::unique_ptr<Databases> databases_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Services> services_;
  Gate gate_;
  std::string token_;
  Empty request_;
  Empty response_;
};

TEST_F(DispatcherTest, PermissionsFollowTheTable) {
  struct Row {
    Permission permission;
    std::vector<Access> allowed;
  };
  const std::vector<Row> rows = {
      {Permission::kNone, {}},
      {static_cast<Permission>(77), {}},
      {Permission::kRead, {Access::kRead}},
      {Permission::kReadWrite, {Access::kRead, Access::kWrite}},
      {Permission::kDatabaseAdmin, {Access::kRead, Access::kWrite, Access::kDatabaseAdmin}},
      {Permission::kSystemAdmin,
       {Access::kRead, Access::kWrite, Access::kDatabaseAdmin, Access::kSystemAdmin}}};
  for (const Row& row : rows) {
    const std::string token = TokenFor(row.permission);
    for (const Access access :
         {Access::kRead, Access::kWrite, Access::kDatabaseAdmin, Access::kSystemAdmin}) {
      const Status status = Try(MethodOf(access, RunOn::kPoller, &Fine), token);
      if (std::find(row.allowed.begin(), row.allowed.end(), access) != row.allowed.end()) {
        EXPECT_TRUE(status.ok()) << status.ToString();
      } else {
        EXPECT_EQ(status, Status(StatusCode::kPermissionDenied,
                                 "you do not have permission for this operation"));
      }
    }
  }
}

// They show all that a database holds.
TEST_F(DispatcherTest, TreeAndDumpAreForAdministrators) {
  const auto row = &RowOf;
  EXPECT_EQ(row("PrintTree").access, Access::kSystemAdmin);
  EXPECT_EQ(row("PrintTree").run, RunOn::kReader);
  EXPECT_EQ(row("Dump").access, Access::kDatabaseAdmin);
  EXPECT_EQ(row("Dump").run, RunOn::kReader);
  EXPECT_TRUE(row("Dump").streams);
  // By a front that knows one answer a call.
  EXPECT_EQ(Try(row("Dump"), TokenFor(Permission::kDatabaseAdmin)).code(), StatusCode::kInternal);
}

TEST_F(DispatcherTest, TokenWithoutDatabaseHasToSelectOneFirst) {
  const std::string token = TokenFor(Permission::kSystemAdmin, false);
  EXPECT_EQ(Try(MethodOf(Access::kRead, RunOn::kPoller, &Fine), token),
            Status::FailedPrecondition("please select a database first"));
  EXPECT_TRUE(Try(MethodOf(Access::kOpen, RunOn::kPoller, &Fine), std::nullopt).ok());
}

TEST_F(DispatcherTest, WithoutAuthOnlyLocalPeersUnlessDevmode) {
  const Method read = MethodOf(Access::kRead, RunOn::kPoller, &Fine);
  const Method open = MethodOf(Access::kOpen, RunOn::kPoller, &Fine);
  const Status refused(StatusCode::kPermissionDenied,
                       "server has authentication disabled: only local connections are accepted");
  options_.auth = false;
  EXPECT_TRUE(Try(read, std::nullopt).ok());
  EXPECT_EQ(Try(read, std::nullopt, false), refused);
  EXPECT_EQ(Try(open, std::nullopt, false), refused);
  options_.devmode = true;
  EXPECT_TRUE(Try(read, std::nullopt, false).ok());
  options_.auth = true;
  EXPECT_TRUE(Try(open, std::nullopt, false).ok());
}

TEST_F(DispatcherTest, MaintenanceIsLocalAndNeedsASelectedDatabase) {
  const Method admin = MethodOf(Access::kSystemAdmin, RunOn::kPoller, &Fine);
  options_.maintenance = true;
  EXPECT_EQ(Try(admin, std::nullopt), Status::FailedPrecondition("please select database first"));
  for (const bool devmode : {false, true}) {
    options_.devmode = devmode;
    EXPECT_EQ(Try(admin, TokenFor(Permission::kNone), false).code(), StatusCode::kPermissionDenied);
  }
  EXPECT_TRUE(Try(admin, TokenFor(Permission::kNone)).ok());
}

// Metrics and log tell the same.
TEST_F(DispatcherTest, EveryObserverIsToldTheSame) {
  struct Observer final : CallObserver {
    int begun = 0;
    std::vector<std::chrono::nanoseconds> ended;
    void OnBegin(const Method&, const CallContext&) override { ++begun; }
    void OnEnd(const Method&, const CallContext&, const Status& status,
               std::chrono::nanoseconds took) override {
      EXPECT_EQ(status.code(), StatusCode::kNotFound);
      ended.push_back(took);
    }
  };
  Observer first;
  Observer second;
  Dispatcher dispatcher(*services_, 1, {&first, &second});
  FakeCall call;
  const Method method = MethodOf(Access::kOpen, RunOn::kPoller, &Fine);
  const auto before = std::chrono::steady_clock::now();
  dispatcher.OnBegin(method, call);
  dispatcher.OnEnd(method, call, Status::NotFound(""));
  EXPECT_EQ(first.begun, 1);
  EXPECT_EQ(second.begun, 1);
  ASSERT_EQ(first.ended.size(), 1U);
  EXPECT_EQ(first.ended, second.ended);
  EXPECT_GE(first.ended[0], std::chrono::nanoseconds(0));
  EXPECT_LE(first.ended[0], std::chrono::steady_clock::now() - before);
}

// The poller serves everybody: it may not wait until a closed database is open.
TEST_F(DispatcherTest, ClosedDatabaseIsOpenedOnAnotherThread) {
  ASSERT_TRUE(databases_->Create("other", {}).ok());
  const auto other = databases_->Find("other");
  ASSERT_TRUE(other->CloseIfUnused(Database::Time::max()));
  Session session;
  session.user = "user";
  session.permission = Permission::kRead;
  session.database = other;
  const std::string token = sessions_.Issue(std::move(session));
  const auto read = [](CallContext& call, const Method::Message&,
                       Method::Message&) -> std::optional<Status> {
    return call.store().Latest().size().empty() ? Status::Ok() : Status::Internal("not empty");
  };
  Dispatcher dispatcher(*services_, 1, {});
  FakeCall call;
  call.authorization = token;
  Empty request;
  Empty response;
  const Method method = MethodOf(Access::kRead, RunOn::kPoller, read);
  dispatcher.Dispatch(method, call, request, response);
  EXPECT_EQ(call.Wait(), Status::Ok());
  EXPECT_NE(call.ended_on, std::this_thread::get_id());
  EXPECT_FALSE(other->CloseIfUnused(Database::Time::max())) << "closed under a call";
  call.open_store.reset();
  EXPECT_TRUE(other->CloseIfUnused(Database::Time::max()));
}

// A database that recovers for minutes is no other one's delay, and makes room only once.
TEST_F(DispatcherTest, CallsThatWaitForOneDatabaseHoldUpNoOther) {
  for (const char* name : {"slow", "a", "b"}) ASSERT_TRUE(databases_->Create(name, {}).ok());
  std::map<std::string, std::string> tokens;
  for (const char* name : {"slow", "a", "b"}) {
    Session session;
    session.user = "user";
    session.database = databases_->Find(name);
    session.permission = Permission::kRead;
    tokens[name] = sessions_.Issue(std::move(session));
  }
  const auto is_open = [&](const char* name) {
    return databases_->Find(name)->LastUse() != std::nullopt;
  };
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(databases_->OpenStore(*databases_->Find(name)).ok());
  }
  ASSERT_FALSE(is_open("slow"));
  files_.CloseGate();
  {
    Dispatcher dispatcher(*services_, 1, {});
    const Method method = MethodOf(Access::kRead, RunOn::kPoller, &Fine);
    std::vector<FakeCall> slow(8);
    for (FakeCall& call : slow) {
      call.authorization = tokens["slow"];
      dispatcher.Dispatch(method, call, request_, response_);
    }
    ASSERT_TRUE(files_.WaitForArrival());
    EXPECT_EQ(is_open("a") + is_open("b"), 1) << "made room for more than one";
    FakeCall other;
    other.authorization = tokens[is_open("a") ? "b" : "a"];
    dispatcher.Dispatch(method, other, request_, response_);
    EXPECT_EQ(other.Wait(), Status::Ok());
    files_.OpenGate();
    for (FakeCall& call : slow) EXPECT_EQ(call.Wait(), Status::Ok());
  }
  EXPECT_LE(databases_->open_count(), 2U);
}

TEST_F(DispatcherTest, ThrowingHandlerFailsItsCallOnly) {
  const auto out_of_memory = [](CallContext&, const Method::Message&,
                                Method::Message&) -> std::optional<Status> {
    throw std::bad_alloc();
  };
  const auto defect = [](CallContext&, const Method::Message&,
                         Method::Message&) -> std::optional<Status> {
    throw std::runtime_error("secret");
  };
  for (const RunOn run : {RunOn::kPoller, RunOn::kReader}) {
    EXPECT_EQ(Try(MethodOf(Access::kOpen, run, out_of_memory), std::nullopt).code(),
              StatusCode::kResourceExhausted);
    EXPECT_EQ(Try(MethodOf(Access::kOpen, run, defect), std::nullopt),
              Status::Internal("internal error"));
  }
}

TEST_F(DispatcherTest, LongCallsDoNotHoldTheirCallersThread) {
  const auto wait = [](CallContext&, const Method::Message&,
                       Method::Message&) -> std::optional<Status> {
    gate->Pass();
    return Status::Ok();
  };
  Dispatcher dispatcher(*services_, 1, {});
  FakeCall call;
  const Method method = MethodOf(Access::kOpen, RunOn::kReader, wait);
  dispatcher.Dispatch(method, call, request_, response_);
  gate_.Open();
  EXPECT_TRUE(call.Wait().ok());
  EXPECT_NE(call.ended_on, std::this_thread::get_id());
}

// A client that gave up must not keep others waiting.
TEST_F(DispatcherTest, AbandonedCallsAreNotHandled) {
  static bool handled;
  handled = false;
  const auto handle = [](CallContext&, const Method::Message&,
                         Method::Message&) -> std::optional<Status> {
    handled = true;
    return Status::Ok();
  };
  Dispatcher dispatcher(*services_, 1, {});
  FakeCall call;
  call.Abandon();
  const Method method = MethodOf(Access::kOpen, RunOn::kReader, handle);
  dispatcher.Dispatch(method, call, request_, response_);
  EXPECT_EQ(call.Wait().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(handled);
}

// Hashing a password takes 64 MiB and a tenth of a second: a flood of logins must not pile up.
TEST_F(DispatcherTest, LoginsBeyondTheQueueAreRefused) {
  const auto wait = [](CallContext&, const Method::Message&,
                       Method::Message&) -> std::optional<Status> {
    gate->Pass();
    return Status::Ok();
  };
  Dispatcher dispatcher(*services_, 1, {});
  const Method login = MethodOf(Access::kOpen, RunOn::kLogin, wait);
  std::vector<std::unique_ptr<FakeCall>> calls;
  const auto dispatch = [&] {
    calls.push_back(std::make_unique<FakeCall>());
    dispatcher.Dispatch(login, *calls.back(), request_, response_);
  };
  dispatch();
  gate_.WaitForArrival();  // it has left the queue
  for (int i = 0; i < 33; ++i) dispatch();
  EXPECT_EQ(calls.back()->Wait().code(), StatusCode::kResourceExhausted);
  gate_.Open();
  for (size_t i = 0; i + 1 < calls.size(); ++i) EXPECT_TRUE(calls[i]->Wait().ok());
}

// A read-only user with 32 counts of a large database must hold up nobody else: neither their
// listings nor the administrator who wants to lock that user out.
TEST_F(DispatcherTest, LongCallsOfOneUserDoNotHoldUpOthers) {
  const auto wait = [](CallContext&, const Method::Message&,
                       Method::Message&) -> std::optional<Status> {
    gate->Pass();
    return Status::Ok();
  };
  const auto token_of = [&](const char* user) {
    Session session;
    session.user = user;
    session.permission = Permission::kRead;
    session.database = databases_->default_database();
    return sessions_.Issue(std::move(session));
  };
  const std::string greedy = token_of("greedy");
  const std::string modest = token_of("modest");
  Dispatcher dispatcher(*services_, 2, {});
  const Method count = MethodOf(Access::kRead, RunOn::kReader, wait);
  std::vector<std::unique_ptr<FakeCall>> counts;
  for (int i = 0; i < 32; ++i) {
    counts.push_back(std::make_unique<FakeCall>());
    counts.back()->authorization = greedy;
    dispatcher.Dispatch(count, *counts.back(), request_, response_);
  }
  gate_.WaitForArrival();
  for (const RunOn run : {RunOn::kReader, RunOn::kAdministration, RunOn::kPoller, RunOn::kLogin}) {
    FakeCall call;
    call.authorization = modest;
    dispatcher.Dispatch(MethodOf(Access::kRead, run, &Fine), call, request_, response_);
    EXPECT_EQ(call.Wait(), Status::Ok());
  }
  gate_.Open();
  for (const auto& call : counts) EXPECT_TRUE(call->Wait().ok());
}

// What waits for a thread when the server stops is not begun any more.
TEST_F(DispatcherTest, QueuedCallsEndWhenTheServerStops) {
  const auto wait = [](CallContext&, const Method::Message&,
                       Method::Message&) -> std::optional<Status> {
    gate->Pass();
    return Status::Ok();
  };
  for (const RunOn run : {RunOn::kReader, RunOn::kAdministration, RunOn::kLogin}) {
    Gate own;
    gate = &own;
    Dispatcher dispatcher(*services_, 1, {});
    const Method method = MethodOf(Access::kOpen, run, wait);
    FakeCall running;
    FakeCall queued;
    dispatcher.Dispatch(method, running, request_, response_);
    own.WaitForArrival();
    dispatcher.Dispatch(method, queued, request_, response_);
    dispatcher.Stop();
    own.Open();
    EXPECT_TRUE(running.Wait().ok());
    EXPECT_EQ(queued.Wait(), Status::Unavailable("the server is stopping"));
  }
}

// The thread of the network waits for no disk: such a call runs again where it may.
TEST_F(DispatcherTest, CallThatWouldWaitRunsAgainOnAnotherThread) {
  const auto handle = [](CallContext& call, const Method::Message&,
                         Method::Message&) -> std::optional<Status> {
    if (call.at_once) return call.WouldWait();
    gate->Pass();
    return Status::Ok();
  };
  Dispatcher dispatcher(*services_, 1, {});
  FakeCall call;
  dispatcher.Dispatch(MethodOf(Access::kOpen, RunOn::kPoller, handle), call, request_, response_);
  gate_.Open();
  EXPECT_TRUE(call.Wait().ok());
  EXPECT_NE(call.ended_on, std::this_thread::get_id());
}

// Its bytes would be copied and hashed while everybody waits.
TEST_F(DispatcherTest, LargeWritesAreHandledOnAnotherThread) {
  Dispatcher dispatcher(*services_, 1, {});
  schema::KeyValue request;
  const Method set = MethodOf(Access::kWrite, RunOn::kPoller, &Fine);
  const std::string token = TokenFor(Permission::kReadWrite);
  for (const size_t bytes : {size_t{100}, CallContext::kLargeBytes + 1}) {
    request.set_value(std::string(bytes, 'v'));
    FakeCall call;
    call.authorization = token;
    dispatcher.Dispatch(set, call, request, response_);
    EXPECT_TRUE(call.Wait().ok());
    EXPECT_EQ(call.ended_on == std::this_thread::get_id(), bytes == 100) << bytes;
  }
}

// Thousands may ask at once, and nobody has to log in for it.
TEST_F(DispatcherTest, HealthReadsTheNewestEntryOnceASecond) {
  auto now = std::chrono::steady_clock::now();
  const HealthChecks health(directory_.path(), 0, [&now] { return now; });
  Database& database = *databases_->default_database();
  EXPECT_EQ(health.RememberedRead(database), std::nullopt);
  EXPECT_TRUE(health.NewestEntryCanBeRead(database));
  EXPECT_EQ(health.RememberedRead(database), true);
  now += std::chrono::milliseconds(999);
  EXPECT_EQ(health.RememberedRead(database), true);
  now += std::chrono::milliseconds(1);
  EXPECT_EQ(health.RememberedRead(database), std::nullopt);
}

TEST_F(DispatcherTest, StatusIsMadeOnceASecond) {
  auto now = std::chrono::steady_clock::now();
  const HealthChecks health(directory_.path(), 0, [&now] { return now; });
  const auto first = health.Report();
  EXPECT_FALSE(first->ready) << "it is starting";
  EXPECT_EQ(health.Report(), first);
  now += std::chrono::seconds(1);
  EXPECT_NE(health.Report(), first);
}

// A shortage of the machine is not a guess of the user: it is neither counted nor recorded.
TEST_F(DispatcherTest, LoginThatCannotBeCheckedIsNoFailedOne) {
  const auto before = databases_->system_store().Latest().size();
  schema::LoginRequest request;
  request.set_user("immudb");
  request.set_password("immudb");
  schema::LoginResponse response;
  const auto login = [&] {
    Dispatcher dispatcher(*services_, 1, {});
    FakeCall call;
    dispatcher.Dispatch(RowOf("Login"), call, request, response);
    return call.Wait();
  };
  passwords_fail_ = true;
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(login(), Status::ResourceExhausted("no memory"));
  }
  EXPECT_EQ(throttle_.failures(), 0U);
  EXPECT_EQ(databases_->system_store().Latest().size(), before);
  passwords_fail_ = false;
  EXPECT_EQ(login(), Status::Ok());
}

TEST_F(DispatcherTest, OldPasswordThatCannotBeCheckedIsNoFailedOne) {
  Session session;
  session.user = "immudb";
  session.permission = Permission::kSystemAdmin;
  const std::string token = sessions_.Issue(std::move(session));
  schema::ChangePasswordRequest request;
  request.set_user("immudb");
  request.set_oldpassword("immudb");
  request.set_newpassword("Changed!23");
  passwords_fail_ = true;
  {
    Dispatcher dispatcher(*services_, 1, {});
    FakeCall call;
    call.authorization = token;
    dispatcher.Dispatch(RowOf("ChangePassword"), call, request, response_);
    EXPECT_EQ(call.Wait(), Status::ResourceExhausted("no memory"));
  }
  EXPECT_EQ(throttle_.failures(), 0U);
}

// A request of megabytes must not be held while it waits for its turn.
TEST_F(DispatcherTest, LargeRequestsDoNotWaitForAPasswordHash) {
  schema::LoginRequest large;
  large.set_password(std::string(size_t{1} << 20, 'a'));
  Dispatcher dispatcher(*services_, 1, {});
  const auto dispatch = [&](const char* name) {
    FakeCall call;
    dispatcher.Dispatch(RowOf(name), call, large, response_);
    EXPECT_EQ(call.ended_on, std::this_thread::get_id());
    return call.Wait();
  };
  EXPECT_EQ(dispatch("Login"),
            Status(StatusCode::kPermissionDenied, "invalid user name or password"));
  EXPECT_EQ(dispatch("CreateUser"), Status(StatusCode::kUnauthenticated, "please login"));
  EXPECT_EQ(dispatch("ChangePassword"), Status(StatusCode::kUnauthenticated, "please login first"));
  FakeCall call;
  dispatcher.Dispatch(MethodOf(Access::kOpen, RunOn::kLogin, &Fine), call, large, response_);
  EXPECT_EQ(call.Wait().code(), StatusCode::kInvalidArgument);
}

TEST(AccessControl, OneLeadingBearerIsTakenOff) {
  EXPECT_EQ(TokenOf("Bearer abc"), "abc");
  EXPECT_EQ(TokenOf("abc"), "abc");
  EXPECT_EQ(TokenOf("Bearer Bearer abc"), "Bearer abc");
  EXPECT_EQ(TokenOf("Bearer "), "");
  EXPECT_EQ(TokenOf(""), "");
}

TEST(AccessControl, LoopbackAndSocketPeersAreLocal) {
  for (const char* peer : {"ipv4:127.0.0.1:4242", "ipv4:127.8.9.1:1", "ipv6:%5B::1%5D:4242",
                           "ipv6:[::1]:4242", "unix:/run/immudb.sock", "unix:"}) {
    EXPECT_TRUE(IsLocalPeer(peer)) << peer;
  }
  for (const char* peer : {"ipv4:12.7.0.1:4242", "ipv4:10.0.0.1:127", "ipv6:%5Bfe80::1%5D:4242",
                           "ipv6:[::1:1]:4242", ""}) {
    EXPECT_FALSE(IsLocalPeer(peer)) << peer;
  }
}

// A subscriber of IPv6 has 2^64 addresses to guess from.
TEST(AccessControl, LimitsCountAddressesByWhoHasThem) {
  for (const auto& [peer, address] : std::vector<std::pair<const char*, const char*>>{
           {"ipv4:10.1.2.3:4242", "10.1.2.3"},
           {"ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4242", "2001:db8:1:2::/64"},
           {"ipv6:[2001:db8:1:2:ffff::1]:1", "2001:db8:1:2::/64"},
           {"ipv6:%5B::1%5D:4242", "::/64"},
           {"ipv6:%5B::ffff:10.1.2.3%5D:4242", "10.1.2.3"},
           {"ipv6:%5Bfe80::1%25eth0%5D:1", "fe80::/64"},
           {"unix:/run/immudb.sock", ""},
           {"unix:", ""}}) {
    EXPECT_EQ(AddressForLimits(peer), address) << peer;
  }
}

TEST(StatusMapping, EveryCodeHasItsGrpcCode) {
  const std::vector<std::pair<StatusCode, grpc::StatusCode>> table = {
      {StatusCode::kOk, grpc::OK},
      {StatusCode::kInvalidArgument, grpc::INVALID_ARGUMENT},
      {StatusCode::kNotFound, grpc::NOT_FOUND},
      {StatusCode::kAlreadyExists, grpc::ALREADY_EXISTS},
      {StatusCode::kPermissionDenied, grpc::PERMISSION_DENIED},
      {StatusCode::kUnauthenticated, grpc::UNAUTHENTICATED},
      {StatusCode::kFailedPrecondition, grpc::FAILED_PRECONDITION},
      {StatusCode::kResourceExhausted, grpc::RESOURCE_EXHAUSTED},
      {StatusCode::kUnavailable, grpc::UNAVAILABLE},
      {StatusCode::kDataLoss, grpc::DATA_LOSS},
      {StatusCode::kIoError, grpc::INTERNAL},
      {StatusCode::kInternal, grpc::INTERNAL},
      {StatusCode::kUnknown, grpc::UNKNOWN}};
  for (const auto& [ours, theirs] : table) EXPECT_EQ(ToGrpcCode(ours), theirs);
  EXPECT_EQ(ToGrpcStatus(Status::NotFound("Key not found")).error_message(), "Key not found");
  EXPECT_TRUE(ToGrpcStatus(Status::Ok()).ok());
}

// A text travels in a header: a longer one would reach the client as another error.
TEST(StatusMapping, LongTextsAreCutBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 10'000; ++i) name += "\xc3\xa4";
  const std::string text = ToGrpcStatus(Status::NotFound("x" + name)).error_message();
  EXPECT_LE(text.size(), 1030U);
  EXPECT_EQ(text.substr(text.size() - 5), "\xc3\xa4...");
}

}  // namespace
}  // namespace immudb::testing
