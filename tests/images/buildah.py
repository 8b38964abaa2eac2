# SPDX-License-Identifier: Apache-2.0
"""Buildah with a store of its own, and the base image that the tests build on."""
import json
import os
import shutil
import subprocess
from pathlib import Path

BASE = "localhost/bookworm-base"
SOURCE = Path(__file__).resolve().parents[2]

# What bookworm-slim leaves out as well, and no sync for each file: the system is thrown away.
DPKG = ["force-unsafe-io",
        *(f"path-exclude=/usr/share/{kind}/*" for kind in ("doc", "info", "locale", "man"))]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def _apt_settings():
    """How this machine reaches its mirrors: proxies, certificates, checks."""
    lines = subprocess.run(["apt-config", "dump", "--no-empty"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    wanted = ("Acquire::http", "Acquire::ftp", "Acquire::Check-", "Acquire::Retries")
    return [line for line in lines if line.startswith(wanted)] + ['Acquire::Languages "none";']


def base_archive(work, environment):
    """A tar file of a small Debian 12; made again when the mirrors change."""
    archive, made_of = work / "base.tar", work / "base.sources"
    sources = (work / "base.sources.new").read_text()
    if archive.exists() and made_of.exists() and made_of.read_text() == sources:
        return archive
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=tar"]
    command += [f"--dpkgopt={option}" for option in DPKG]
    command += [f"--aptopt={setting}" for setting in _apt_settings()]
    if " https:" in sources:
        command += ['--customize-hook=mkdir -p "$1/etc/ssl/certs"',
                    f"--customize-hook=copy-in {CERTIFICATES} /etc/ssl/certs/"]
    made_of.unlink(missing_ok=True)
    with (work / "base.log").open("w") as log:
        subprocess.run([*command, "bookworm", str(archive), "-"], check=True, text=True,
                       input=sources, stdout=log, stderr=subprocess.STDOUT, env=environment)
    made_of.write_text(sources)
    return archive


def _storage_driver(folder):
    """Overlays where the kernel has them; else each layer is a copy of the whole."""
    layers = [folder / name for name in ("lower", "upper", "work", "merged")]
    for layer in layers:
        layer.mkdir()
    options = "lowerdir={},upperdir={},workdir={}".format(*layers)
    mounted = subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", layers[3]],
                             stderr=subprocess.DEVNULL).returncode == 0
    if mounted:
        subprocess.run(["umount", layers[3]], check=True)
    for layer in layers:
        shutil.rmtree(layer)
    return "overlay" if mounted else "vfs"


class Buildah:
    """Everything that it stores is below `folder`, and goes with it."""

    def __init__(self, folder):
        self.folder = folder
        if folder.exists():  # of a run that was killed; its mounts ended with its namespace
            shutil.rmtree(folder)
        (folder / "tmp").mkdir(parents=True)
        config = folder / "storage.conf"
        driver = _storage_driver(folder / "tmp")
        config.write_text(f'[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/graph"\n'
                          f'runroot = "{folder}/run"\n')
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(config),
                            "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder / "tmp")}
        self.environment.pop("STORAGE_DRIVER", None)

    def __call__(self, *arguments):
        return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True,
                              env=self.environment).stdout.strip()

    def import_base(self, archive):
        container = self("from", "scratch")
        self("add", "--quiet", container, str(archive), "/")
        self("commit", "--quiet", "--rm", container, BASE)

    def build_all(self, log):
        """What a user does who has no engine."""
        environment = {**self.environment, "BUILDER": "buildah", "BASE": BASE}
        if shutil.which("ccache"):
            environment["CCACHE"] = subprocess.run(
                ["ccache", "--get-config", "cache_dir"], check=True, capture_output=True,
                text=True).stdout.strip()
        with log.open("w") as out:
            done = subprocess.run([SOURCE / "docker/build.sh"], env=environment, stdout=out,
                                  stderr=subprocess.STDOUT)
        end = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
        assert done.returncode == 0, f"docker/build.sh: exit {done.returncode}; {log}:\n{end}"

    def image(self, name):
        """What is stored about an image: its configuration and its history."""
        return json.loads(self("inspect", "--type", "image", f"localhost/{name}:latest"))

    def root(self, name):
        """The file system of an image."""
        return Path(self("mount", self("from", f"localhost/{name}:latest")))

    def remove(self):
        self("umount", "--all")
        shutil.rmtree(self.folder)
