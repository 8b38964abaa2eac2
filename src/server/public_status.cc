// SPDX-License-Identifier: Apache-2.0
#include "server/public_status.h"

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "database/database.h"
#include "server/server.h"

namespace immudb {
namespace {

bool IsPartOfName(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

// "./data" is in "write ./data/defaultdb/tree" and not in "read ./database".
bool NamesDirectory(std::string_view text, std::string_view directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  if (directory.empty()) return false;
  for (size_t at = text.find(directory); at != std::string_view::npos;
       at = text.find(directory, at + 1)) {
    const std::string_view rest = text.substr(at + directory.size());
    if (directory == "/" || rest.empty() || !IsPartOfName(rest.front())) return true;
  }
  return false;
}

std::string_view KindOf(StatusCode code) {
  switch (code) {
    case StatusCode::kDataLoss:
      return "stored data is damaged";
    case StatusCode::kResourceExhausted:
      return "the disk is full; writes succeed again when there is room";
    case StatusCode::kNotFound:
      return "a file is missing";
    case StatusCode::kUnavailable:
      return "not available now";
    default:
      return "a file of the server cannot be read or written";
  }
}

}  // namespace

bool NamesFiles(const Status& status, const CallContext& call) {
  if (status.ok()) return false;
  if (status.code() == StatusCode::kIoError) return true;
  return call.services != nullptr &&
         NamesDirectory(status.message(), call.services->options.directory);
}

Status PublicStatus(const Status& status, const CallContext& call) {
  if (!NamesFiles(status, call)) return status;
  std::string text;
  if (call.database != nullptr) text = "database " + call.database->name() + ": ";
  text.append(KindOf(status.code())).append(" (the server's log says where)");
  return {status.code(), std::move(text)};
}

}  // namespace immudb
