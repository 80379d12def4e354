"""How the engine finds out itself whether an item is done."""

import hashlib
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_swarm.core.events import TAIL, Evidence
from prefect_swarm.core.requirement import Check, ContainsCheck, FileCheck, RunCheck
from prefect_swarm.tasks.checks import rehearsed, run_check

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a few files, and something outside that is nobody's business."""
    folder = tmp_path / "desk"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "pay.py").write_text("def refund():\n    return 1\n")
    (folder / "empty.txt").touch()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "door").symlink_to(tmp_path / "outside")
    (folder / "inner.txt").symlink_to("src/pay.py")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("no-such-file")
    return folder


def look(check: Check, workspace: Path, *, stop: bool = False) -> Evidence:
    """Run a check in the workspace."""
    sign = threading.Event()
    if stop:
        sign.set()
    return run_check(check, workspace, ENVIRONMENT, sign)


def python(program: str, **options: float) -> RunCheck:
    """Make a check of a Python program."""
    return RunCheck.model_validate({"argv": (sys.executable, "-c", program), **options})


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        (python("pass"), True),
        (python("raise SystemExit(1)"), False),
        (python("raise SystemExit(3)", exit_code=3), True),
        (python("pass", exit_code=3), False),
        (python("open('src/pay.py')"), True),
        (FileCheck(path="src/pay.py"), True),
        (FileCheck(path="src"), True),
        (FileCheck(path="empty.txt"), True),
        (FileCheck(path="inner.txt"), True),
        (FileCheck(path="**/*.py"), True),
        (FileCheck(path="src/*.rb"), False),
        (FileCheck(path="src/other.py"), False),
        (FileCheck(path="nowhere"), False),
        (ContainsCheck(file="src/pay.py", text="refund()"), True),
        (ContainsCheck(file="src/pay.py", text="Refund()"), False),
        (ContainsCheck(file="src/pay.py", pattern=r"^\s+return \d$"), True),
        (ContainsCheck(file="src/pay.py", pattern=r"^return"), False),
        (ContainsCheck(file="inner.txt", text="refund"), True),
        (ContainsCheck(file="empty.txt", text="x"), False),
        (ContainsCheck(file="src", text="x"), False),
        (ContainsCheck(file="none.txt", text="x"), False),
        (ContainsCheck(file="loop", text="x"), False),
    ],
    ids=str,
)
def test_a_check_passes_where_what_it_asks_for_is_so(workspace: Path, check: Check, passed: bool) -> None:  # noqa: FBT001 - what is expected
    """Each kind of check passes and fails by what lies in the workspace, and either way it was not broken."""
    found = look(check, workspace)

    assert (found.passed, found.broken) == (passed, False)
    assert found.kind == check.kind


@pytest.mark.parametrize(
    "check",
    [
        RunCheck(argv=("no-such-program-anywhere",)),
        RunCheck(argv=("src/pay.py",)),
        RunCheck(argv=("a\x00b",)),
        FileCheck(path="."),
        FileCheck(path="../secret.txt"),
        FileCheck(path="/etc/passwd"),
        ContainsCheck(file="src/pay.py", pattern="("),
        ContainsCheck(file="a\x00b", text="x"),
        ContainsCheck(file="../secret.txt", text="secret"),
    ],
    ids=repr,
)
def test_a_check_that_cannot_be_run_is_broken(workspace: Path, check: Check) -> None:
    """The fault is the check's, not the agent's, and it says what is wrong with it."""
    found = look(check, workspace)

    assert (found.passed, found.broken) == (False, True)
    assert found.output


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.txt", "src/../../secret.txt", "../*", "../**/*.txt", "..", "../desk", "../desk/src/pay.py"),
        *("link.txt", "door", "door/x.txt", "door/*", "door/../secret.txt", "src/../link.txt"),
        *("/etc/passwd", "//etc/passwd", "/", "{secret}", "{workspace}/../secret.txt", "~/x"),
    ],
)
def test_nothing_outside_of_the_workspace_passes(workspace: Path, path: str) -> None:
    """Parents, absolute paths and symbolic links lead out, and what is there proves nothing and is not read."""
    path = path.format(secret=workspace.parent / "secret.txt", workspace=workspace)

    found = look(FileCheck(path=path), workspace)
    read = look(ContainsCheck(file=path, pattern="secret|root"), workspace)

    assert not found.passed
    assert not read.passed
    assert (found.digests, read.digests) == ({}, {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.sampled_from(["..", "door", "link.txt", "src", "*", "**", "", "/", ".", "loop"]), min_size=1, max_size=6
    )
)
def test_no_way_leads_out_of_the_workspace(workspace: Path, parts: list[str]) -> None:
    """However a path is put together, a check never raises and never tells of a file outside."""
    found = look(FileCheck(path="/".join(parts) or "/"), workspace)

    assert "secret" not in found.output
    assert all((workspace / name).resolve().is_relative_to(workspace) for name in found.digests)


