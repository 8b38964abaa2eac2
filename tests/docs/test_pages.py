# SPDX-License-Identifier: Apache-2.0
"""What the pages tell their reader to type works as it is printed."""
import os
from pathlib import Path

import pytest

import pages
from sandbox import Sandbox

PROGRAMS = Path(os.environ["IMMUDB_BINARY"]).resolve().parent
RUN = [page for page in pages.paths() if any(block.kind == "run" for block in pages.blocks(page))]


@pytest.mark.parametrize("page", RUN)
def test_blocks_run(page, tmp_path):
    with Sandbox(tmp_path, PROGRAMS) as sandbox:
        if any(block.kind == "serve" for block in pages.blocks(page)):
            sandbox.make_run()
        sandbox.run(page)
