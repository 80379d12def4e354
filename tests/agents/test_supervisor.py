"""How a program is run so that it can neither hang the run, nor flood it, nor outlive it."""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.agents.conftest import Script, processes_of

from prefect_swarm.agents.supervisor import GRACE, LOG_LIMIT, Ended, Ending, Job, end_marked, run_process
from prefect_swarm.core.errors import Fenced
from prefect_swarm.core.events import TAIL
from prefect_swarm.core.ids import RunId
from prefect_swarm.testing.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their environment in /proc")

SLACK = 1.5
"""Seconds that a busy machine may take on top."""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(600)"
DAEMONS = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
print('daemons begun')
"""
# A daemon that answers SIGTERM by leaving a child behind, so that one look at the process table is not enough.
HYDRA = """
import os, signal, time
def grow(*_):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    os._exit(0)
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, grow)
    print('daemon ready', flush=True)
    while True:
        time.sleep(1)
time.sleep(0.3)
"""
# Grandchildren that have left and go on filling the pipes for as long as somebody reads.
TALKERS = """
import os, sys
for stream in (1, 2) * 6:
    if os.fork() == 0:
        os.setsid()
        while True:
            os.write(stream, b'x' * 65536)
"""


def run(job: Job, stop: threading.Event | None = None) -> Ended:
    """Run a job to its end."""
    return run_process(job, stop=stop or threading.Event())


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os; os.abort()", -6),
    ],
)
def test_the_exit_code_is_told(script: Script, program: str, code: int) -> None:
    """A program that ends by itself has exited, with its code, or minus the signal that ended it."""
    ended = run(script(program))

    assert (ended.ending, ended.exit_code) == (Ending.EXITED, code)


def test_output_of_both_streams_is_kept(script: Script, tmp_path: Path) -> None:
    """Tail and log hold what was printed, in the order in which it came."""
    program = (
        "import sys, time; print('one'); time.sleep(0.2); print('two', file=sys.stderr); time.sleep(0.2); print('3')"
    )

    ended = run(script(program, log=str(tmp_path / "agent.log")))

    assert ended.output == "one\ntwo\n3\n"
    assert (tmp_path / "agent.log").read_text() == ended.output


def test_a_hanging_program_is_ended_at_its_deadline(script: Script) -> None:
    """A program that goes on is asked to end, and its time is told."""
    ended = run(script("import time; print('begun'); time.sleep(600)", timeout=0.6))

    assert (ended.ending, ended.exit_code, ended.output) == (Ending.TIMED_OUT, -signal.SIGTERM, "begun\n")
    assert 0.6 <= ended.seconds < 0.6 + SLACK


def test_a_program_that_does_not_listen_is_killed_after_the_grace(script: Script) -> None:
    """A program that ignores SIGTERM ends two seconds after its deadline."""
    ended = run(script(STUBBORN, timeout=0.6))

    assert (ended.ending, ended.exit_code) == (Ending.TIMED_OUT, -signal.SIGKILL)
    assert 0.6 + GRACE <= ended.seconds < 0.6 + GRACE + SLACK


def test_a_stopped_program_is_killed_after_the_grace(script: Script) -> None:
    """A program that has been frozen cannot listen, and ends all the same."""
    ended = run(script("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", timeout=0.6))

    assert (ended.ending, ended.exit_code) == (Ending.TIMED_OUT, -signal.SIGKILL)


def test_a_silent_program_is_ended(script: Script) -> None:
    """Who says nothing for the idle time is ended, long before the deadline."""
    ended = run(script("import time; print('begun'); time.sleep(600)", idle_timeout=0.6))

    assert ended.ending is Ending.IDLE
    assert ended.seconds < 0.6 + SLACK + 1.0


def test_a_talking_program_is_not_idle(script: Script) -> None:
    """Whoever says something from time to time, on either stream, is at work."""
    program = (
        "import sys, time\nfor n in range(6):\n    print(n, file=(sys.stdout, sys.stderr)[n % 2]); time.sleep(0.3)"
    )

    ended = run(script(program, idle_timeout=1.2))

    assert (ended.ending, ended.output) == (Ending.EXITED, "0\n1\n2\n3\n4\n5\n")


def test_an_endless_talker_is_ended_at_its_deadline(script: Script) -> None:
    """Output without end is no way to live for ever."""
    ended = run(script("while True: print('x' * 1000)", timeout=0.8))

    assert ended.ending is Ending.TIMED_OUT
    assert ended.seconds < 0.8 + SLACK


def test_the_sign_to_stop_ends_it(script: Script) -> None:
    """When the run is stopped its programs end at once."""
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()

    ended = run(script("import time; time.sleep(600)"), stop)

    assert ended.ending is Ending.STOPPED
    assert ended.seconds < 0.5 + SLACK


def test_closed_streams_do_not_end_a_program(script: Script) -> None:
    """A program that closes its output is still waited for."""
    ended = run(script("import os, time; os.close(1); os.close(2); time.sleep(0.6); os._exit(3)"))

    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 3)
    assert ended.seconds >= 0.6


def test_nothing_is_left_of_daemons(script: Script, run_id: RunId) -> None:
    """Twenty processes that forked twice and made sessions of their own are gone within five seconds."""
    begun = time.monotonic()

    ended = run(script(DAEMONS, "20"))

    assert "daemons begun" in ended.output
    assert processes_of(run_id) == []
    assert time.monotonic() - begun < 5.0 + SLACK


def test_nothing_is_left_of_a_tree_that_is_ended(script: Script, run_id: RunId) -> None:
    """When a program is out of time its children end with it, those too that do not listen."""
    child = f"subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])"
    program = f"import subprocess, sys, time\nfor _ in range(5): {child}\ntime.sleep(600)"

    ended = run(script(program, timeout=1.5))

    assert ended.ending is Ending.TIMED_OUT
    assert processes_of(run_id) == []


def test_nothing_is_left_of_a_daemon_that_grows_when_it_is_told_to_end(script: Script, run_id: RunId) -> None:
    """What is born while the rest is being ended is ended too."""
    ended = run(script(HYDRA))

    assert "daemon ready" in ended.output
    assert processes_of(run_id) == []


def test_held_pipes_do_not_hold_up_the_end(script: Script) -> None:
    """A grandchild that keeps the streams open is not waited for."""
    ended = run(script(DAEMONS, "1"))

    assert ended.ending is Ending.EXITED
    assert ended.seconds < GRACE + SLACK


def test_a_grandchild_that_talks_for_ever_does_not_hold_up_the_end(script: Script) -> None:
    """When the program has ended, what it left behind is not listened to any more."""
    job, found = script(TALKERS), list[Ended]()
    thread = threading.Thread(target=lambda: found.append(run(job)), daemon=True)

    thread.start()
    thread.join(GRACE + 6.0)
    if not found:
        end_marked({"SWARM_RUN": job.environment["SWARM_RUN"]})

    assert [ended.ending for ended in found] == [Ending.EXITED]


def test_other_runs_are_left_alone(script: Script, tmp_path: Path) -> None:
    """Ending one attempt's processes touches no process of another attempt of the same run."""
    job = script("import time; print('ready'); time.sleep(600)")
    other = Job(job.argv, job.cwd, {**job.environment, "SWARM_ATTEMPT": "2"}, timeout=30.0, log=str(tmp_path / "log"))
    stop, found = threading.Event(), list[Ended]()
    thread = threading.Thread(target=lambda: found.append(run(other, stop)))
    thread.start()
    wait_for(lambda: (tmp_path / "log").exists() and run_id_processes(job) == 1, what="the other attempt")

    run(script("pass"))
    alive = run_id_processes(job)
    stop.set()
    thread.join()

    assert alive == 1
    assert found[0].ending is Ending.STOPPED


