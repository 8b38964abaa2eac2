// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace immudb {

// Compresses to a descriptor, as one zstd frame that ends with a checksum of its content
// (libarchive writes none, so that changed bytes between the files of an archive would not be
// noticed). Not thread-safe; the descriptor stays open.
class ZstdWriter {
 public:
  explicit ZstdWriter(int descriptor);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  // 0, or the errno of what failed.
  int Write(std::string_view bytes);
  int Finish();

 private:
  struct Context;
  int Compress(std::string_view bytes, bool last);
  int Flush(size_t bytes);

  const int descriptor_;
  std::unique_ptr<Context> context_;
  std::string buffer_;
};

}  // namespace immudb
