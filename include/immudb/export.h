// SPDX-License-Identifier: Apache-2.0
//
// What the shared libraries show. All of them is compiled with hidden symbols; a class or function
// that stands in a header of this folder and is not defined in it is marked IMMUDB_EXPORT, or
// nobody else can link it. IMMUDB_LOCAL takes a member of an exported class back.
#pragma once

#define IMMUDB_EXPORT [[gnu::visibility("default")]]
#define IMMUDB_LOCAL [[gnu::visibility("hidden")]]
