// SPDX-License-Identifier: Apache-2.0
//
// The client SDK: one connection to a server, a session, and calls that verify what they are told.
//
// Trust. For each server (its uuid) and database the client keeps one trusted root in a file,
// `<root_directory>/.root-<uuid>`. The first contact believes the server's current root; from then
// on every Safe call demands a proof that the server's tree contains the entry and only appended to
// the trusted tree, and then trusts the newer root. Who controls the server at the first contact,
// or can give it another uuid, is believed; compare roots out of band if that matters.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/export.h"
#include "immudb/proof_document.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// TLS 1.2 or newer. The files are PEM; they are read once, by Client::Connect.
struct TlsOptions {
  // The server's certificate must lead to one of these; empty: to one that this system trusts (or
  // that of the file in $GRPC_DEFAULT_SSL_ROOTS_FILE_PATH).
  std::string authorities = {};
  // What this client shows when the server asks for a certificate, with its chain; both or none.
  std::string certificate = {};
  std::string key = {};
  // The DNS name or IP address that the server's certificate must be for; empty: that of `address`
  // ("localhost" for a socket file).
  std::string server_name = {};
};

// A server whose option --max-message-size has its default, or is as large as can be.
inline constexpr size_t kDefaultAnswerBytes = (size_t{32} << 20) + (size_t{8} << 10);
inline constexpr size_t kMaxAnswerBytes = (size_t{1} << 30) + (size_t{8} << 10);

struct ClientOptions {
  std::string address = "127.0.0.1";  // host name, IPv4, IPv6, or "unix:<path>" (no port then)
  int port = 3322;
  std::optional<TlsOptions> tls = {};  // none: plain text, passwords and tokens too
  // Where the session's token is kept. A bare name stands for $HOME/<name>; empty: in memory only.
  std::string token_file = "token";
  // Where the trusted roots are kept; made if it is absent.
  std::string root_directory = ".";
  std::chrono::milliseconds connect_timeout{6000};  // until the server must have answered Health
  std::chrono::milliseconds call_timeout{30000};    // of each call, its repetitions included; > 0
  // The largest answer that is taken. 0: what the server says it sends at most, up to
  // kMaxAnswerBytes; kDefaultAnswerBytes of a server that says nothing.
  size_t max_message_bytes = 0;
  // Connect to a server that answers Health with "not healthy", too: to find out what is damaged.
  bool accept_unhealthy = false;
};

struct KeyValue {
  std::string key;
  std::string value;
};

// An entry as read. Where a reference was followed, all three fields describe its target.
struct Item {
  std::string key;
  std::string value;
  LeafIndex index;
};

// How the key of a verified item relates to the key that was asked for.
enum class KeyMatch : uint8_t {
  kExact,
  // Another key: the asked one is a reference to it, and the log proves that it was made one.
  kReference,
  // Another key, and the history of the asked one was too large to be fetched as evidence.
  kUnprovenReference,
};

// An entry that the server proved to be in its tree, and its tree to continue the trusted one.
// For writes: the entry as it was hashed (reference: name and key; member: SortedSetKey and key).
struct VerifiedItem {
  Item item;
  Digest leaf{};
  KeyMatch key_match = KeyMatch::kExact;
  // The proof: ExplainInclusion(item.index, TreeEndingAt(tree.index), leaf, path) walks it.
  TreeRoot tree = {};
  ProofPath path = {};
};

// As the server answered them, with hashes of the right length; for VerifyInclusion and
// VerifyConsistency of immudb/verify.h. `at` and `second` are last leaves of the current tree.
struct InclusionAnswer {
  LeafIndex index;
  Digest leaf{};
  TreeRoot at;
  ProofPath path;
};
struct ConsistencyAnswer {
  LeafIndex first;
  TreeRoot second;
  ProofPath path;
};

