// SPDX-License-Identifier: Apache-2.0
#include "immudb/proof_document.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "client/verdict.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using nlohmann::json;
using Names = std::initializer_list<const char*>;

constexpr char kFormat[] = "immudb-proof";
constexpr uint64_t kVersion = 1;

std::optional<Digest> DecodeHash(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); ++i) {
    const char* begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, digest[i], 16);
    if (error != std::errc() || end != begin + 2) return std::nullopt;
  }
  return digest;
}

nlohmann::ordered_json ToArray(const ProofPath& path) {
  auto array = nlohmann::ordered_json::array();
  for (const Digest& node : path) array.push_back(ToHex(node));
  return array;
}

// Reads fields one after the other; what is read after the first error is empty.
class Reader {
 public:
  const Status& status() const { return status_; }

  // The object must have all of `names` and, besides `optional`, no other.
  void Expect(const json& object, const std::string& where, Names names,
              const char* optional = "") {
    if (!object.is_object()) return Fail(where + " is not an object");
    for (const char* name : names) {
      if (!object.contains(name)) return Fail(Join(where, name) + " is missing");
    }
    for (const auto& [name, value] : object.items()) {
      const bool known = name == optional || std::ranges::find(names, name) != names.end();
      if (!known) return Fail(Join(where, name) + " is not known");
    }
  }

  uint64_t Number(const json& object, const std::string& where, const char* name) {
    const json* value = Find(object, name);
    if (value != nullptr && value->is_number_unsigned()) return value->get<uint64_t>();
    Fail(Join(where, name) + " is not a number from 0");
    return 0;
  }
  std::string Text(const json& object, const std::string& where, const char* name) {
    const json* value = Find(object, name);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    Fail(Join(where, name) + " is not a text");
    return {};
  }
  std::string Bytes(const json& object, const std::string& where, const char* name) {
    auto bytes = DecodeBase64(Text(object, where, name));
    if (bytes) return *std::move(bytes);
    Fail(Join(where, name) + " is not base64");
    return {};
  }
  Digest Hash(const json& object, const std::string& where, const char* name) {
    const auto hash = DecodeHash(Text(object, where, name));
    if (hash) return *hash;
    Fail(Join(where, name) + " is not a hash of 64 hexadecimal digits");
    return {};
  }
  TreeRoot Root(const json& object, const std::string& where) {
    const TreeRoot root{{Number(object, where, "at")}, Hash(object, where, "root")};
    if (status_.ok()) status_ = CheckLastLeaf(root.index);
    return root;
  }
  ProofPath Path(const json& object, const std::string& where, const char* name) {
    ProofPath path;
    const json* nodes = Find(object, name);
    if (nodes == nullptr || !nodes->is_array()) {
      Fail(Join(where, name) + " is not a list");
      return path;
    }
    for (const json& node : *nodes) {
      const auto hash = node.is_string() ? DecodeHash(node.get_ref<const std::string&>())
                                         : std::optional<Digest>();
      if (!hash) {
        Fail(Join(where, name) + " has a node that is not a hash of 64 hexadecimal digits");
        return path;
      }
      path.push_back(*hash);
    }
    return path;
  }

 private:
  static std::string Join(const std::string& where, const std::string& name) {
    return where.empty() ? name : where + '.' + name;
  }
  static const json* Find(const json& object, const char* name) {
    const auto it = object.find(name);  // the end, if it is no object
    return it == object.end() ? nullptr : &*it;
  }
  void Fail(const std::string& why) {
    if (status_.ok()) status_ = MalformedProof(why);
  }

  Status status_;
};

// A name given twice would mean one thing to us and another to the next reader.
Result<json> ParseJson(std::string_view text) {
  std::vector<std::set<std::string>> names;  // of the open objects
  std::string repeated;
  const auto watch = [&](int /*depth*/, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key && !names.back().insert(value).second) repeated = value;
    return true;
  };
  try {
    json document = json::parse(text, watch);
    if (!repeated.empty()) return MalformedProof(repeated + " is given twice");
    return document;
  } catch (const json::parse_error& error) {
    return MalformedProof("not JSON, at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {
    return MalformedProof("not JSON of a proof");
  }
}

}  // namespace

