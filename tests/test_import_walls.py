"""The walls that import contracts (`[tool.importlinter]`) cannot see: what a module calls and reads.

Each rule is shown red on a small example first, then the whole package is held to all of them.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ons_bigdata"

EXEMPT = {
    ("environment", "ons_bigdata.settings", "*"): "the one place that reads the environment",
    ("print", "ons_bigdata.cli", "*"): "the command line answers on stdout",
    ("environment", "ons_bigdata.platform.dagster.processes", "environment"): (
        "the variables of Dagster's processes are ours and some of our own"
    ),
    ("environment", "ons_bigdata.platform.dagster.instance", "ensure_home"): (
        "hands Dagster's processes a URL with a password, which no file may hold"
    ),
    ("environment", "ons_bigdata.platform.dagster.dbt_calls", "write_profile"): (
        "hands dbt's process a password, which no file may hold"
    ),
}
"""(rule, module, function) that may break a rule, with the reason; function `*` is all of the module."""

PURE = r"ons_bigdata\.(\w+\.methods|estimation)(\..+)?"
SOURCES = r"ons_bigdata\.\w+\.sources(\..+)?"
PLATFORM = r"ons_bigdata\.platform(\..+)?"
OPEN_TO_SOURCES = "ingest|calendar|pseudonyms|errors"
"""Rooms of the platform that sources may enter: what lands files and accounts for them, and pseudonyms."""
ANYWHERE = r"ons_bigdata(\..+)?"

LEGACY_NUMPY_RANDOM = r"numpy\.random\.(?!Generator|default_rng|SeedSequence|PCG64|BitGenerator)\w+"

NAMES = (
    ("environment", ANYWHERE, r"os\.(environb?|getenvb?|putenv|unsetenv)"),
    ("pickle", ANYWHERE, r"(pickle|cPickle|cloudpickle|dill|joblib|marshal|shelve)(\..+)?"),
    ("eval", ANYWHERE, r"(builtins\.)?(eval|exec)"),
    ("shell", ANYWHERE, r"os\.(system|popen)|subprocess\.(getoutput|getstatusoutput)"),
    ("print", ANYWHERE, r"(builtins\.)?print"),
    ("file", PURE, r"(builtins\.|io\.)?open|pathlib\.\w+|polars\.(read|scan)_\w+"),
    ("file", PURE, r"numpy\.(load|loadtxt|genfromtxt|fromfile|memmap|save|savez|savez_compressed|savetxt)"),
    ("file", PURE, r".*\.(read_text|read_bytes|write_\w+|sink_\w+|tofile)"),
    ("clock", PURE, r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|time\.\w+"),
    ("chance", PURE, r"random\.\w+|secrets\.\w+|uuid\.uuid[14]|" + LEGACY_NUMPY_RANDOM),
)
"""Rule, modules it holds for, names (with import aliases resolved) that break it."""

OUTSIDE = {
    *(
        "asyncio",
        "concurrent",
        "ctypes",
        "email",
        "fileinput",
        "ftplib",
        "getpass",
        "glob",
        "http",
        "imaplib",
    ),
    *("importlib", "io", "linecache", "locale", "logging", "mmap", "multiprocessing", "os", "pathlib"),
    *("platform", "poplib", "random", "runpy", "secrets", "select", "selectors", "shutil", "signal"),
    *("smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading"),
    *("time", "urllib", "webbrowser"),
}
"""Modules of the standard library that reach outside of the process, or its clock and chance."""
PURE_LIBRARIES = {"polars", "numpy", "scipy", "sklearn", "numba", "pyproj", "convertbng", "dataframely"}
PURE_ROOTS = (set(sys.stdlib_module_names) - OUTSIDE) | PURE_LIBRARIES

VAGUE = re.compile(r"_*(utils?|helpers?|common|misc|base|managers?)")


class Reader(ast.NodeVisitor):
    """Collects what a module imports, names and calls, each with its line and function."""

    def __init__(self, module: str, is_package: bool) -> None:
        """Begin with nothing; `module` is the dotted name that relative imports start from."""
        self.home = module.split(".") if is_package else module.split(".")[:-1]
        self.aliases: dict[str, str] = {}
        self.functions: list[str] = []
        self.imports: list[tuple[int, str, str]] = []
        self.names: list[tuple[int, str, str]] = []
        self.keywords: list[tuple[int, str, str]] = []

    def note(self, found: list[tuple[int, str, str]], node: ast.expr | ast.stmt, what: str) -> None:
        found.append((node.lineno, self.functions[-1] if self.functions else "", what))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  (the name ast calls)

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            root = name.name.split(".")[0]
            self.aliases[name.asname or root] = name.name if name.asname else root
            self.note(self.imports, node, name.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.home[: len(self.home) - node.level + 1] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        for name in node.names:
            self.aliases[name.asname or name.name] = f"{source}.{name.name}"
            self.note(self.imports, node, f"{source}.{name.name}")
            self.note(self.names, node, f"{source}.{name.name}")

    def visit_Name(self, node: ast.Name) -> None:
        self.note(self.names, node, self.dotted(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.note(self.names, node, self.dotted(node))
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if not (isinstance(node.value, ast.Constant) and node.value.value in {False, None}):
            self.note(self.keywords, node.value, str(node.arg))
        self.generic_visit(node)

    def dotted(self, node: ast.expr) -> str:
        """Return the full name of an expression; `<…>` stands for a variable or a value without a name."""
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        if not isinstance(node, ast.Name):
            return "<…>"
        return self.aliases.get(node.id, node.id if hasattr(builtins, node.id) else "<…>")


def import_is_allowed(module: str, imported: str) -> bool:
    """Say whether a module may import a name, by lists of what is allowed (contracts list the forbidden)."""
    pilot = ".".join(module.split(".")[:2])
    root = imported.split(".", maxsplit=1)[0]
    ours = root == "ons_bigdata"
    if re.fullmatch(PURE, module):
        rooms = rf"ons_bigdata\.estimation|{re.escape(pilot)}\.(schemas|methods)"
        return bool(re.match(rf"({rooms})\b", imported)) if ours else root in PURE_ROOTS
    if re.fullmatch(SOURCES, module) and ours:
        rooms = rf"{re.escape(pilot)}\.(schemas|sources|calendar)|ons_bigdata\.platform\.({OPEN_TO_SOURCES})"
        return bool(re.match(rf"({rooms})\b", imported))
    if re.fullmatch(PLATFORM, module) and ours:
        return bool(re.match(r"ons_bigdata\.(platform|settings|PROJECT_ROOT|__version__)\b", imported))
    return True


def found_in(source: str, module: str, is_package: bool) -> Iterator[tuple[str, int, str, str]]:
    """Give (rule, line, function, name) of everything in a source text that breaks a rule."""
    reader = Reader(module, is_package)
    reader.visit(ast.parse(source))
    for line, function, name in reader.imports:
        if not import_is_allowed(module, name):
            yield "import", line, function, name
        if re.fullmatch(next(names for rule, _, names in NAMES if rule == "pickle"), name):
            yield "pickle", line, function, name
    for line, function, name in reader.names:
        for rule, modules, names in NAMES:
            if re.fullmatch(modules, module) and re.fullmatch(names, name):
                yield rule, line, function, name
    for line, function, name in reader.keywords:
        if name in {"shell", "allow_pickle"}:
            yield {"shell": "shell", "allow_pickle": "pickle"}[name], line, function, f"{name}="


def is_exempt(rule: str, module: str, function: str) -> bool:
    """Say whether the list of exemptions holds this."""
    return (rule, module, function) in EXEMPT or (rule, module, "*") in EXEMPT


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return a line of text for each rule that a module's source breaks, exemptions left out."""
    found = found_in(source, module, is_package)
    return sorted(
        {f"{module}:{line}: {rule}: {name}" for rule, line, f, name in found if not is_exempt(rule, module, f)}
    )


