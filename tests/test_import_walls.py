"""Architecture rules that import contracts (`[tool.importlinter]`) cannot express: calls, names, sizes of folders.

Each rule is tried on small violations first, then on the whole package.
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
    ("print", "ons_bigdata.cli", "*"): "the command line prints on stdout",
    ("environment", "ons_bigdata.platform.dagster.serving.processes", "environment"): (
        "the variables of Dagster's processes are ours and some of our own"
    ),
    ("environment", "ons_bigdata.platform.dagster.instance", "ensure_home"): (
        "hands Dagster's processes a URL with a password, which no file may hold"
    ),
    ("environment", "ons_bigdata.platform.dagster.dbt_calls", "write_profile"): (
        "hands dbt's process a password, which no file may hold"
    ),
    ("environment", "ons_bigdata.platform.ingest.lanes.reading", "_started_process"): (
        "tells polars in the processes of lanes how many threads it has"
    ),
    ("import", "ons_bigdata.estimation.anchor_model", "default_model"): "finds the model in package data",
    ("file", "ons_bigdata.estimation.anchor_model", "default_model"): "reads the model in package data",
    ("import", "ons_bigdata.meters.methods.absence.model", "default_model"): "finds the model in package data",
    ("file", "ons_bigdata.meters.methods.absence.model", "default_model"): "reads the model in package data",
    ("import", "ons_bigdata.meters.methods.vacancy.model", "default_model"): "finds the model in package data",
    ("file", "ons_bigdata.meters.methods.vacancy.model", "default_model"): "reads the model in package data",
    ("import", "ons_bigdata.meters.methods.vacancy.quarter_chain", "default_prior"): "finds the prior in package data",
    ("file", "ons_bigdata.meters.methods.vacancy.quarter_chain", "default_prior"): "reads the prior in package data",
}
"""(rule, module, function) exempt from a rule, with the reason; function `*` is the whole module."""

PURE = r"ons_bigdata\.(\w+\.methods|estimation)(\..+)?"
SOURCES = r"ons_bigdata\.\w+\.sources(\..+)?"
PLATFORM = r"ons_bigdata\.platform(\..+)?"
OPEN_TO_SOURCES = "ingest|calendar|pseudonyms|errors|lake.tables|printable|state_folder"
"""Parts of the platform that sources may import: landing and ledger, calendars, pseudonyms, errors, lake tables; for
collectors the display of texts from outside and private files."""
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
"""Rule, pattern of the modules under it, pattern of the names (import aliases resolved) that break it."""

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
"""Modules of the standard library with I/O, a clock, randomness or processes."""
PURE_LIBRARIES = {"polars", "numpy", "scipy", "sklearn", "numba", "pyproj", "convertbng", "dataframely"}
PURE_ROOTS = (set(sys.stdlib_module_names) - OUTSIDE) | PURE_LIBRARIES

VAGUE = re.compile(r"_*(utils?|helpers?|common|misc|base|managers?)")


class Reader(ast.NodeVisitor):
    """Collects imports, names and keyword arguments of a module, each with line and function."""

    def __init__(self, module: str, is_package: bool) -> None:
        """Start empty; `module` is the dotted name that relative imports are resolved against."""
        self.home = module.split(".") if is_package else module.split(".")[:-1]
        self.aliases: dict[str, str] = {}
        self.functions: list[str] = []
        self.imports: list[tuple[int, str, str]] = []
        self.names: list[tuple[int, str, str]] = []
        self.keywords: list[tuple[int, str, str]] = []

    def note(self, notes: list[tuple[int, str, str]], node: ast.expr | ast.stmt, name: str) -> None:
        notes.append((node.lineno, self.functions[-1] if self.functions else "", name))

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
        """Full name of an expression; `<…>` for a variable or a value without a name."""
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        if not isinstance(node, ast.Name):
            return "<…>"
        return self.aliases.get(node.id, node.id if hasattr(builtins, node.id) else "<…>")


def import_is_allowed(module: str, imported: str) -> bool:
    """True if a module may import a name. These are lists of the allowed; contracts list the forbidden."""
    pilot = ".".join(module.split(".")[:2])
    root = imported.split(".", maxsplit=1)[0]
    ours = root == "ons_bigdata"
    if re.fullmatch(PURE, module):
        allowed = rf"ons_bigdata\.estimation|{re.escape(pilot)}\.(schemas|methods)"
        return bool(re.match(rf"({allowed})\b", imported)) if ours else root in PURE_ROOTS
    if re.fullmatch(SOURCES, module) and ours:
        allowed = rf"{re.escape(pilot)}\.(schemas|sources|calendar)|ons_bigdata\.platform\.({OPEN_TO_SOURCES})"
        return bool(re.match(rf"({allowed})\b", imported))
    if re.fullmatch(PLATFORM, module) and ours:
        return bool(re.match(r"ons_bigdata\.(platform|settings|PROJECT_ROOT|__version__)\b", imported))
    return True


def broken_rules(source: str, module: str, is_package: bool) -> Iterator[tuple[str, int, str, str]]:
    """Yield (rule, line, function, name) of everything in a source text that breaks a rule."""
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
    """True if the exemptions cover it."""
    return (rule, module, function) in EXEMPT or (rule, module, "*") in EXEMPT


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """`module:line: rule: name` for each violation in a source text, without exemptions."""
    broken = broken_rules(source, module, is_package)
    return sorted(
        {f"{module}:{line}: {rule}: {name}" for rule, line, f, name in broken if not is_exempt(rule, module, f)}
    )


def modules() -> Iterator[tuple[str, str, bool]]:
    """Yield (source, dotted name, is a package) of each module of the package."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield file.read_text(encoding="utf-8"), ".".join(parts[:-1] if is_package else parts), is_package


