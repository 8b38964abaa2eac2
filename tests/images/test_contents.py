# SPDX-License-Identifier: Apache-2.0
"""What is in the images, and what is not."""
import json
import os
import re

import pytest

from buildah import SOURCE
from conftest import IMAGES

PROGRAMS = {"immudb": {"immudb", "immuadmin", "immuclient"},
            "immuclient": {"immuclient"},
            "immuadmin": {"immuadmin"}}
PORTS = {"immudb": {"3322/tcp", "9497/tcp"}, "immuclient": {"9477/tcp"}, "immuadmin": set()}
BUILD_TOOLS = re.compile(r"(.*-)?(g\+\+|gcc|c\+\+|cc1plus|cmake|ninja|ccache|make|mold|ld|protoc)"
                         r"(-[0-9.]+)?$")


def files_of(root):
    for folder, _, names in os.walk(root):
        for name in names:
            yield os.path.join(folder, name)


@pytest.fixture(params=IMAGES)
def name(request):
    return request.param


def test_configuration(images, name, version):
    config = images[name]["Docker"]["config"]
    assert config["User"] == "3322:3322"
    assert config["Entrypoint"] == [f"/usr/local/bin/{name}"], "a shell would swallow SIGTERM"
    assert not config.get("Cmd")
    assert set(config["Volumes"]) == {f"/var/lib/{name}"}
    assert config["WorkingDir"] == f"/var/lib/{name}"
    assert set(config.get("ExposedPorts") or {}) == PORTS[name]
    assert config["Labels"]["org.opencontainers.image.version"] == version
    assert ("Healthcheck" in config) == (name == "immudb")


def test_the_environment_sets_places_and_no_options(images, name):
    variables = dict(entry.split("=", 1) for entry in images[name]["Docker"]["config"]["Env"])
    del variables["PATH"]
    expected = {"HOME": f"/var/lib/{name}"}
    if name == "immudb":
        expected["IMMUDB_DIR"] = "/var/lib/immudb"
    assert variables == expected


def test_no_secrets(images, roots, name):
    assert "PASSWORD" not in json.dumps(images[name]).upper()
    for path in files_of(roots[name]):
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                beginning = file.read(64)
            private = beginning.startswith(b"-----BEGIN") and b"PRIVATE KEY" in beginning
            assert not private, f"{path} is a private key"


def test_programs_and_no_tools(roots, name, version, launch):
    assert set(os.listdir(roots[name] / "usr/local/bin")) == PROGRAMS[name]
    code, out, err = launch(name).run("version")
    assert (code, err) == (0, "")
    assert out.startswith(f"{name} {version}\n")
    for folder in ("src", "image", "ccache"):
        assert not (roots[name] / folder).exists() or not os.listdir(roots[name] / folder)
    tools = [path for path in files_of(roots[name]) if BUILD_TOOLS.fullmatch(os.path.basename(path))
             and os.access(path, os.X_OK)]
    assert not tools
    status = (roots[name] / "var/lib/dpkg/status").read_text()
    assert not re.findall(r"^Package: (.*-dev)$", status, re.MULTILINE)


def test_the_volume_belongs_to_the_user(roots, name):
    found = os.stat(roots[name] / "var/lib" / name)
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (3322, 3322, 0o750)
    passwd = (roots[name] / "etc/passwd").read_text()
    assert f"\nimmu:x:3322:3322::/var/lib/{name}:/usr/sbin/nologin\n" in passwd


def test_the_files_share_their_first_stages():
    texts = [path.read_text() for path in (SOURCE / "docker").glob("Dockerfile*")]
    stages = {text[text.index("\nFROM"):text.rindex("\nFROM")] for text in texts}
    assert len(texts) == len(IMAGES)
    assert len(stages) == 1, "else the programs are compiled again for each image"
