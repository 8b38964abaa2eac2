# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))  # harness


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def prefix():
    """The installed tree."""
    return Path(os.environ["IMMUDB_PREFIX"])


@pytest.fixture(scope="session")
def libdir(prefix):
    return prefix / os.environ["IMMUDB_LIBDIR"]


@pytest.fixture(scope="session")
def version():
    return os.environ["IMMUDB_VERSION"]


@pytest.fixture(scope="session")
def soversion(version):
    """Before 1.0 a minor version may change what is exported."""
    return ".".join(version.split(".")[:2])
