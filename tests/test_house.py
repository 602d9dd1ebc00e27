"""The rules of the house that no linter knows: purity of core, sizes, words that must not be committed, documents that are true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

import pytest

import peertalk
from peertalk.commands.table import find

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "peertalk"
SOURCES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
ALL_PYTHON = [*SOURCES, *TESTS, *sorted((ROOT / "tools").rglob("*.py"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What core may import: values, bytes and mathematics. Everything else does I/O, tells time, or could.
PURE_MODULES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses", "enum", "functools", "hashlib",
    "heapq", "hmac", "ipaddress", "itertools", "math", "operator", "re", "string", "struct", "types", "typing", "unicodedata",
    "msgspec", "nacl", "peertalk.core", "peertalk.errors", "spake2",
}  # fmt: skip

# Names that draw randomness of their own: PyNaCl's key generation asks libsodium, which no test can patch.
DRAWS = {
    "crypto_box_keypair", "crypto_kx_keypair", "crypto_sign_keypair", "crypto_secretstream_xchacha20poly1305_keygen", "generate",
    "randombytes", "random_bytes", "SealedBox", "SystemRandom", "token_bytes", "urandom",
}  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) for every import of a file, deferred ones and those for types included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""


def committed() -> list[Path]:
    """Every text file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git working tree: what is committed cannot be told")
    paths = [ROOT / path for path in sorted(listed.stdout.decode().split("\0")) if path]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def functions(path: Path) -> Iterator[tuple[int, int]]:
    """(line, length in lines) of every function of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


# ── core is pure ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_imports_only_what_is_pure(path: Path) -> None:
    for line, module in imports(path):
        parents = {module.rsplit(".", n)[0] for n in range(module.count(".") + 1)}
        assert parents & PURE_MODULES, f"{name(path)}:{line}: core must not import {module}"


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_draws_no_randomness_of_its_own(path: Path) -> None:
    for node in ast.walk(tree(path)):
        used = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        assert used not in DRAWS, f"{name(path)}:{node.lineno}: randomness is an argument, {used} draws its own"


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_opens_nothing_and_imports_nothing_by_name(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input", "__import__", "exec", "eval"}, f"{name(path)}:{node.lineno}"


def test_nothing_forks() -> None:
    """What was drawn beforehand (core/entry.py, Salts) would be given out again in a copy of the process."""
    forks = re.compile(r"\bfork(pty)?\(|\bmultiprocessing\b|\bProcessPoolExecutor\b|\bpreexec_fn\b")
    assert [name(path) for path in SOURCES if forks.search(path.read_text(encoding="utf-8"))] == []


def test_core_was_found() -> None:
    assert PACKAGE / "core" / "wire.py" in CORE


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ALL_PYTHON, ids=name)
def test_a_file_stays_short(path: Path) -> None:
    limit = 500 if path in TESTS else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) < limit


def test_functions_are_short() -> None:
    lengths = sorted(length for path in SOURCES for _, length in functions(path))
    long = sum(length >= 35 for length in lengths)
    assert median(lengths) <= 12
    assert long <= len(lengths) / 10, f"{long} of {len(lengths)} functions have 35 lines or more"


# ── what must not be committed ───────────────────────────────────────────────────────────────────────────────────────

# Put together here, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
REGISTRY = re.compile(
    r"py" + r"pi\.(org|python\.org)|python" + r"hosted\.org|\bindex-" + r"url\b|find-" + r"links", re.IGNORECASE
)
MACHINE = re.compile(r"(?<![\w.$}~/-])/(" + "|".join(["ro" + "ot", "wo" + "rk", "op" + "t", "Use" + "rs"]) + r")/\w")
PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY-----")


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (UNFINISHED, "something left unfinished"),
        (REGISTRY, "the address of a package registry"),
        (MACHINE, "a path of one machine"),
        (PRIVATE_KEY, "a private key"),
    ],
)
def test_nothing_committed_holds(pattern: re.Pattern[str], what: str) -> None:
    found = [
        f"{name(path)}:{number}"
        for path in committed()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{what}: {', '.join(found)}"


IGNORE_WITH_REASON = re.compile(r"# type: ignore\[[a-z-]+(, ?[a-z-]+)*\]\s+(#|\()\s*\S+")
NOQA_WITH_REASON = re.compile(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+(#|\(|—|–|-)\s*\S+")


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_an_exception_from_a_check_names_its_code_and_its_reason(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for mark, form in (("# type: " + "ignore", IGNORE_WITH_REASON), ("# no" + "qa", NOQA_WITH_REASON)):
            assert mark not in line or form.search(line), f"{name(path)}:{number}: code and reason are missing"


@pytest.mark.parametrize("path", [path for path in TESTS if path.parent.name != "bench"], ids=name)
def test_tests_wait_for_events_and_never_sleep(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}:
            zero = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            chance = "uniform(" in ast.unparse(node)  # a random moment is what is tried, nothing is waited for
            assert zero or chance, f"{name(path)}:{node.lineno}: waits for time to pass, not for what should happen"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_names_say_what_a_thing_is(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "manager", "handler", "common", "misc"}
    assert not [node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef) and node.name.endswith("Manager")]


# ── documents are true ───────────────────────────────────────────────────────────────────────────────────────────────

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = [target for target, _ in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in target]
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_the_architecture_names_every_module() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {f"{path.parent.name}/" for path in SOURCES}
    modules = {path.name for path in SOURCES if len(path.relative_to(PACKAGE).parts) <= 2 and path.name != "__init__.py"}
    assert not sorted(shown for shown in rooms | modules if shown not in page)


def test_the_architecture_names_only_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = {path.name for path in ALL_PYTHON}
    assert not sorted(set(re.findall(r"\b\w+\.py\b", page)) - there)


def test_documents_name_only_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        page = path.read_text(encoding="utf-8")
        assert set(re.findall(r"`(?:sudo |[A-Z_]+=\w+ )*make ([a-z]+)", page)) <= targets, name(path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [word for word in re.findall(r"`/([a-z]+)", readme) if find(word) is None]


def test_documents_name_only_tests_that_exist() -> None:
    for document in [path for path in committed() if path.suffix == ".md"]:
        for file, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text(encoding="utf-8")):
            assert (ROOT / file).exists(), f"{name(document)}: {file}"
            code = (ROOT / file).read_text(encoding="utf-8")
            assert not test or re.search(rf"^(async )?def {test}\(", code, re.MULTILINE), f"{name(document)}: {file}::{test}"


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    pages = sorted(path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert [int(page[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert not [page for page in pages if page not in index]


def test_the_change_log_tells_of_this_version() -> None:
    assert peertalk.__version__ == PROJECT["project"]["version"]
    assert f"## {peertalk.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {normal(line) for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
    named = [
        *PROJECT["project"]["dependencies"],
        *(wanted for group in PROJECT["dependency-groups"].values() for wanted in group),
    ]
    assert not [line for line in lines if line and not line.startswith("#") and "==" not in line]
    assert not {normal(requirement) for requirement in named} - pins


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    libraries = {module.partition(".")[0] for path in SOURCES for _, module in imports(path)}
    libraries -= set(sys.stdlib_module_names) | {"peertalk"}
    sources = packages_distributions()
    declared = {normal(requirement) for requirement in PROJECT["project"]["dependencies"]}
    assert {normal(source) for library in libraries for source in sources[library]} == declared
