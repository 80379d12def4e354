"""Nothing grows beyond what fits on a screen and in a head."""

import ast

from tests.house.sources import Function, Source, functions

LINES_OF_FUNCTION = 40
LINES_OF_MODULE = 400
NESTING = 3
POSITIONAL_ARGUMENTS = 5

# "path" or "path::function" -> why it is allowed to be larger.
EXCEPTIONS: dict[str, str] = {}

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def test_modules_are_short(all_sources: list[Source]) -> None:
    """A module has at most 400 lines."""
    wrong = {source.path.as_posix(): source.lines for source in all_sources if source.lines > LINES_OF_MODULE}

    assert not without_exceptions(wrong)


def test_functions_are_short(all_sources: list[Source]) -> None:
    """A function has at most 40 lines, its docstring included."""
    wrong = {
        place: lines for place, function in functions_of(all_sources) if (lines := length(function)) > LINES_OF_FUNCTION
    }

    assert not without_exceptions(wrong)


def test_functions_are_flat(all_sources: list[Source]) -> None:
    """Blocks lie at most three deep in one another."""
    wrong = {place: depth for place, function in functions_of(all_sources) if (depth := nesting(function)) > NESTING}

    assert not without_exceptions(wrong)


def test_functions_take_few_arguments(all_sources: list[Source]) -> None:
    """A function takes at most five arguments by position."""
    wrong = {
        place: count
        for place, function in functions_of(all_sources)
        if (count := positional(function)) > POSITIONAL_ARGUMENTS
    }

    assert not without_exceptions(wrong)


def test_exceptions_are_still_needed(all_sources: list[Source]) -> None:
    """An exception goes when what it excused has gone."""
    modules = {source.path.as_posix() for source in all_sources if source.lines > LINES_OF_MODULE}
    large = {
        place
        for place, function in functions_of(all_sources)
        if length(function) > LINES_OF_FUNCTION
        or nesting(function) > NESTING
        or positional(function) > POSITIONAL_ARGUMENTS
    }

    assert set(EXCEPTIONS) <= modules | large


def functions_of(sources: list[Source]) -> list[tuple[str, Function]]:
    """Return every function with its place, `path::name`."""
    return [
        (f"{source.path.as_posix()}::{name}", function) for source in sources for name, function in functions(source)
    ]


def without_exceptions(wrong: dict[str, int]) -> dict[str, int]:
    """Return what is too large and has no reason to be."""
    return {place: size for place, size in wrong.items() if place not in EXCEPTIONS}


def length(function: Function) -> int:
    """Return the number of lines from `def` to the end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def nesting(node: ast.AST) -> int:
    """Return how deep the blocks below a node lie in one another; functions and classes inside count for themselves."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        own = isinstance(child, BLOCKS) and not is_elif(node, child)
        deepest = max(deepest, own + nesting(child))
    return deepest


def is_elif(parent: ast.AST, child: ast.AST) -> bool:
    """Tell whether an `if` is the `elif` of another, which a reader does not see as deeper."""
    return isinstance(parent, ast.If) and isinstance(child, ast.If) and parent.orelse == [child]


def positional(function: Function) -> int:
    """Return how many arguments can be given by position, `self` and `cls` aside."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in {"self", "cls"}])
