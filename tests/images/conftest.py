# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
from pathlib import Path

import pytest

from buildah import SOURCE, Buildah, base_archive
from container import Container, enter_own_network

IMAGES = ("immudb", "immuclient", "immuadmin")


@pytest.fixture(scope="session")
def work():
    return Path(os.environ["IMMUDB_IMAGES_WORK"]).resolve()


@pytest.fixture(scope="session")
def buildah(work):
    """With the three images, as docker/build.sh builds them."""
    store = Buildah(work / "store")
    try:
        store.import_base(base_archive(work, store.environment))
        store.build_all(work / "build.log")
        enter_own_network()  # nothing after this needs the network
        yield store
    finally:
        store.remove()
        shutil.rmtree(work / "tmp", ignore_errors=True)


@pytest.fixture(scope="session")
def images(buildah):
    return {name: buildah.image(name) for name in IMAGES}


@pytest.fixture(scope="session")
def roots(buildah):
    return {name: buildah.root(name) for name in IMAGES}


@pytest.fixture(scope="session")
def version():
    text = (SOURCE / "CMakeLists.txt").read_text()
    return re.search(r"project\(immudb VERSION ([0-9.]+)", text).group(1)


@pytest.fixture
def launch(images, roots, tmp_path):
    """launch(name, ...) makes a container of that image."""
    made = []

    def make(name, **settings):
        folder = tmp_path / f"{name}{len(made)}"
        folder.mkdir()
        made.append(Container(images[name], roots[name], folder, **settings))
        return made[-1]

    yield make
    while made:
        made.pop().close()