def modules() -> Iterator[tuple[str, str, bool]]:
    """Give (source, dotted name, is a package) of each module of the package."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield file.read_text(encoding="utf-8"), ".".join(parts[:-1] if is_package else parts), is_package


METHOD, SOURCE = "ons_bigdata.prices.methods.recipes.jevons", "ons_bigdata.prices.sources.scrape_files"
SERVER, ASSETS = "ons_bigdata.platform.ingest.landing", "ons_bigdata.prices.assets"

RED = [
    ("environment", ASSETS, "import os\nhome = os.environ['HOME']"),
    ("environment", SERVER, "from os import getenv as get\nhome = get('HOME')"),
    ("environment", SERVER, "from os import environ"),
    ("pickle", ASSETS, "import pickle"),
    ("pickle", ASSETS, "from joblib import dump"),
    ("pickle", ASSETS, "import numpy as np\nnp.load('a.npz', allow_pickle=True)"),
    ("eval", ASSETS, "eval('1 + 1')"),
    ("eval", ASSETS, "exec('a = 1')"),
    ("shell", SERVER, "import subprocess\nsubprocess.run('ls', shell=True)"),
    ("shell", SERVER, "import os\nos.system('ls')"),
    ("print", ASSETS, "print('done')"),
    ("print", "ons_bigdata.platform.client", "print('not the command line')"),
    ("file", METHOD, "rows = open('prices.csv')"),
    ("file", METHOD, "from pathlib import Path\nfolder = Path('.')"),
    ("file", METHOD, "import polars as pl\nrows = pl.read_csv('prices.csv')"),
    ("file", METHOD, "from polars import scan_parquet\nrows = scan_parquet('prices')"),
    ("file", METHOD, "def keep(rows):\n    rows.lazy().sink_parquet('prices')"),
    ("file", "ons_bigdata.estimation.raking", "import numpy as np\nmodel = np.load('model.npz')"),
    ("clock", METHOD, "from datetime import datetime as dt\nnow = dt.now()"),
    ("clock", METHOD, "import datetime\nday = datetime.date.today()"),
    ("clock", METHOD, "from datetime import date\nfactory = date.today"),
    ("clock", METHOD, "import time\nbegun = time.monotonic()"),
    ("chance", METHOD, "import numpy as np\nx = np.random.normal()"),
    ("import", METHOD, "import os.path"),
    ("import", METHOD, "import pandas"),
    ("import", METHOD, "from ons_bigdata.tweets.methods import clusters"),
    ("import", METHOD, "from ons_bigdata import settings"),
    ("import", METHOD, "from ... import platform"),
    ("import", SOURCE, "from ons_bigdata.platform.postgres.warehouse import Warehouse"),
    ("import", SOURCE, "from ..methods import jevons"),
    ("import", SERVER, "from ons_bigdata.prices import schemas"),
]

GREEN = [
    (
        METHOD,
        "import math\nimport polars as pl\nfrom datetime import date\nx = pl.col('a'); d = date(2016, 1, 1)",
    ),
    (
        METHOD,
        "import numpy as np\ndef draw(random: np.random.Generator) -> float:\n    return random.normal()",
    ),
    (METHOD, "from ons_bigdata.prices.schemas import AcceptedQuote\nfrom ..schemas import ElementaryIndex"),
    (SOURCE, "from pathlib import Path\nfrom ons_bigdata.platform.ingest.landing import Landing\nx = open('a')"),
    (SERVER, "import subprocess\nsubprocess.run(['ls'], shell=False)"),
    (SERVER, "from ons_bigdata.settings import Settings\nfrom .errors import InputError"),
    ("ons_bigdata.settings", "import os\nhome = os.environ"),
    ("ons_bigdata.cli", "print('done')"),
    (ASSETS, "def evaluate(frame):\n    return frame.eval, 'print(1)'  # eval(1)"),
]


@pytest.mark.parametrize(("rule", "module", "source"), RED)
def test_each_rule_sees_its_violation(rule: str, module: str, source: str):
    assert rule in {line.split(": ")[1] for line in violations(source, module)}


@pytest.mark.parametrize(("module", "source"), GREEN)
def test_what_is_allowed_passes(module: str, source: str):
    assert violations(source, module) == []


def test_a_violation_names_module_line_and_rule():
    assert violations("import math\n\nprint(math.pi)", ASSETS) == [f"{ASSETS}:3: print: print"]


def test_relative_imports_of_a_package_start_in_it():
    assert violations("from .jevons import x", "ons_bigdata.prices.methods", is_package=True) == []


def test_the_package_keeps_every_rule():
    assert [line for source, module, is_package in modules() for line in violations(source, module, is_package)] == []


def test_no_exemption_outlives_its_use():
    used = {
        (rule, module, function)
        for source, module, is_package in modules()
        for rule, _, function, _ in found_in(source, module, is_package)
    }
    assert [key for key in EXEMPT if key[2] != "*" and key not in used] == []


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "_helpers", "common", "misc", "base", "manager"])
def test_a_vague_name_is_seen(name: str):
    assert VAGUE.fullmatch(name)


def test_no_file_or_folder_has_a_vague_name():
    tops = ("ons_bigdata", "dbt_project", "tests", "benchmarks", "scripts")
    inside = (path for top in tops for path in (ROOT / top).rglob("*") if "target" not in path.parts)
    assert [str(path.relative_to(ROOT)) for path in inside if VAGUE.fullmatch(path.stem)] == []
