// SPDX-License-Identifier: Apache-2.0
#include "backup/zstd_writer.h"

#include <unistd.h>
#include <zstd.h>

#include <cerrno>

namespace immudb {

struct ZstdWriter::Context {
  Context() : zstd(ZSTD_createCCtx()) {
    if (zstd != nullptr) ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  }
  ~Context() { ZSTD_freeCCtx(zstd); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ZSTD_CCtx* zstd;
};

ZstdWriter::ZstdWriter(int descriptor)
    : descriptor_(descriptor),
      context_(std::make_unique<Context>()),
      buffer_(ZSTD_CStreamOutSize(), '\0') {}
ZstdWriter::~ZstdWriter() = default;

int ZstdWriter::Write(std::string_view bytes) {
  return Compress(bytes, false);
}
int ZstdWriter::Finish() {
  return Compress({}, true);
}

int ZstdWriter::Compress(std::string_view bytes, bool last) {
  if (context_->zstd == nullptr) return ENOMEM;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const size_t left =
        ZSTD_compressStream2(context_->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) return EIO;
    if (const int error = Flush(out.pos); error != 0) return error;
    if (last ? left == 0 : in.pos == in.size) return 0;
  }
}

int ZstdWriter::Flush(size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    const ssize_t written = ::write(descriptor_, buffer_.data() + done, bytes - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    done += static_cast<size_t>(written);
  }
  return 0;
}

}  // namespace immudb
