// SPDX-License-Identifier: Apache-2.0
#include "index/error_listener.h"

#include <rocksdb/listener.h>
#include <rocksdb/status.h>

namespace immudb {
namespace {

class ErrorListener final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    if (error->IsIOError() && error->severity() > rocksdb::Status::kHardError) {
      *error = rocksdb::Status(*error, rocksdb::Status::kHardError);
    }
  }
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> MakeErrorListener() {
  return std::make_shared<ErrorListener>();
}

}  // namespace immudb
