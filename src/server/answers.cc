// SPDX-License-Identifier: Apache-2.0
#include "server/answers.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace immudb {

Status FillItem(Entry&& entry, schema::Item& item) {
  item.set_index(entry.index.value);
  item.set_key(std::move(entry.key));
  item.set_value(std::move(entry.value));
  return Status::Ok();
}

Status FillItem(Entry&& entry, schema::StructuredItem& item) {
  item.set_index(entry.index.value);
  item.set_key(std::move(entry.key));
  if (item.mutable_value()->ParseFromString(entry.value)) return Status::Ok();
  return Status::Unknown("proto: the value is not a structured value");
}

Result<std::string> SerialisedContent(const schema::StructuredKeyValue& kv) {
  if (!kv.has_value()) return Status::InvalidArgument("proto: Marshal called with nil");
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  if (!kv.value().SerializeToCodedStream(&out)) return Status::Internal("cannot serialise Content");
  out.Trim();
  return bytes;
}

Status CheckRootIndex(const schema::Index& root_index, TreeSize size) {
  if (!size.empty() && !size.Contains({root_index.index()})) {
    return Status::InvalidArgument("invalid root index");
  }
  return Status::Ok();
}

Status FillProof(const Snapshot& snapshot, LeafIndex index, LeafIndex trusted,
                 schema::Proof& proof) {
  const auto leaf = snapshot.Leaf(index);
  IMMUDB_RETURN_IF_ERROR(leaf);
  const auto inclusion = snapshot.InclusionProof(index);
  IMMUDB_RETURN_IF_ERROR(inclusion);
  const auto consistency = snapshot.ConsistencyProof(TreeEndingAt(trusted));
  IMMUDB_RETURN_IF_ERROR(consistency);
  proof.set_leaf(leaf->data(), leaf->size());
  proof.set_index(index.value);
  proof.set_root(snapshot.root().data(), snapshot.root().size());
  proof.set_at(snapshot.size().Last().value);
  FillPath(*inclusion, *proof.mutable_inclusionpath());
  FillPath(*consistency, *proof.mutable_consistencypath());
  return Status::Ok();
}

}  // namespace immudb