METHOD, SOURCE = "ons_bigdata.prices.methods.recipes.forms", "ons_bigdata.prices.sources.scrape_files"
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
    ("import", SOURCE, "from ons_bigdata.tweets import calendar"),
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
    (SOURCE, "from ons_bigdata.prices.calendar import FIRST_DAY\nfrom ons_bigdata.prices.schemas import PriceQuote"),
    (SOURCE, "from pathlib import Path\nfrom ons_bigdata.platform.ingest.landing import Landing\nx = open('a')"),
    (SERVER, "import subprocess\nsubprocess.run(['ls'], shell=False)"),
    (SERVER, "from ons_bigdata.settings import Settings\nfrom .errors import InputError"),
    ("ons_bigdata.settings", "import os\nhome = os.environ"),
    ("ons_bigdata.cli", "print('done')"),
    (ASSETS, "def evaluate(frame):\n    return frame.eval, 'print(1)'  # eval(1)"),
]


@pytest.mark.parametrize(("rule", "module", "source"), RED)
def test_each_rule_detects_its_violation(rule: str, module: str, source: str):
    assert rule in {line.split(": ")[1] for line in violations(source, module)}


@pytest.mark.parametrize(("module", "source"), GREEN)
def test_allowed_code_passes(module: str, source: str):
    assert violations(source, module) == []


def test_a_violation_names_module_line_and_rule():
    assert violations("import math\n\nprint(math.pi)", ASSETS) == [f"{ASSETS}:3: print: print"]


def test_relative_imports_of_a_package_are_resolved_against_it():
    assert violations("from .jevons import x", "ons_bigdata.prices.methods", is_package=True) == []


def test_no_module_breaks_a_rule():
    assert [line for source, module, is_package in modules() for line in violations(source, module, is_package)] == []


def test_every_exemption_is_needed():
    used = {
        (rule, module, function)
        for source, module, is_package in modules()
        for rule, _, function, _ in broken_rules(source, module, is_package)
    }
    assert [key for key in EXEMPT if key[2] != "*" and key not in used] == []


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "_helpers", "common", "misc", "base", "manager"])
def test_a_vague_name_is_detected(name: str):
    assert VAGUE.fullmatch(name)


def test_no_file_or_folder_has_a_vague_name():
    tops = ("ons_bigdata", "dbt_project", "tests", "benchmarks", "scripts")
    inside = (path for top in tops for path in (ROOT / top).rglob("*") if "target" not in path.parts)
    assert [str(path.relative_to(ROOT)) for path in inside if VAGUE.fullmatch(path.stem)] == []


# Sizes of folders

MOST_MODULES = 15
COUNTED = ("*.py", "*.sql", "*.csv")
DBT_FOLDERS = ("dbt_project/models", "dbt_project/seeds", "dbt_project/macros", "dbt_project/tests")


def crowded(root: Path, tops: tuple[str, ...]) -> list[str]:
    """`folder: n modules` for each folder with too many modules of one kind; `__init__` is not counted."""
    over = []
    for top in tops:
        folders = [root / top, *(path for path in (root / top).rglob("*") if path.is_dir())]
        # Migrations are a history that only grows.
        folders = [folder for folder in folders if folder.name != "migrations"]
        for folder in folders:
            name = folder.relative_to(root).as_posix()
            most = max(len([path for path in folder.glob(kind) if path.stem != "__init__"]) for kind in COUNTED)
            if most > MOST_MODULES:
                over.append(f"{name}: {most} modules")
    return sorted(over)


def test_a_folder_with_sixteen_modules_is_named(tmp_path: Path):
    folder = tmp_path / "package" / "inner"
    folder.mkdir(parents=True)
    for name in ("__init__", *(f"m{number}" for number in range(15))):
        (folder / f"{name}.py").touch()
    (folder / "m.sql").touch()
    assert crowded(tmp_path, ("package",)) == []
    (folder / "m15.py").touch()
    assert crowded(tmp_path, ("package",)) == ["package/inner: 16 modules"]


def test_no_folder_has_more_than_fifteen_modules():
    assert crowded(ROOT, ("ons_bigdata", "tests", "benchmarks", "scripts", *DBT_FOLDERS)) == []
