"""Which files an attempt touched."""

import hashlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_swarm.core.events import FileChange
from prefect_swarm.tasks import workspace
from prefect_swarm.tasks.workspace import FILES, IGNORED, Listing, changes, list_files


def digest(text: str) -> str:
    """Give the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_created_changed_and_deleted_files_are_told(tmp_path: Path) -> None:
    """Each change is told with size and digest, in the order of the paths, deletions last."""
    for name in ("same", "changed", "gone"):
        (tmp_path / name).write_text(name)
    before = list_files(tmp_path)

    (tmp_path / "changed").write_text("other")
    (tmp_path / "gone").unlink()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "made.txt").write_text("new")

    assert changes(tmp_path, before) == (
        FileChange(path="a/b/made.txt", change="created", size=3, sha256=digest("new")),
        FileChange(path="changed", change="changed", size=5, sha256=digest("other")),
        FileChange(path="gone", change="deleted"),
    )


def test_nothing_done_is_no_change(tmp_path: Path) -> None:
    """Reading files, and empty folders, are no result."""
    (tmp_path / "read.txt").write_text("x")
    before = list_files(tmp_path)

    (tmp_path / "read.txt").read_text()
    (tmp_path / "empty").mkdir()

    assert changes(tmp_path, before) == ()


def test_a_change_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    """The time of change counts beside the size."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    before = list_files(tmp_path)

    path.write_text("two")
    os.utime(path, ns=(0, before["a.txt"][1] + 1))

    assert [one.sha256 for one in changes(tmp_path, before)] == [digest("two")]


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_folders_that_are_nobodys_result_are_passed_over(tmp_path: Path, name: str) -> None:
    """What lies in them is no change, at any depth, but a file of that name is."""
    before = list_files(tmp_path)

    (tmp_path / "deep" / name / "x").mkdir(parents=True)
    (tmp_path / "deep" / name / "x" / "y.txt").write_text("y")
    (tmp_path / name).write_text("a file")

    assert [one.path for one in changes(tmp_path, before)] == [name]


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a link to a file nor one to a folder, nor a circle, brings anything in from outside."""
    outside, folder = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.txt").write_text("secret")
    before = list_files(folder)

    (folder / "file").symlink_to(outside / "secret.txt")
    (folder / "door").symlink_to(outside)
    (folder / "circle").symlink_to(folder)

    assert changes(folder, before) == ()


def test_what_is_no_file_does_not_block(tmp_path: Path) -> None:
    """Pipes and sockets are no result, and nobody waits at them."""
    before = list_files(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        handle = os.open(tmp_path, os.O_RDONLY)
        door.bind(f"/proc/self/fd/{handle}/socket" if Path("/proc/self/fd").exists() else str(tmp_path / "socket"))
        os.close(handle)

        assert changes(tmp_path, before) == ()


def _link_out(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _stay_away(_path: Path) -> None:
    return


@pytest.mark.parametrize("swap", [os.mkfifo, _link_out, Path.mkdir, _stay_away])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_swapped_while_it_is_looked_at_is_not_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[Path], None],
    known: bool,  # noqa: FBT001 - both ways
) -> None:
    """Between the listing and the digest a file may become anything; then it is deleted, or it never was."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    before = list_files(tmp_path) if known else {}
    path.write_text("another")
    listed = list_files(tmp_path)
    path.unlink()
    swap(path)

    def list_files_of_a_moment_ago(_folder: Path) -> Listing:
        return listed

    # No timing could hit the instant between the two looks.
    monkeypatch.setattr(workspace, "list_files", list_files_of_a_moment_ago)

    assert changes(tmp_path, before) == ((FileChange(path="a.txt", change="deleted"),) if known else ())


def test_a_file_that_is_shut_is_told_without_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent may make files that we cannot read."""
    (tmp_path / "shut.txt").write_text("four")

    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the suite may run as root, to whom nothing is shut

    assert changes(tmp_path, {}) == (FileChange(path="shut.txt", change="created", size=4),)


def test_files_that_come_and_go_do_not_disturb_the_listing(tmp_path: Path) -> None:
    """Agents work beside each other, so files vanish while they are listed."""
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            for number in range(20):
                (tmp_path / f"{number}").write_text("x")
            for number in range(20):
                (tmp_path / f"{number}").unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    for _ in range(200):
        assert all(size in {0, 1} for size, _ in list_files(tmp_path).values())
        assert len(changes(tmp_path, {})) <= 20
    done.set()
    thread.join()


def test_a_name_that_is_no_text_can_be_written_down(tmp_path: Path) -> None:
    """Whatever an agent calls its files, their record is text."""
    names = (b"bad\xff.txt", b"line\nbreak", b" ", b"\xf0\x9f\x98\x80", b"<from>")
    for name in names:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text("x")

    found = {one.path for one in changes(tmp_path, {})}

    assert found == {"bad\ufffd.txt", "line\nbreak", " ", "\U0001f600", "<from>"}
    assert all(path.encode() for path in found)


def test_a_flood_of_files_is_cut(tmp_path: Path) -> None:
    """At most a thousand changes are told, and no file beyond them is read."""
    for number in range(FILES + 50):
        (tmp_path / f"{number:05}").touch()

    found = changes(tmp_path, {f"z{number}": (0, 0) for number in range(50)})

    assert len(found) == FILES
    assert {one.change for one in found} == {"created"}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=4)),
    st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=4)),
)
def test_the_changes_lead_from_one_state_to_the_other(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    """For any two states of a folder, exactly what differs is told."""
    folder = tmp_path_factory.mktemp("work")
    for name, content in old.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, ns=(0, 0))
    before = list_files(folder)

    for name in old.keys() - new.keys():
        (folder / name).unlink()
    for name, content in new.items():
        if old.get(name) != content:
            (folder / name).write_bytes(content)

    found = {one.path: one.change for one in changes(folder, before)}
    assert {name for name, change in found.items() if change == "created"} == new.keys() - old.keys()
    assert {name for name, change in found.items() if change == "deleted"} == old.keys() - new.keys()
    assert {name for name, change in found.items() if change == "changed"} == {
        name for name in old.keys() & new.keys() if old[name] != new[name]
    }
