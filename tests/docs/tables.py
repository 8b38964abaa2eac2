# SPDX-License-Identifier: Apache-2.0
"""Writes the generated parts of the pages anew: tables.py FOLDER_OF_PROGRAMS"""
import os
import subprocess
import sys
from pathlib import Path

import pages


def printed(command, programs=None):
    folder = Path(programs or Path(os.environ["IMMUDB_BINARY"]).parent)
    program, *arguments = command.split()
    return subprocess.run([folder / program, *arguments], capture_output=True, text=True,
                          check=True).stdout


def main():
    for page in pages.paths():
        before = pages.read(page)
        after = pages.with_generated(page, lambda command: printed(command, sys.argv[1]))
        if after != before:
            (pages.ROOT / page).write_text(after)
            print(page)


if __name__ == "__main__":
    main()