struct ScanQuery {
  std::string prefix = {};
  std::string offset =
      {};              // the listing starts strictly after this key, in the direction of travel
  uint64_t limit = 0;  // 0: the server's default
  bool reverse = false;
  bool deep = false;  // also references and set members, replaced by what they point to
};

struct SetScanQuery {
  std::string set = {};
  std::string offset = {};  // a member as SortedSetKey() gives it; strictly after it
  uint64_t limit = 0;
  bool reverse = false;
};

struct ItemPage {
  std::vector<Item> items;
  bool more = false;  // an entry exists right after this page
};

// What may be wrong with a server, and its walk over the stored bytes.
struct ServerStatus {
  struct Check {
    std::string name;
    bool ok = true;
    std::string reason;  // what is wrong and what to do; may be there if it is ok
  };
  struct Checker {
    double progress = 0;   // of the pass that runs, 0 to 1
    std::string database;  // that is looked at now
    uint64_t passes = 0;   // that ended since the start
    double last_pass_seconds = 0;
    int64_t last_pass_end = 0;  // Unix time; 0: none has ended
    uint64_t entries = 0;       // that were looked at since the start
    uint64_t damages = 0;
    uint64_t read_errors = 0;
  };
  struct Tampered {
    std::string database;
    std::string time;
    std::string damage;
  };
  bool ready = false;
  std::vector<Check> checks;
  std::optional<Checker> checker;  // none: it is off
  std::vector<Tampered> tampered;  // databases whose calls are refused
};

struct ServerHealth {
  bool healthy = false;
  std::string version;  // several lines
};

// A structured value: what the original's programs store. It is hashed and stored as its bytes.
struct StructuredValue {
  uint64_t timestamp = 0;  // Unix seconds by the writer's clock
  std::string payload;
};
// With the time of this machine's clock.
IMMUDB_EXPORT StructuredValue StampedNow(std::string payload);
IMMUDB_EXPORT std::string EncodeStructured(const StructuredValue& value);
// kInvalidArgument if the bytes are no structured value. Some raw values happen to be one.
IMMUDB_EXPORT Result<StructuredValue> DecodeStructured(std::string_view bytes);

struct StructuredKeyValue {
  std::string key;
  StructuredValue value;
};
struct StructuredItem {
  std::string key;
  StructuredValue value;
  LeafIndex index;
};
struct StructuredPage {
  std::vector<StructuredItem> items;
  bool more = false;
};

// What a user may do in a database. The numbers are those of the contract.
enum class UserPermission : uint32_t {
  kNone = 0,
  kRead = 1,
  kReadWrite = 2,
  kAdmin = 254,        // of one database
  kSystemAdmin = 255,  // of all of them; cannot be given
};

struct DatabasePermission {
  std::string database;
  UserPermission permission = UserPermission::kNone;
};

struct UserInfo {
  std::string name;
  std::vector<DatabasePermission> permissions;
  std::string created_by;
  std::string created_at;  // text, as "2020-08-29 10:11:12.123456789 +0000 UTC"
  bool active = false;
};

// A node of the server's tree, as PrintTree shows it.
struct TreeNode {
  std::string storage_key;  // 0x00, the layer, the index in the layer (u64 big-endian)
  Digest hash{};
  std::string key;      // of the entry; leaves only
  bool cached = false;  // held in memory rather than read from storage
  bool root = false;
};

// A stored record of a dump: a version of a key, a reference, a set member or a tree node.
struct DumpRecord {
  std::string key;
  std::string value;
  std::string user_meta;  // one byte: 00 value, 01 reference or set member, FF tree node
  uint64_t version = 0;   // index of the entry + 1; of a node: of the last entry below it
  // The record as a dump file holds it: there each one follows its length, a u32 little-endian.
  std::string serialised;
};

// Does this error say that the server failed to prove its answer? That is kDataLoss (a proof that
// leads elsewhere, a shrunken tree, or the server's own report of damage) and kInvalidArgument with
// "malformed proof: ..." (not a proof at all).
IMMUDB_EXPORT bool IsVerificationFailure(const Status& status);

