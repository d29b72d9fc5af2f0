"""The documentation as a whole: links and paths exist, the index lists every page, the change log has the fingerprints.

The content of a page is tested with its subject.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ons_bigdata.prices.methods.recipes.catalogue import RECIPES, parameters_hash

ROOT = Path(__file__).resolve().parent.parent
INDEX = "docs/README.md"

FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
PATH = re.compile(r"(?<![\w./-])((?:benchmarks|dbt_project|deploy|docs|ons_bigdata|scripts|tests)/[\w./-]+)(?![\w{<*])")
NEW_FILE = re.compile(r"^ *New file `([^`]+)`:$", re.MULTILINE)
"""A file that the reader of a how-to page makes."""
INLINE_LINK = re.compile(r"\]\(\s*<?([^\s<>()]+)>?(?:\s+[\"'][^\"']*[\"'])?\s*\)")
"""From the closing bracket on, so that a picture inside a link is seen as well as the link around it."""
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)

MADE_FOLDERS = {".git", ".venv", "node_modules", "target", "dbt_packages"}


def pages(root: Path) -> list[Path]:
    """Markdown pages of the project; hidden, installed and generated folders are left out."""
    found = []
    for folder, inner, files in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(".") and name not in MADE_FOLDERS]
        found += [Path(folder) / name for name in files if name.endswith(".md")]
    return sorted(found)


def prose(page: Path) -> str:
    """Text of a page without code blocks and comments."""
    return COMMENT.sub("", FENCED.sub("", page.read_text("utf-8")))


def links(page: Path) -> Iterator[str]:
    """Targets of the links of a page, inline and by reference, as written."""
    text = CODE.sub("", prose(page))
    for pattern in (INLINE_LINK, REFERENCE):
        yield from (match[1] for match in pattern.finditer(text))


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as usual viewers generate them."""
    seen: dict[str, int] = {}
    found = set()
    for match in HEADING.finditer(prose(page)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
        anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        times = seen.get(anchor, 0)
        seen[anchor] = times + 1
        found.add(f"{anchor}-{times}" if times else anchor)
    return found


def target(root: Path, page: Path, link: str) -> Path | None:
    """File or folder of a link; None for web and mail addresses."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = unquote(parts.path)
    if not path:
        return page
    return (root / path.lstrip("/") if path.startswith("/") else page.parent / path).resolve()


def broken_links(root: Path) -> list[str]:
    """`page: link: fault` for each broken relative link."""
    broken = []
    for page in pages(root):
        for link in links(page):
            found = target(root, page, link)
            if found is None:
                continue
            where = f"{page.relative_to(root).as_posix()}: {link}"
            anchor = unquote(urlsplit(link).fragment).lower()
            if not found.is_relative_to(root.resolve()):
                broken.append(f"{where}: leads out of the project")
            elif not found.exists():
                broken.append(f"{where}: no such file")
            elif anchor and found.suffix == ".md" and anchor not in anchors(found):
                broken.append(f"{where}: no heading #{anchor}")
    return broken


def unlisted(root: Path) -> list[str]:
    """Pages under docs/ without a link in the index."""
    index = root / INDEX
    listed = {target(root, index, link) for link in links(index)}
    return [
        page.relative_to(root).as_posix()
        for page in pages(root / "docs")
        if page != index and page.resolve() not in listed
    ]


def missing_paths(root: Path) -> list[str]:
    """`page: path` for each path from the root, in code of a page, that does not exist."""
    missing = []
    for page in pages(root):
        spans = (match[0].strip("`") for match in CODE.finditer(prose(page)))
        made = set(NEW_FILE.findall(prose(page)))
        named = (match[1] for span in spans for match in PATH.finditer(span) if match[1] not in made)
        missing += [f"{page.relative_to(root).as_posix()}: {path}" for path in named if not (root / path).exists()]
    return missing


# The rules themselves, on small trees


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two pages and an index without faults."""
    (tmp_path / "docs/prices").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Top\n\n[docs](docs/README.md)\n")
    (tmp_path / INDEX).write_text("# Index\n\n* [one](prices/one.md)\n* [two](prices/two.md#second-part-2026)\n")
    (tmp_path / "docs/prices/one.md").write_text(
        "# One\n\nSee [two](two.md), [top](#one), [web](https://example.org/x.md).\n"
    )
    (tmp_path / "docs/prices/two.md").write_text(
        "# Two\n\n## Second part (2026)\n\n[up][index]\n\n[index]: ../README.md\n"
    )
    return tmp_path


def test_a_project_without_faults(project: Path) -> None:
    assert broken_links(project) == []
    assert unlisted(project) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[gone](gone.md)", "docs/prices/one.md: gone.md: no such file"),
        ("![gone](images/gone.png)", "docs/prices/one.md: images/gone.png: no such file"),
        ("[gone](two.md#third-part)", "docs/prices/one.md: two.md#third-part: no heading #third-part"),
        ("[gone](#two)", "docs/prices/one.md: #two: no heading #two"),
        ("[out](../../../secret.md)", "docs/prices/one.md: ../../../secret.md: leads out of the project"),
        ("[gone][g]\n\n[g]: gone.md", "docs/prices/one.md: gone.md: no such file"),
        ("[a](two.md) [gone](gone.md 'title')", "docs/prices/one.md: gone.md: no such file"),
        ("after `code` [gone](gone.md) and `code`", "docs/prices/one.md: gone.md: no such file"),
        ("[![image](two.md)](gone.md)", "docs/prices/one.md: gone.md: no such file"),
        ("[![image](gone.png)](two.md)", "docs/prices/one.md: gone.png: no such file"),
    ],
)
def test_a_broken_link_is_named(project: Path, text: str, fault: str) -> None:
    (project / "docs/prices/one.md").write_text(f"# One\n\n{text}\n")
    assert broken_links(project) == [fault]


