# Compiler flags, sanitizers, and the build accelerators that are used when present.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Neither place nor locale is hashed: other checkouts and image builds find the same objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_SLOPPINESS=locale ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--as-needed)

# What our own code is held to.
add_library(immudb_warnings INTERFACE)
target_compile_options(immudb_warnings INTERFACE -Wall -Wextra -Wpedantic -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Wrong about `"text" + string` at -O3 (GCC bug 105651).
  target_compile_options(immudb_warnings INTERFACE -Wno-restrict)
endif()

if(IMMUDB_SANITIZER)
  add_compile_options(-fsanitize=${IMMUDB_SANITIZER} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${IMMUDB_SANITIZER})
endif()

# Hardening of everything that is linked here; tests/install/test_hardening.py reads it back from the
# files. Sanitizers have checks of their own, which these would hide.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(NOT IMMUDB_SANITIZER)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  # glibc warns about it without optimisation. Undefined first: some compilers define it themselves.
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
    add_compile_options(-fcf-protection)
  endif()
endif()

# immudb_hide_symbols(TARGET): of what may become part of a shared library only what is marked
# IMMUDB_EXPORT shows outside of it.
function(immudb_hide_symbols target)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# immudb_floor(NAME SOURCES... LINKS...): one static library with the project's flags.
function(immudb_floor name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  immudb_hide_symbols(${name})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} immudb_warnings)
endfunction()
