// SPDX-License-Identifier: Apache-2.0
//
// Backups as tar archives: to and from files and streams. The only code that knows libarchive.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "backup/backup_sink.h"
#include "backup/manifest.h"
#include "base/file_system.h"
#include "immudb/status.h"

namespace immudb {

// "a.tar.zst", "a.tar.gz" and "a.tar" are archives.
bool IsArchiveName(std::string_view path);

// A file, which must not exist (kAlreadyExists); compressed as its name says.
Result<std::unique_ptr<BackupSink>> ArchiveSink(const std::string& path);
// A stream of tar.zst to this descriptor, which stays open.
Result<std::unique_ptr<BackupSink>> StreamSink(int descriptor);

// Unpacks an archive (of any compression above) from the file or the descriptor into `directory`,
// which must be new. Only regular files that its manifest names, of the size that it says, are
// taken: kDataLoss for anything else. kResourceExhausted before anything is unpacked if there is
// not twice the room for it. Logs are read while they are unpacked, which ends with the first frame
// that is damaged; their entries and the SHA-256 of the files are not checked here.
Status UnpackArchive(const std::string& path, FileSystem& fs, const std::string& directory);
Status UnpackStream(int descriptor, FileSystem& fs, const std::string& directory);

// Only the manifest, with which every archive begins.
Result<Manifest> ReadArchiveManifest(const std::string& path);

}  // namespace immudb
