// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace immudb {

// What gRPC and protobuf have to say (failed handshakes, for example) goes to our log, for the
// whole process, instead of in a form of their own to standard error. What they call an error is a
// warning: it stands for one connection or one call.
//
// Anybody who can connect causes such lines and chooses bytes of them. So each is one line of plain
// ASCII, at most kMaxLibraryLine bytes of it are kept, and more than a burst of
// kLibraryLinesAtOnce lines and one a second after it is counted, not written.
void RouteLibraryLogs();

inline constexpr unsigned kMaxLibraryLine = 512;
inline constexpr unsigned kLibraryLinesAtOnce = 20;

}  // namespace immudb
