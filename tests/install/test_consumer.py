# SPDX-License-Identifier: Apache-2.0
"""tests/consumer, built against the installed tree as somebody else would, and run."""
import json
import os
import re
import shutil
import subprocess

import pytest
from harness.daemon import Daemon
from public_api import dynamic

PROGRAMS = {"verifier": ["verify"], "embedded": ["store"], "client": ["client"],
            "mirror": ["store", "client"]}
RUNTIME = {"libstdc++.so", "libm.so", "libgcc_s.so", "libc.so"}


def run(command, **settings):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, **settings)


def checked(command, **settings):
    ran = run(command, **settings)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def launcher():
    return [word for word in os.environ["IMMUDB_CXX_LAUNCHER"].split("|") if word]


def build_with_cmake(project, prefix, folder):
    cmake = os.environ["IMMUDB_CMAKE"]
    checked([cmake, "-S", project, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}",
             f"-DCMAKE_CXX_COMPILER={os.environ['IMMUDB_CXX']}",
             f"-DCMAKE_CXX_COMPILER_LAUNCHER={';'.join(launcher())}"])
    checked([cmake, "--build", folder, "--parallel", "2"])


def build_with_pkg_config(consumer, libdir, folder):
    folder.mkdir()
    environment = os.environ | {"PKG_CONFIG_PATH": str(libdir / "pkgconfig")}
    compiler = [*launcher(), os.environ["IMMUDB_CXX"]]
    for name, components in PROGRAMS.items():
        packages = [f"immudb-{component}" for component in components]
        compile_flags, link_flags = (
            checked(["pkg-config", kind, *packages], env=environment).split()
            for kind in ("--cflags", "--libs"))
        checked([*compiler, "-std=c++20", *compile_flags, "-c", consumer / f"{name}.cc",
                 "-o", folder / f"{name}.o"])
        checked([os.environ["IMMUDB_CXX"], folder / f"{name}.o", "-o", folder / name, *link_flags])


@pytest.fixture(scope="module", params=["cmake", "pkg-config"])
def start(request, root, prefix, libdir, tmp_path_factory):
    """start(program, arguments, folder) runs a program of the consumer."""
    programs = tmp_path_factory.mktemp("consumer") / "build"
    environment = {name: value for name, value in os.environ.items()
                   if name != "LD_LIBRARY_PATH" and "proxy" not in name.lower()}
    if request.param == "cmake":
        build_with_cmake(root / "tests/consumer", prefix, programs)
    else:
        build_with_pkg_config(root / "tests/consumer", libdir, programs)
        environment["LD_LIBRARY_PATH"] = str(libdir)  # CMake notes the place in what it builds

    def program(name, *arguments, folder):
        return run([programs / name, *arguments], cwd=folder,
                   env=environment | {"HOME": str(folder)})

    program.path = programs
    program.environment = environment
    return program


def test_a_store_in_the_own_process(start, tmp_path):
    for index in (1, 4):  # a second run finds what the first one wrote
        ran = start("embedded", "invoices", folder=tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == f"paid 120.00 EUR, proven at index {index}\n"


def test_a_client_writes_a_verifier_checks_a_mirror_agrees(start, tmp_path):
    with Daemon(tmp_path / "server") as daemon:
        for _ in range(2):
            written = start("client", daemon.port, folder=tmp_path)
            assert written.returncode == 0, written.stderr
        mirrored = start("mirror", daemon.port, "copy", folder=tmp_path)
        assert mirrored.stdout == "2 entries, the same root\n", mirrored.stderr
    proof, root = tmp_path / "proof.json", written.stderr.strip()
    proof.write_text(written.stdout)

    # The server is gone: nobody needs it any more.
    sound = start("verifier", proof, root, folder=tmp_path)
    assert sound.returncode == 0, sound.stderr
    assert sound.stdout == "invoice-17 = paid 120.00 EUR, proven at index 1\n"

    document = json.loads(written.stdout)
    document["entry"]["value"] = "cGFpZCA5OTkuMDAgRVVS"  # paid 999.00 EUR
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(document))
    other_root = root[:-1] + ("0" if root[-1] != "0" else "1")
    for arguments in ((forged, root), (proof, other_root)):
        refused = start("verifier", *arguments, folder=tmp_path)
        assert refused.returncode == 3 and refused.stdout == ""
        assert refused.stderr.startswith("DataLoss: verification failed")


def test_the_verifier_loads_libcrypto_and_nothing_else_of_weight(start):
    loaded = checked(["ldd", start.path / "verifier"], env=start.environment)
    assert "not found" not in loaded
    names = {re.sub(r"\.so\..*", ".so", line.split()[0].rsplit("/", 1)[-1])
             for line in loaded.splitlines()}
    assert names - {"linux-vdso.so"} <= RUNTIME | {
        "libimmudb_verify.so", "libcrypto.so", "ld-linux-x86-64.so", "ld-linux-aarch64.so"}
    needed = {re.sub(r"\.so\..*", ".so", entry)
              for entry in dynamic(start.path / "verifier", "NEEDED")}
    assert needed - RUNTIME == {"libimmudb_verify.so"}


def test_what_the_readme_says_builds(root, prefix, libdir, tmp_path):
    section = (root / "README.md").read_text().split("\n## Use as a library\n", 1)[1]
    project, = re.findall(r"```cmake\n(.*?)```", section.split("\n## ", 1)[0], re.DOTALL)
    command, = re.findall(r"```sh\n(.*?)```", section.split("\n## ", 1)[0], re.DOTALL)
    shutil.copy(root / "tests/client/example.cc", tmp_path / "app.cc")

    checked(["bash", "-c", command], cwd=tmp_path,
            env=os.environ | {"PKG_CONFIG_PATH": str(libdir / "pkgconfig")})
    assert "libimmudb_client.so" in " ".join(dynamic(tmp_path / "app", "NEEDED"))

    find, link = project.splitlines()
    (tmp_path / "CMakeLists.txt").write_text("\n".join([
        "cmake_minimum_required(VERSION 3.25)", "project(app LANGUAGES CXX)", find,
        "add_executable(app app.cc)", link]))
    build_with_cmake(tmp_path, prefix, tmp_path / "build")
    assert "libimmudb_client.so" in " ".join(dynamic(tmp_path / "build/app", "NEEDED"))
