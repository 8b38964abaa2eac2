# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import floors
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def targets():
    """Those of the build that runs this test."""
    return floors.read_graph(Path(os.environ["IMMUDB_LINK_GRAPH"]).read_text(), ROOT)


@pytest.fixture(scope="session")
def house():
    return floors.read_floors((ROOT / "docs/architecture.md").read_text())
