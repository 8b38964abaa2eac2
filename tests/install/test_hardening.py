# SPDX-License-Identifier: Apache-2.0
"""What is installed has the protections that cmake/toolchain.cmake asks for: read from
the ELF files, since a flag on a command line says nothing about what the linker made of it."""
import os
import platform
import re
import subprocess

import pytest

PROGRAMS = ["immudb", "immuclient", "immuadmin"]
LIBRARIES = ["libimmudb_verify.so", "libimmudb_store.so", "libimmudb_client.so"]
ENDBR = {"x86_64": b"\xf3\x0f\x1e\xfa", "i686": b"\xf3\x0f\x1e\xfb"}


def readelf(path, *flags):
    return subprocess.run(["readelf", "-W", *flags, path], check=True, capture_output=True,
                          text=True).stdout


def imports(path):
    return set(re.findall(r" UND (\w+)", readelf(path, "--dyn-syms")))


@pytest.fixture(params=PROGRAMS + LIBRARIES)
def binary(request, prefix, libdir):
    folder = libdir if request.param in LIBRARIES else prefix / "bin"
    return (folder / request.param).resolve()


def test_the_table_of_addresses_is_read_only_once_it_is_filled(binary):
    assert "GNU_RELRO" in readelf(binary, "-l")
    assert re.search(r"\(FLAGS_1\).*\bNOW\b", readelf(binary, "-d"))


def test_the_stack_is_not_executable(binary):
    stack = re.search(r"GNU_STACK .* ([R ][W ][E ]) +0x", readelf(binary, "-l"))
    assert stack and "E" not in stack[1]


def test_no_segment_is_both_writable_and_executable(binary):
    flags = re.findall(r"^ +LOAD .* ([R ][W ][E ]) +0x", readelf(binary, "-l"), re.MULTILINE)
    assert flags and not any("W" in flag and "E" in flag for flag in flags)


def test_programs_are_loaded_at_a_random_address(binary):
    assert re.search(r"Type: +DYN ", readelf(binary, "-h"))
    if binary.name in PROGRAMS:
        assert re.search(r"\(FLAGS_1\).*\bPIE\b", readelf(binary, "-d"))


def test_overwritten_return_addresses_are_noticed(binary):
    assert "__stack_chk_fail" in imports(binary)


# The others have no copy into a buffer of known size that the compiler leaves to be checked.
@pytest.mark.skipif(os.environ["IMMUDB_BUILD_TYPE"] == "Debug",
                    reason="_FORTIFY_SOURCE needs optimisation")
@pytest.mark.parametrize("binary", PROGRAMS + ["libimmudb_store.so"], indirect=True)
def test_copies_into_buffers_of_known_size_are_checked(binary):
    checked = imports(binary) - {"__stack_chk_fail"}
    assert any(re.fullmatch(r"__\w+_chk", name) for name in checked)


def file_offset(path, address):
    for offset, start, size in re.findall(r"^ +LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) ",
                                          readelf(path, "-l"), re.MULTILINE):
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            return int(offset, 16) + address - int(start, 16)
    raise AssertionError(f"{path}: nothing is loaded at {address:#x}")


# Debian's startup files are not marked, so that the linker leaves out the note that would switch it
# on: the code is looked at instead.
@pytest.mark.skipif(platform.machine() not in ENDBR, reason="-fcf-protection is of x86")
def test_indirect_calls_end_at_marked_places(binary):
    wanted = r"main" if binary.name in PROGRAMS else r"\S+@@IMMUDB\S+"
    functions = re.findall(rf"(\w+) +\d+ FUNC +\w+ +\w+ +\d+ {wanted}$",
                           readelf(binary, "-s"), re.MULTILINE)
    assert functions
    content, mark = binary.read_bytes(), ENDBR[platform.machine()]
    for address in functions:
        assert content.startswith(mark, file_offset(binary, int(address, 16)))
