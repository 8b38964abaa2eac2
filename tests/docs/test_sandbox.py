# SPDX-License-Identifier: Apache-2.0
"""What is wrong on a page is noticed: else its test would say nothing."""
import textwrap

import pytest

import pages
from sandbox import Sandbox


@pytest.fixture
def run(tmp_path, monkeypatch):
    def start(text):
        monkeypatch.setattr(pages, "read", lambda page: textwrap.dedent(text))
        with Sandbox(tmp_path, pages.ROOT / "tests/docs") as sandbox:
            sandbox.run("PAGE")

    return start


def test_blocks_share_a_shell(run):
    run("""\
        <!-- file: greeting/word -->
        ```text
        hello
        ```
        <!-- run: one; types: a, b -->
        ```sh
        cd greeting
        read -r first
        read -r second
        ```
        <!-- run: two -->
        ```sh
        echo "$(cat word) $first$second"
        ```
        <!-- prints -->
        ```
        he...o ab
        ```
        """)


def test_what_is_not_marked_is_not_run(run):
    run("""\
        ```sh
        false
        ```
        """)


@pytest.mark.parametrize("command", ["false\ntrue", "false | true", "x=$(false)\ntrue", "exit 2",
                                     "no-such-program", "echo $unset",
                                     "if true; then false; fi\ntrue"])
def test_a_command_that_fails(run, command):
    with pytest.raises(AssertionError, match=r"PAGE:3 \(second\): "):
        run(f"text\n<!-- run: second -->\n```sh\n{command}\n```\n")


@pytest.mark.parametrize("command", ["true && true", "false || true"])
def test_a_command_that_may_fail_unnoticed(run, command):
    with pytest.raises(AssertionError, match="on its own line"):
        run(f"<!-- run: one -->\n```sh\n{command}\n```\n")


@pytest.mark.parametrize("code", [0, 1, 4])
def test_another_exit_code(run, code):
    with pytest.raises(AssertionError, match="one"):
        run(f"<!-- run: one; ends: 3 -->\n```sh\n(exit {code})\n```\n")


def test_the_exit_code_that_was_announced(run):
    run("""\
        <!-- run: one; ends: 3 -->
        ```sh
        (exit 3)
        echo not reached
        ```
        <!-- run: two -->
        ```sh
        echo reached
        ```
        """)


@pytest.mark.parametrize("shown", ["a\nc", "b\na", "b c"])
def test_output_that_is_not_the_one_shown(run, shown):
    with pytest.raises(AssertionError, match="is not what PAGE:2"):
        run(f"<!-- run: one -->\n```sh\necho a\necho b\n```\n<!-- prints -->\n```\n{shown}\n```\n")


@pytest.mark.parametrize("text", [
    "<!-- run: one -->\ntext\n```sh\ntrue\n```\n", "<!-- run: one -->\n",
    "<!-- run: one; tries: 3 -->\n```sh\ntrue\n```\n", "```sh\n"])
def test_a_marker_without_a_block(run, text):
    with pytest.raises(ValueError):
        run(text)


def test_nothing_is_left_running(run, tmp_path):
    run("""\
        <!-- run: one -->
        ```sh
        setsid sh -c 'echo $$ > pid; exec sleep 600' &
        until [ -s pid ]; do sleep 0.05; done
        ```
        """)
    process = int((tmp_path / "immudb/pid").read_text())
    assert not (pages.Path("/proc") / str(process)).exists()
