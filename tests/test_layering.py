"""The rooms of sphfield stand in a line: imports point upwards only, and heavy packages come in by their doors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "sphfield"
ROOMS = [
    "typing",
    "provenance",
    "networks",
    "spectra",
    "fields",
    "statistics",
    "ensembles",
    "learning",
    "figures",
    "io",
    "web",
    "exhibits",
    "cli",
]
DOORS = {  # package -> modules, or whole rooms, that may import it
    "IPython": {"ensembles.progress"},
    "astropy": {"fields.files", "io"},
    "dask": {"cli"},
    "healpy": {"fields.analysis", "fields.transforms", "fields.files", "io"},
    "jax": {"learning"},
    "matplotlib": {"figures"},
    "numba": {"_compiled", "fields.batched"},
    "rich": {"ensembles.progress"},
    "xarray": {"ensembles.store.labelled"},
    "zarr": {"ensembles.store"},
}
LATE = {*DOORS, "importlib.metadata", "scipy.special"}  # worth an import inside a function


class Import(NamedTuple):
    module: str  # who imports, without the leading "sphfield."
    line: int
    target: str  # the dotted name; "sphfield.a.b" for `from sphfield.a import b`
    inside: bool  # in a function
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, f"line {node.lineno}: write imports from the package's root"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def walk(node: ast.AST, inside: bool = False, typing_only: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, inside, typing_only
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        guarded = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        yield from walk(child, inside or function, typing_only or guarded)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_name(path): path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}  # lazy names
IMPORTS = [
    Import(module, getattr(node, "lineno", 0), target, inside, typing_only)
    for module, path in FILES.items()
    for node, inside, typing_only in walk(ast.parse(path.read_text(encoding="utf-8")))
    for target in names(node)
]
OWN = [i for i in IMPORTS if i.target.split(".")[0] == "sphfield"]


def within(name: str, packages: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def imported(target: str) -> str:
    """The module that `target` is, or is a name of; "" is the package's root."""
    name = target.removeprefix("sphfield").removeprefix(".")
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name


def test_every_module_is_in_a_room() -> None:
    assert {module.split(".")[0] for module in FILES} <= set(ROOMS)


def test_a_room_imports_only_from_itself_and_rooms_above() -> None:
    rank = {room: i for i, room in enumerate(ROOMS)}
    below = [
        i for i in OWN if imported(i.target) and rank[imported(i.target).split(".")[0]] > rank[i.module.split(".")[0]]
    ]
    assert not below, "\n".join(map(str, below))


def test_only_the_command_line_uses_the_lazy_names_of_the_root() -> None:
    # through the root every room could reach every other one unseen
    through = [i for i in OWN if not imported(i.target) and not within(i.module, {"cli"})]
    assert not through, "\n".join(map(str, through))


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: dict[str, set[str]] = {module: set() for module in FILES}
    for i in OWN:
        graph[i.module] |= {imported(i.target)} - {"", i.module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_heavy_packages_come_in_by_their_doors() -> None:
    stray = [
        i
        for i in IMPORTS
        for package, doors in DOORS.items()
        if within(i.target, {package}) and not i.typing_only
        if not within(i.module, doors) and i.module.split(".")[-1] not in doors
    ]
    assert not stray, "\n".join(map(str, stray))


def test_only_heavy_packages_are_imported_inside_functions() -> None:
    # the command line must answer --help without the library, so it imports what a command needs when it is called
    hidden = [i for i in IMPORTS if i.inside and not within(i.module, {"cli"}) and not within(i.target, LATE)]
    assert not hidden, "\n".join(map(str, hidden))