@pytest.mark.parametrize("text", ["`[x](gone.md)`", "```\n[x](gone.md)\n```", "<!-- [x](gone.md) -->"])
def test_links_in_code_and_comments_are_ignored(project: Path, text: str) -> None:
    (project / "docs/prices/one.md").write_text(f"# One\n\n{text}\n")
    assert broken_links(project) == []


def test_repeated_headings_have_numbered_anchors(project: Path) -> None:
    page = project / "docs/prices/one.md"
    page.write_text("# One\n\n## Sources\n\n## Sources\n\n## `price_gbp` – in £\n")
    assert anchors(page) == {"one", "sources", "sources-1", "price_gbp--in-"}


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("`docs/prices/two.md`", None),
        ("`docs/prices/`", None),
        ("docs/prices/gone.md, no code", None),
        ("`home/docs/prices/gone.md`", None),
        ("`tests/<what>.py`", None),
        ("New file `docs/prices/gone.md`:", None),
        ("`docs/prices/gone.md`", "docs/prices/gone.md"),
        ("`python scripts/gone.py --all`", "scripts/gone.py"),
    ],
)
def test_a_path_in_code_that_does_not_exist_is_named(project: Path, text: str, gone: str | None) -> None:
    (project / "docs/prices/one.md").write_text(f"# One\n\n{text}\n")
    assert missing_paths(project) == ([f"docs/prices/one.md: {gone}"] if gone else [])


def test_a_page_missing_in_the_index_is_named(project: Path) -> None:
    (project / "docs/prices/three.md").write_text("# Three\n")
    assert unlisted(project) == ["docs/prices/three.md"]


# The project


def test_no_relative_link_is_broken() -> None:
    assert broken_links(ROOT) == []


def test_every_path_named_in_code_exists() -> None:
    assert missing_paths(ROOT) == []


def test_every_page_is_in_the_index() -> None:
    assert unlisted(ROOT) == [], f"add them to {INDEX}"


def test_the_index_is_linked_from_the_readme() -> None:
    assert (ROOT / INDEX).resolve() in {target(ROOT, ROOT / "README.md", link) for link in links(ROOT / "README.md")}


def test_the_index_lists_nothing_twice() -> None:
    listed = list(links(ROOT / INDEX))
    assert sorted(listed) == sorted(set(listed))


def test_every_page_begins_with_its_only_title() -> None:
    untitled = []
    for page in pages(ROOT / "docs"):
        text = prose(page)
        if not text.startswith("# ") or len(re.findall(r"^# ", text, re.MULTILINE)) != 1:
            untitled.append(page.relative_to(ROOT).as_posix())
    assert untitled == []


def test_the_change_log_has_the_present_fingerprint_of_each_recipe() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([0-9a-f]{16})` \|", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {recipe.name: parameters_hash(recipe) for recipe in RECIPES}  # the last row counts
