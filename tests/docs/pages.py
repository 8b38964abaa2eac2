# SPDX-License-Identifier: Apache-2.0
"""The Markdown pages of the repository, and what a comment before a code block says about it.

    <!-- serve -->                       its command `make run` is: the server is started so
    <!-- run: NAME -->                   the block is run by bash
    <!-- run: NAME; types: a, b -->      ... with these lines as its standard input
    <!-- run: NAME; ends: 3 -->          ... in a subshell, which must end with this exit code
    <!-- file: PATH -->                  the block is written to this file
    <!-- prints -->                      what the block before printed has these lines, in this
                                         order; "..." stands for any text
    <!-- generated: COMMAND -->          the text up to <!-- end --> is what the command prints
"""
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IGNORED = {"build", "data", ".git", ".cache"}

_MARKER = re.compile(r"<!-- (serve|run|file|prints)(?:: (.+?))? -->$")
_FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
_GENERATED = re.compile(r"<!-- generated: (.+?) -->\n(.*?)<!-- end -->\n", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass
class Block:
    kind: str  # "serve", "run", "file", "prints"; "": not marked
    name: str  # of a run; path of a file
    line: int
    language: str
    text: str
    types: tuple = ()
    ends: int = 0


def files():
    """What is in the repository, relative to it."""
    for top in ROOT.iterdir():
        if top.name not in IGNORED:
            yield Path(top.name)
            yield from (path.relative_to(ROOT) for path in top.rglob("*"))


def paths():
    """All pages."""
    return sorted(str(path) for path in files() if path.suffix == ".md")


def read(page):
    return (ROOT / page).read_text()


def _block(marker, line, language, text):
    if marker is None:
        return Block("", "", line, language, text)
    kind, rest = marker
    name, *settings = [part.strip() for part in (rest or "").split(";")]
    block = Block(kind, name, line, language, text)
    for setting in settings:
        what, _, value = setting.partition(": ")
        if what == "types":
            block.types = tuple(word.strip() for word in value.split(","))
        elif what == "ends":
            block.ends = int(value)
        else:
            raise ValueError(f"line {line}: {setting!r} is no setting of a marked block")
    return block


def blocks(page):
    """The code blocks of a page, in order. A marker that is followed by none is an error."""
    found, marker, fence = [], None, None
    for number, line in enumerate(read(page).splitlines(), 1):
        if fence is not None:
            if line.startswith(fence):
                found.append(_block(marker, start, language, "".join(content)))
                marker = fence = None
            else:
                content.append(line + "\n")
        elif opening := _FENCE.match(line):
            fence, language = opening.groups()
            start, content = number, []
        elif marked := _MARKER.match(line):
            marker = marked.groups()
        elif marker is not None:
            raise ValueError(f"{page}:{number}: a code block must follow its marker")
    if fence is not None or marker is not None:
        raise ValueError(f"{page}: the last code block has no end, or its marker no block")
    return found


def generated(page):
    """(command, text) of each generated part."""
    return _GENERATED.findall(read(page))


def with_generated(page, replace):
    """The page with each generated part as `replace(command)` gives it."""
    return _GENERATED.sub(
        lambda part: f"<!-- generated: {part[1]} -->\n{replace(part[1])}<!-- end -->\n", read(page))


def prose(page):
    """(line number, line) outside of code blocks."""
    inside = False
    for number, line in enumerate(read(page).splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def links(page):
    """(line number, target) of the links."""
    for number, line in prose(page):
        for target in _LINK.findall(_SPAN.sub("``", line)):
            yield number, target


def spans(page):
    """(line number, text) of what stands in backticks."""
    for number, line in prose(page):
        for text in _SPAN.findall(line):
            yield number, text


def anchors(page):
    """The names by which its headings can be linked, as GitHub makes them."""
    names = set()
    for _, line in prose(page):
        if heading := re.match(r"#+ (.+)", line):
            text = re.sub(r"[^\w\- ]", "", heading[1].strip().lower())
            names.add(text.replace(" ", "-"))
    return names