def test_whoever_carries_the_marker_is_ended_but_not_ourselves(
    script: Script, monkeypatch: pytest.MonkeyPatch, run_id: RunId
) -> None:
    """Agents of a killed executor are found by the run, and who looks for them does not end itself."""
    monkeypatch.setenv("SWARM_RUN", run_id)
    job = script("import time; time.sleep(600)")
    process = os.posix_spawn(job.argv[0], job.argv, dict(job.environment))
    wait_for(lambda: run_id_processes(job), bool, what="the agent")

    ended = end_marked({"SWARM_RUN": run_id})

    assert ended == 1
    assert os.waitpid(process, 0)[1] != 0


def test_nobody_is_ended_by_who_is_not_sure(script: Script) -> None:
    """Whoever loses the right to end a run's agents before they are ended leaves them alone."""
    job = script("import time; time.sleep(600)")
    marker = {"SWARM_RUN": job.environment["SWARM_RUN"]}
    process = os.posix_spawn(job.argv[0], job.argv, dict(job.environment))
    wait_for(lambda: run_id_processes(job), bool, what="the agent")

    def unsure() -> None:
        raise Fenced("the run was taken over")

    with pytest.raises(Fenced):
        end_marked(marker, sure=unsure)

    assert run_id_processes(job) == 1
    end_marked(marker)
    os.waitpid(process, 0)


