"""Everything that has a name says what it is for, and nothing does what the house does not do."""

import ast
from collections.abc import Iterator

from tests.house.sources import Source

FORBIDDEN_CALLS = {"eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "marshal", "shelve", "dill"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def test_every_module_says_which_question_it_answers(all_sources: list[Source]) -> None:
    """Every module has a docstring."""
    wrong = [source.path.as_posix() for source in all_sources if not ast.get_docstring(source.tree)]

    assert not wrong


def test_everything_public_states_its_contract(all_sources: list[Source]) -> None:
    """Every public class and function has a docstring, and so has every test."""
    wrong = [
        f"{source.at(node)} {node.name}"
        for source in all_sources
        for node in public_definitions(source.tree)
        if not ast.get_docstring(node)
    ]

    assert not wrong


def test_tests_are_told_in_one_sentence(suite_sources: list[Source]) -> None:
    """The docstring of a test begins with one sentence on one line."""
    wrong = [
        f"{source.at(node)} {node.name}"
        for source in suite_sources
        for node in public_definitions(source.tree)
        if node.name.startswith("test_") and not (ast.get_docstring(node) or "").partition("\n")[0].endswith(".")
    ]

    assert not wrong


def test_nothing_runs_text_as_code(all_sources: list[Source]) -> None:
    """No shell, no eval, no pickle, no YAML that builds objects."""
    wrong = [f"{source.at(node)}: {ast.unparse(node)}" for source in all_sources for node in dangers(source.tree)]

    assert not wrong


def public_definitions(node: ast.AST) -> Iterator[Definition]:
    """Yield the public functions and classes of a module or class; what is inside a function is its own affair."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Definition) or child.name.startswith("_"):
            continue
        if not is_overload(child):
            yield child
        if isinstance(child, ast.ClassDef):
            yield from public_definitions(child)


def is_overload(node: Definition) -> bool:
    """Tell whether a definition is one of several signatures of the function that follows."""
    return any(ast.unparse(decorator) in {"overload", "typing.overload"} for decorator in node.decorator_list)


def dangers(tree: ast.Module) -> Iterator[ast.stmt | ast.expr]:
    """Yield every node that would run text as code."""
    for node in ast.walk(tree):
        match node:
            case ast.Call() if is_dangerous(node):
                yield node
            case ast.Import(names=names) if FORBIDDEN_MODULES & {alias.name for alias in names}:
                yield node
            case ast.ImportFrom(module=str(module)) if module in FORBIDDEN_MODULES:
                yield node
            case _:
                continue


def is_dangerous(call: ast.Call) -> bool:
    """Tell whether a call hands text to a shell or an interpreter."""
    shell = any(
        keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        for keyword in call.keywords
    )
    return shell or ast.unparse(call.func) in FORBIDDEN_CALLS
