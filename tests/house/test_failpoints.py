"""Each failpoint stands in exactly one place of the product, where its name says."""

import ast

from tests.house.sources import Source

from prefect_swarm.journal.failpoint import NAMES

PLACES = {
    "before_claim": "tasks/attempt.py",
    "after_claim": "tasks/attempt.py",
    "after_spawn": "agents/supervisor.py",
    "after_exit": "tasks/attempt.py",
    "before_stage": "tasks/attempt.py",
    "after_stage": "tasks/attempt.py",
    "after_fsync": "journal/checkpoints.py",
    "after_rename": "journal/checkpoints.py",
    "before_commit": "journal/store.py",
    "after_commit": "journal/store.py",
    "before_outbox_ack": "journal/store.py",
    "before_return": "tasks/attempt.py",
}


def test_each_failpoint_is_passed_in_its_place(room_sources: list[Source]) -> None:
    """Every name marks one place, and no place has another name."""
    found = [(name, source.path.as_posix()) for source in room_sources for name in _passed(source)]

    assert sorted(found) == sorted(PLACES.items())
    assert set(PLACES) == set(NAMES)


def _passed(source: Source) -> list[str]:
    """Return the names with which a module calls `failpoint`."""
    return [
        ast.literal_eval(node.args[0])
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failpoint"
    ]