def test_a_flood_is_kept_within_bounds(script: Script, tmp_path: Path) -> None:
    """Twenty megabytes on both streams at once leave a log of ten, a short tail, and no mark on our memory."""
    program = (
        "import os, threading\n"
        "def pour(stream):\n"
        "    for _ in range(160): os.write(stream, b'y' * 65535 + b'\\n')\n"
        "threads = [threading.Thread(target=pour, args=(stream,)) for stream in (1, 2)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "os.write(1, b'the end')\n"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ended = run(script(program, log=str(tmp_path / "agent.log")))

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024  # MB
    log = (tmp_path / "agent.log").read_bytes()
    dropped = 2 * 160 * 65536 + len(b"the end") - LOG_LIMIT
    assert ended.output.endswith("the end")
    assert len(ended.output) <= TAIL
    assert log[LOG_LIMIT:] == f"\n[{dropped} more bytes were not kept]\n".encode()
    assert grown < 20


def test_one_line_of_sixty_megabytes_is_no_trouble(script: Script) -> None:
    """A line without end is cut for whoever listens, is never held in memory, and the lines after it arrive."""
    lines = list[str]()
    program = "import os\nfor _ in range(60): os.write(1, b'z' * 1_000_000)\nprint('\\nafter')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ended = run_process(script(program), stop=threading.Event(), on_line=lines.append)

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024  # MB
    assert grown < 20
    assert [len(line) for line in lines] == [64 * 1024, 5]
    assert lines[1] == "after"
    assert ended.ending is Ending.EXITED


def test_lines_arrive_whole_however_they_are_written(script: Script) -> None:
    """A line that is written in pieces is one line, the last one counts without its end, stderr has no lines for us."""
    lines = list[str]()
    program = (
        "import sys, time\n"
        "for piece in ('on', 'e\\ntw', 'o\\n\\nla', 'st'): sys.stdout.write(piece); time.sleep(0.1)\n"
        "print('not for us', file=sys.stderr)"
    )

    run_process(script(program), stop=threading.Event(), on_line=lines.append)

    assert lines == ["one", "two", "", "last"]


def test_what_is_no_text_is_shown_as_such(script: Script) -> None:
    """Bytes that are no UTF-8 are replaced, and what is text between them is kept."""
    lines = list[str]()
    program = "import os; os.write(1, b'\\xff\\xfe good \\xc3\\n\\xf0\\x9f\\x98\\x80')"

    ended = run_process(script(program), stop=threading.Event(), on_line=lines.append)

    assert lines == ["\ufffd\ufffd good \ufffd", "\U0001f600"]
    assert ended.output == "\ufffd\ufffd good \ufffd\n\U0001f600"


def test_a_program_reads_nothing_unless_told_to(script: Script, tmp_path: Path) -> None:
    """Standard input is empty, or the file that the job names, byte by byte."""
    given = tmp_path / "in.bin"
    given.write_bytes(b"a\x00\xff\r\nb")
    program = "import sys; print(sys.stdin.buffer.read())"

    assert run(script(program)).output == "b''\n"
    assert run(script(program, stdin=str(given))).output == "b'a\\x00\\xff\\r\\nb'\n"


@pytest.mark.parametrize("argv", [("/nowhere/x",), ("",), ("a\x00b",), (sys.executable, "\x00")])
def test_what_cannot_be_started_is_told_as_such(script: Script, argv: tuple[str, ...]) -> None:
    """A missing program, or words that no program can be given, are an OSError that says so."""
    with pytest.raises(OSError, match=r"No such file|Permission denied|embedded null byte"):
        run(script("", argv=argv))


def test_handles_are_given_back(script: Script) -> None:
    """Running programs leaves no file open."""
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        run(script("print('x')"))

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def run_id_processes(job: Job) -> int:
    """Count the living processes of a job's run."""
    return len(processes_of(RunId(job.environment["SWARM_RUN"])))
