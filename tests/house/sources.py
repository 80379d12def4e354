"""The sources as the rules of the house see them: parsed, never imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed file."""

    path: Path
    module: str
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The room that the file lies in."""
        return self.path.parts[0]

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Return the place of a node as an editor understands it."""
        return f"{self.path}:{node.lineno}"


def parsed(path: Path) -> Source:
    """Parse one file, named relative to the repository."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    dotted = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Source(path, f"prefect_swarm.{dotted}", ast.parse(text), len(text.splitlines()))


def python_files(folder: str) -> list[Path]:
    """Return the Python files below a folder, relative to the repository, in a fixed order."""
    return sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / folder).rglob("*.py"))


def functions(source: Source) -> Iterator[tuple[str, Function]]:
    """Yield every function of a module with its dotted name, methods and inner functions included."""
    yield from _functions_below(source.tree, "")


def _functions_below(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{prefix}.{child.name}".lstrip(".")
            if not isinstance(child, ast.ClassDef):
                yield name, child
        yield from _functions_below(child, name)


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every imported name in full, wherever in the file the import stands."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
