// SPDX-License-Identifier: Apache-2.0
#include "client/root_store.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "client/proof_check.h"
#include "schema.pb.h"

namespace immudb {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxUuidBytes = 64;
constexpr std::chrono::seconds kLockPatience{20};
constexpr std::chrono::milliseconds kLockPause{2};

std::string Encode(const TreeRoot& root) {
  schema::Root message;
  message.set_index(root.index.value);
  message.set_root(std::string(AsBytes(root.hash)));
  return EncodeBase64(message.SerializeAsString());
}

// The outer nullopt: not a root. The inner one: the root of an empty database, which is none.
std::optional<std::optional<TreeRoot>> Decode(std::string_view text) {
  const auto bytes = DecodeBase64(text);
  schema::Root message;
  if (!bytes || !message.ParseFromString(*bytes)) return std::nullopt;
  if (message.root().empty() && message.index() == 0) return std::optional<TreeRoot>();
  const auto hash = ToDigest(message.root());
  if (!hash) return std::nullopt;
  return std::optional(TreeRoot{{message.index()}, *hash});
}

}  // namespace

RootStore::RootStore(FileSystem& fs, std::string directory, std::string_view uuid)
    : fs_(fs),
      directory_(directory.empty() ? "." : std::move(directory)),
      path_(JoinPath(directory_, ".root-" + std::string(uuid))),
      lock_path_(path_ + ".lock") {}

RootStore::RootStore(FileSystem& fs, Files files)
    : fs_(fs),
      directory_(std::move(files.directory)),
      path_(std::move(files.roots)),
      lock_path_(std::move(files.lock)) {}

bool RootStore::IsSafeUuid(std::string_view uuid) {
  return uuid.size() <= kMaxUuidBytes && std::ranges::all_of(uuid, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_';
         });
}

Result<RootStore::Roots> RootStore::LoadAll() const {
  const auto content = ReadFile(fs_, path_);
  if (content.status().code() == StatusCode::kNotFound) return Roots();
  IMMUDB_RETURN_IF_ERROR(content);
  Roots roots;
  std::string_view rest = *content;
  for (int number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto colon = line.rfind(':');  // base64 has none
    const auto root =
        colon == std::string_view::npos ? std::nullopt : Decode(line.substr(colon + 1));
    if (!root) {
      return Status::IoError(path_ + ": line " + std::to_string(number) +
                             " is not a root; remove the file to trust the server anew");
    }
    roots.emplace(line.substr(0, colon), *root);  // the first line of a database counts
  }
  return roots;
}

Result<std::optional<TreeRoot>> RootStore::Load(std::string_view database) const {
  const auto roots = LoadAll();
  IMMUDB_RETURN_IF_ERROR(roots);
  const auto it = roots->find(database);
  return it == roots->end() ? std::nullopt : it->second;
}

Result<std::vector<std::string>> RootStore::Databases() const {
  const auto roots = LoadAll();
  IMMUDB_RETURN_IF_ERROR(roots);
  std::vector<std::string> names;
  for (const auto& [name, root] : *roots) names.push_back(name);
  return names;
}

Result<RootStore::Lock> RootStore::Acquire() const {
  IMMUDB_RETURN_IF_ERROR(fs_.CreateDirectory(directory_));
  const auto deadline = steady_clock::now() + kLockPatience;
  for (;;) {
    auto lock = fs_.Lock(lock_path_);
    if (lock.ok()) return Lock(*this, *std::move(lock));
    if (lock.status().code() != StatusCode::kFailedPrecondition) return lock.status();
    if (steady_clock::now() >= deadline) {
      return Status::Unavailable(path_ + " is kept locked by another process");
    }
    std::this_thread::sleep_for(kLockPause);
  }
}

Result<std::optional<TreeRoot>> RootStore::Lock::Load(std::string_view database) const {
  return store_.Load(database);
}

Status RootStore::Lock::Save(std::string_view database, const TreeRoot& root) const {
  auto roots = store_.LoadAll();
  IMMUDB_RETURN_IF_ERROR(roots);
  roots->insert_or_assign(std::string(database), root);
  std::string content;
  for (const auto& [name, known] : *roots) {
    content += name + ':' + (known ? Encode(*known) : "") + '\n';
  }
  return ReplaceFile(store_.fs_, store_.path_, content);
}

}  // namespace immudb