// Thread-safe: any member may be called from any thread. Plain calls run side by side; Safe calls
// of one Client run one after the other, since each is proven from the root that the one before
// left. Several Clients and processes may share token file and root directory.
//
// Each RPC of the contract has a member of its name, with Structured for SV; but DatabaseList is
// ListDatabases, and ChangePermission is GrantPermission and RevokePermission.
//
// Errors: those of the server with its text; kUnavailable when it cannot be reached in time; and
// see IsVerificationFailure. Reads are repeated, with growing pauses, while the server is
// unavailable and the call's time lasts; writes are not, because the first one may have been done.
class IMMUDB_EXPORT Client {
 public:
  // Connects and waits until the server says that it is healthy. Loads the token, if there is one.
  // kUnavailable when that does not come about in time; the text has the reason, of TLS too.
  // kFailedPrecondition for a TLS file that cannot be used: one line with its option as the command
  // line names it (certificate, pkey, clientcas), file and reason.
  static Result<std::unique_ptr<Client>> Connect(const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The server's identity; empty if it does not publish one. Then this root directory MUST NOT be
  // used with different servers.
  const std::string& server_uuid() const;
  // The selected database as the token file knows it; empty before UseDatabase.
  std::string database() const;

  Result<ServerHealth> Health();

  // Starts a session and keeps its token. Returns the server's warning; usually empty.
  Result<std::string> Login(std::string_view user, std::string_view password);
  // Ends all sessions of the user, on every machine, and removes the token file.
  Status Logout();
  Status UseDatabase(std::string_view name);

  Result<LeafIndex> Set(std::string_view key, std::string_view value);
  // All or none; returns the index of the last. kInvalidArgument for an empty list.
  Result<LeafIndex> SetBatch(std::span<const KeyValue> entries);
  Result<LeafIndex> Reference(std::string_view name, std::string_view key);
  Result<LeafIndex> ZAdd(std::string_view set, double score, std::string_view key);

  Result<Item> Get(std::string_view key);
  // In the order of the keys; keys that do not exist are left out.
  Result<std::vector<Item>> GetBatch(std::span<const std::string> keys);
  // The entry as it was hashed.
  Result<Item> ByIndex(LeafIndex index);
  // All versions, newest first; empty for an unknown key. Asked for in pages if they are more than
  // a message holds; pages show the database as of different moments.
  Result<std::vector<Item>> History(std::string_view key);
  Result<std::vector<Item>> Scan(const ScanQuery& query);
  Result<std::vector<Item>> ZScan(const SetScanQuery& query);
  Result<ItemPage> IScan(uint64_t page_number, uint64_t page_size);  // page numbers start at 1
  Result<uint64_t> Count(std::string_view prefix);

  // Structured values: the calls above as the RPCs SetSV, SetBatchSV, GetSV ... IScanSV. A read
  // fails as a whole when one value is not structured; to read what may be mixed, read raw and
  // DecodeStructured().
  Result<LeafIndex> SetStructured(std::string_view key, const StructuredValue& value);
  Result<LeafIndex> SetBatchStructured(std::span<const StructuredKeyValue> entries);
  Result<StructuredItem> GetStructured(std::string_view key);
  Result<std::vector<StructuredItem>> GetBatchStructured(std::span<const std::string> keys);
  Result<StructuredItem> ByIndexStructured(LeafIndex index);
  Result<std::vector<StructuredItem>> HistoryStructured(std::string_view key);
  Result<std::vector<StructuredItem>> ScanStructured(const ScanQuery& query);
  Result<std::vector<StructuredItem>> ZScanStructured(const SetScanQuery& query);
  Result<StructuredPage> IScanStructured(uint64_t page_number, uint64_t page_size);

  // Verified calls. When the proof fails nothing new is trusted and the answer is not returned; it
  // is put into `*rejected` (if not null), for display only.
  Result<VerifiedItem> SafeSet(std::string_view key, std::string_view value,
                               VerifiedItem* rejected = nullptr);
  Result<VerifiedItem> SafeReference(std::string_view name, std::string_view key,
                                     VerifiedItem* rejected = nullptr);
  Result<VerifiedItem> SafeZAdd(std::string_view set, double score, std::string_view key,
                                VerifiedItem* rejected = nullptr);
  // A key other than the asked one is accepted only as the target of a reference; see KeyMatch.
  Result<VerifiedItem> SafeGet(std::string_view key, VerifiedItem* rejected = nullptr);
  Result<VerifiedItem> BySafeIndex(LeafIndex index, VerifiedItem* rejected = nullptr);
  // The same as SafeSetSV and SafeGetSV; the item's value is the bytes that were hashed, for
  // DecodeStructured(). Bytes that no encoder would write (but a decoder reads) take a second,
  // raw call.
  Result<VerifiedItem> SafeSetStructured(std::string_view key, const StructuredValue& value,
                                         VerifiedItem* rejected = nullptr);
  Result<VerifiedItem> SafeGetStructured(std::string_view key, VerifiedItem* rejected = nullptr);

  // A verified read of `key`, as a document that others can check without this server. With `from`
  // the document also proves that the tree continues that root, which its reader trusts. What is
  // proven is an entry: where `key` is a reference, that of its target.
  Result<ProofDocument> Prove(std::string_view key, const std::optional<TreeRoot>& from = {});

  // Users. What the caller may see and change, and the rules for names and passwords, are the
  // server's. Changing a user ends that user's sessions.
  Result<std::vector<UserInfo>> ListUsers();
  // An empty database stands for the default one while there is no other.
  Status CreateUser(std::string_view name, std::string_view password, UserPermission permission,
                    std::string_view database);
  // The old password counts for one's own and for the system administrator's.
  Status ChangePassword(std::string_view name, std::string_view old_password,
                        std::string_view new_password);
  // Replaces what the user had on this database.
  Status GrantPermission(std::string_view user, std::string_view database,
                         UserPermission permission);
  Status RevokePermission(std::string_view user, std::string_view database,
                          UserPermission permission);
  Status SetActiveUser(std::string_view user, bool active);

  Status CreateDatabase(std::string_view name);
  // Those that the user may use.
  Result<std::vector<std::string>> ListDatabases();

  // How the server is, for those who run it; more of it for the system administrator. None: the
  // server does not know the call, as that of 2020.
  Result<std::optional<ServerStatus>> QueryStatus();
  // The damage that was found in this database was seen to: the server serves it again.
  // kFailedPrecondition if none was found.
  Status ClearTamper(std::string_view database);

  // Written to the server's configuration file, for its next start.
  Status UpdateAuthConfig(bool password_required);
  Status UpdateMtlsConfig(bool enabled);

  // The whole tree, from the layer of the leaves to that of the root; none for an empty database.
  Result<std::vector<std::vector<TreeNode>>> PrintTree();
  // Streams every stored record of the selected database to `visit`, one after the other in the
  // calling thread. Its first error ends the dump and becomes the result; otherwise that is the
  // number of records. The call may take any time, but each part of the answer must arrive within
  // call_timeout. Not repeated.
  Result<uint64_t> Dump(const std::function<Status(const DumpRecord&)>& visit);

  // The server's word, unverified; none for an empty database.
  Result<std::optional<TreeRoot>> CurrentRoot();
  Result<InclusionAnswer> Inclusion(LeafIndex index);
  Result<ConsistencyAnswer> Consistency(LeafIndex first);
  // What this client trusts for the selected database; none before the first verified call.
  Result<std::optional<TreeRoot>> TrustedRoot() const;

 private:
  class IMMUDB_LOCAL Impl;
  IMMUDB_LOCAL explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