def test_a_program_leaves_evidence(workspace: Path) -> None:
    """Command, exit code, duration and the tail of its output are kept."""
    program = "import sys; print('x' * 10_000, flush=True); print('the end', file=sys.stderr); raise SystemExit(2)"

    found = look(python(program), workspace)

    assert found.command == (sys.executable, "-c", program)
    assert (found.exit_code, found.passed) == (2, False)
    assert found.output.endswith("the end\n")
    assert len(found.output) <= TAIL
    assert 0 < found.seconds < 10


def test_files_leave_evidence(workspace: Path) -> None:
    """The digest of what was found is kept, so that it can be told later whether it is still the same."""
    digest = hashlib.sha256((workspace / "src" / "pay.py").read_bytes()).hexdigest()

    assert look(FileCheck(path="src/*.py"), workspace).digests == {"src/pay.py": digest}
    assert look(ContainsCheck(file="src/pay.py", text="refund"), workspace).digests == {"src/pay.py": digest}
    assert look(FileCheck(path="src"), workspace).digests == {}


def test_many_files_leave_little_evidence(workspace: Path) -> None:
    """A glob that finds thousands names twenty."""
    for number in range(300):
        (workspace / f"{number:03}.dat").touch()

    found = look(FileCheck(path="*.dat"), workspace)

    assert found.passed
    assert len(found.output.splitlines()) == len(found.digests) == 20


def test_a_program_that_hangs_fails(workspace: Path) -> None:
    """It is ended after its time, and the evidence says why it did not pass."""
    found = look(python("import time; print('begun', flush=True); time.sleep(600)", timeout=0.5), workspace)

    assert (found.passed, found.broken) == (False, False)
    assert found.output == "begun\n\nstill running after 0.5 s"


def test_a_program_that_hangs_does_not_pass_by_the_signal_that_ends_it(workspace: Path) -> None:
    """An expected exit code counts only where the program ended by itself."""
    assert not look(python("import time; time.sleep(600)", timeout=0.5, exit_code=-15), workspace).passed


def test_a_check_ends_with_the_run(workspace: Path) -> None:
    """When the run is stopped a running check proves nothing any more."""
    begun = time.monotonic()

    found = look(python("import time; time.sleep(600)"), workspace, stop=True)

    assert not found.passed
    assert time.monotonic() - begun < 5


def test_a_check_sees_only_the_environment_it_is_given(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own variables do not reach the programs of checks."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_1")

    assert look(python("import os; assert 'PREFECT_API_KEY' not in os.environ"), workspace).passed


def test_a_fifo_does_not_hold_up_a_check(workspace: Path) -> None:
    """It is there, but it contains nothing."""
    os.mkfifo(workspace / "pipe")

    assert look(FileCheck(path="pipe"), workspace).passed
    assert not look(ContainsCheck(file="pipe", pattern=".*"), workspace).passed


def test_a_file_whose_name_is_no_text_leaves_evidence_that_is(workspace: Path) -> None:
    """Evidence can be written down whatever agents call their files."""
    (Path(os.fsdecode(os.fsencode(workspace) + b"/bad\xff.csv"))).touch()

    found = look(FileCheck(path="*.csv"), workspace)

    assert found.passed
    assert found.output == "bad\ufffd.csv"
    assert list(found.digests) == ["bad\ufffd.csv"]


def test_a_file_that_is_no_text_is_searched_all_the_same(workspace: Path) -> None:
    """Bytes that are no UTF-8 do not keep the text around them from being found."""
    (workspace / "mixed.bin").write_bytes(b"\xff\xfe needle \x00\xc3")

    assert look(ContainsCheck(file="mixed.bin", text="needle"), workspace).passed


@pytest.mark.parametrize(
    "check", [python("raise SystemExit(1)"), FileCheck(path="none"), ContainsCheck(file="x", text="y")]
)
def test_a_rehearsed_check_passes_and_says_that_it_looked_at_nothing(check: Check) -> None:
    """Its evidence can never be taken for a proof."""
    found = rehearsed(check)

    assert (found.passed, found.rehearsed, found.output) == (True, True, "rehearsal: not checked")
