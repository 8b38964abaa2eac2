// SPDX-License-Identifier: Apache-2.0
#include "index/guarded_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "index/table_file.h"
#include "index/table_tail.h"

namespace immudb {
namespace {

class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  GuardedFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "immudb.guarded"; }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override {
    if (!std::string_view(path).ends_with(".sst")) {
      return FileSystemWrapper::NewRandomAccessFile(path, options, file, debug);
    }
    rocksdb::IOStatus opened = OpenTableFile(path, file);
    if (!opened.ok()) return opened;
    uint64_t bytes = 0;
    rocksdb::IOStatus checked = GetFileSize(path, options.io_options, &bytes, debug);
    const auto damage =
        DamageOfTableTail(bytes, [&](uint64_t offset, size_t count) -> std::optional<std::string> {
          std::string read(count, '\0');
          rocksdb::Slice got;
          if (!checked.ok()) return std::nullopt;
          checked = (*file)->Read(offset, count, options.io_options, &got, read.data(), debug);
          if (!checked.ok() || got.size() != count) return std::nullopt;
          if (got.data() != read.data()) read.assign(got.data(), count);
          return read;
        });
    // What cannot be read now is not damaged.
    if (checked.ok() && damage) checked = rocksdb::IOStatus::Corruption(path, *damage);
    if (!checked.ok()) file->reset();
    return checked;
  }
};

}  // namespace

rocksdb::Env* GuardedEnv() {
  // Never destroyed: the background threads of RocksDB may outlive main().
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<GuardedFileSystem>()).release();
  return env;
}

}  // namespace immudb