std::string ToJson(const ProofDocument& document) {
  nlohmann::ordered_json out;
  out["format"] = kFormat;
  out["version"] = kVersion;
  out["server"] = document.server_uuid;
  out["database"] = document.database;
  out["entry"] = {{"index", document.index.value},
                  {"key", EncodeBase64(document.key)},
                  {"value", EncodeBase64(document.value)},
                  {"leaf", ToHex(document.leaf)}};
  out["tree"] = {{"at", document.tree.index.value}, {"root", ToHex(document.tree.hash)}};
  out["inclusion"] = ToArray(document.inclusion);
  if (document.consistency) {
    const auto& [from, path] = *document.consistency;
    out["consistency"] = {
        {"at", from.index.value}, {"root", ToHex(from.hash)}, {"path", ToArray(path)}};
  }
  return out.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

Result<ProofDocument> ParseProofDocument(std::string_view text) {
  const auto parsed = ParseJson(text);
  IMMUDB_RETURN_IF_ERROR(parsed);
  const json& in = *parsed;
  if (!in.is_object() || in.value("format", json()) != kFormat) {
    return MalformedProof("no document of the format immudb-proof");
  }
  if (in.value("version", json()) != kVersion) {
    return MalformedProof("only version 1 of the format is known; the document has another");
  }
  Reader reader;
  reader.Expect(in, "", {"format", "version", "server", "database", "entry", "tree", "inclusion"},
                "consistency");
  IMMUDB_RETURN_IF_ERROR(reader.status());
  const json& entry = in["entry"];
  reader.Expect(entry, "entry", {"index", "key", "value", "leaf"});
  reader.Expect(in["tree"], "tree", {"at", "root"});

  ProofDocument document;
  document.server_uuid = reader.Text(in, "", "server");
  document.database = reader.Text(in, "", "database");
  document.index = {reader.Number(entry, "entry", "index")};
  document.key = reader.Bytes(entry, "entry", "key");
  document.value = reader.Bytes(entry, "entry", "value");
  document.leaf = reader.Hash(entry, "entry", "leaf");
  document.tree = reader.Root(in["tree"], "tree");
  document.inclusion = reader.Path(in, "", "inclusion");
  if (in.contains("consistency")) {
    const json& consistency = in["consistency"];
    reader.Expect(consistency, "consistency", {"at", "root", "path"});
    document.consistency = {reader.Root(consistency, "consistency"),
                            reader.Path(consistency, "consistency", "path")};
  }
  IMMUDB_RETURN_IF_ERROR(reader.status());
  return document;
}

Status CheckProofDocument(const ProofDocument& document, const std::optional<TreeRoot>& expected) {
  const auto& [index, hash] = document.tree;
  IMMUDB_RETURN_IF_ERROR(CheckLastLeaf(index));
  const TreeSize size = TreeEndingAt(index);
  const Digest leaf = LeafDigest(document.index, document.key, document.value);
  if (leaf != document.leaf) {
    return VerificationFailed("the leaf is not that of the entry: key, value or index was changed");
  }
  IMMUDB_RETURN_IF_ERROR(
      Judge(VerifyInclusion(document.index, size, leaf, document.inclusion, hash)));
  if (document.consistency) {
    const auto& [from, path] = *document.consistency;
    IMMUDB_RETURN_IF_ERROR(CheckLastLeaf(from.index));
    IMMUDB_RETURN_IF_ERROR(
        Judge(VerifyConsistency(TreeEndingAt(from.index), from.hash, size, hash, path)));
  }
  if (!expected) return Status::Ok();

  const std::string at = std::to_string(expected->index.value);
  const bool same_tree = expected->index == index;
  const bool from_there =
      document.consistency && document.consistency->from.index == expected->index;
  if (!same_tree && !from_there) {
    return Status::FailedPrecondition("the document is about the tree at index " +
                                      std::to_string(index.value) +
                                      " and says nothing about the expected one at index " + at +
                                      "; have one made that starts from the expected root");
  }
  const Digest& shown = same_tree ? hash : document.consistency->from.hash;
  if (shown == expected->hash) return Status::Ok();
  return VerificationFailed("the root at index " + at + " is another than the expected one");
}

std::string ToText(const TreeRoot& root) {
  return std::to_string(root.index.value) + ':' + ToHex(root.hash);
}

Result<TreeRoot> ParseTreeRoot(std::string_view text) {
  const auto wrong = [] {
    return Status::InvalidArgument(
        "not a root: expected its last index, a colon and its hash of 64 hexadecimal digits");
  };
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return wrong();
  TreeRoot root;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, root.index.value);
  const auto hash = DecodeHash(text.substr(colon + 1));
  if (error != std::errc() || end != text.data() + colon || !hash) return wrong();
  root.hash = *hash;
  IMMUDB_RETURN_IF_ERROR(CheckLastLeaf(root.index));
  return root;
}

}  // namespace immudb
