"""Pages of docs/how-to/ followed by script: code blocks applied to a copy of the checkout, commands run there.

The line before a block names its place: "New file `path`:", "At the end of `path`:", "In `path`, at the end of
`NAME`:" (before the bracket that closes NAME) or "In `path`, before the line of `WORD`:". Commands are the lines of
```sh blocks, and those of ```console blocks that begin with `$`, followed by lines of their output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.command_line import ROOT

NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", "logs", "*.egg-info", ".*")
NOT_COUNTED = {"CHANGELOG.md", "docs", "README.md", "bin", "tests"}
"""Tests and docs, and the commands of the copy."""

BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(
    r"(?:(?P<new>New file)|(?P<end>At the end of)|In) `(?P<path>[^`]+)`"
    r"(?:, at the end\s+of `(?P<closing>[^`]+)`|, before the line of `(?P<before>[^`]+)`)?:\s*\Z"
)
FILES = re.compile(r"\*\*Files touched besides tests and docs: (\d+)\.\*\*(?: A script writes (\d+) more)?")


@dataclass(frozen=True)
class Block:
    """A code block, with the place that the text before it names."""

    language: str
    text: str
    place: re.Match[str] | None


@dataclass(frozen=True)
class Page:
    """A page of docs/how-to/."""

    name: str
    text: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", (ROOT / "docs" / "how-to" / f"{self.name}.md").read_text(encoding="utf-8"))

    @property
    def files(self) -> tuple[int, int]:
        """Numbers of files written by hand and by a script, as the page states them."""
        by_hand, by_script = FILES.findall(self.text)[0]
        return int(by_hand), int(by_script or 0)

    @property
    def blocks(self) -> Iterator[Block]:
        """Code blocks in order, without the indentation of their list item."""
        for match in BLOCK.finditer(self.text):
            text = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
            yield Block(match["language"], text, PLACE.search(self.text[: match.start()]))

    def commands(self, language: str) -> list[str]:
        """Text of the blocks of a language, without those that are applied."""
        return [block.text for block in self.blocks if block.language == language and block.place is None]


@dataclass(frozen=True)
class Touched:
    """Files that a page changed, besides tests and docs."""

    by_hand: set[str]
    by_script: set[str]


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout in which pages are followed, run by the interpreter of the tests."""

    root: Path
    variables: Mapping[str, str]

    @classmethod
    def copy(cls, root: Path, variables: Mapping[str, str]) -> Checkout:
        """Copy the project; make `ons-bigdata`, `pytest` and `python` commands of the copy."""
        shutil.copytree(ROOT, root, ignore=NOT_COPIED, dirs_exist_ok=True)
        words = {"python": "", "pytest": "-m pytest -n 0 -p no:cacheprovider", "ons-bigdata": "-m ons_bigdata.cli"}
        (root / "bin").mkdir()
        for command, arguments in words.items():
            file = root / "bin" / command
            file.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
            file.chmod(0o755)
        return cls(root, variables)

    def follow(self, page: Page) -> Touched:
        """Apply the blocks of a page and run its scripts; return the files that changed."""
        before = self._files()
        for block in page.blocks:
            if block.place is not None:
                self.apply(block.place, block.text)
        by_hand = self._files()
        for commands in page.commands("sh"):
            if commands.startswith("python scripts/"):
                self.run(commands)
        return Touched(_changed(before, by_hand), _changed(by_hand, self._files()))

    def apply(self, place: re.Match[str], text: str) -> None:
        """Apply one block. Raises AssertionError where its place does not exist, or a new file does."""
        file = self.root / place["path"]
        if place["new"]:
            assert not file.exists(), f"{place['path']} exists"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        if place["end"]:
            position = len(lines)
        elif place["closing"]:
            position = _last_line_of(lines, place["closing"]) + 1
        else:
            position = _first(lines, rf"\b{re.escape(place['before'])}\b")
        lines.insert(position, text)
        file.write_text("".join(lines), encoding="utf-8")

    def run(self, commands: str) -> str:
        """Run commands in a shell, up to the first that fails; return what they print on stdout."""
        finished = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=self.root,
            env={
                **{
                    name: value for name, value in os.environ.items() if not name.startswith(("ONS_BIGDATA_", "PYTEST"))
                },
                **self.variables,
                "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
                "PYTHONPATH": str(self.root),
                "COLUMNS": "160",
            },
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert finished.returncode == 0, f"{commands}\n{finished.stdout[-6000:]}\n{finished.stderr[-2000:]}"
        return finished.stdout

    def try_out(self, console: str) -> None:
        """Run the commands of a console block; compare their output with the lines below them."""
        for session in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
            command, _, printed = session.partition("\n")
            output = self.run(command)
            if printed:
                assert output == printed, f"{command}\n{output}"

    def _files(self) -> dict[str, bytes]:
        return {
            file.relative_to(self.root).as_posix(): file.read_bytes()
            for file in self.root.rglob("*")
            if file.is_file() and file.suffix != ".pyc" and not NOT_COUNTED & set(file.relative_to(self.root).parts[:1])
        }


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    return {file for file in after if after[file] != before.get(file)}


def _first(lines: list[str], pattern: str, start: int = 0) -> int:
    found = next((number for number in range(start, len(lines)) if re.search(pattern, lines[number])), None)
    assert found is not None, f"no line {pattern!r}"
    return found


def _last_line_of(lines: list[str], name: str) -> int:
    """Position of the last line with text before the bracket that closes `name`."""
    start = _first(lines, rf"\b{re.escape(name)}\b.*[(\[{{]\s*$")
    position = _first(lines, r"^[)\]}]", start) - 1
    while not lines[position].strip():
        position -= 1
    return position
