"""One executor's session at the command line: server, dashboard, display and signals around one run."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from prefect_swarm.cli.exits import EXIT_CODES, INTERRUPTED, UNTOLD
from prefect_swarm.cli.output import Output
from prefect_swarm.core.errors import RunHeld, SwarmError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.core.view import view_run
from prefect_swarm.flows.server import configured_server, private_server, require_server
from prefect_swarm.journal.home import state_folder
from prefect_swarm.journal.store import Journal

QUIET = {
    # Failures are told by the journal and shown by us; Prefect's own lines would tear the display apart.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True)
class Session:
    """What a person asked for when starting or resuming a run."""

    run_id: RunId
    plan: Plan
    settings: Settings
    output_dir: Path
    progress: bool
    dashboard: bool
    interactive: bool
    keep_server: bool


def hold_session(session: Session, journal: Journal, output: Output) -> int:
    """Execute the run to where it ends or is left, showing it meanwhile; gives the exit code.

    Raises RunHeld where another executor has the run, Unavailable where no server can be had.
    """
    holder = journal.holder(session.run_id)
    if holder is not None:
        raise RunHeld(
            f"run {session.run_id} is being executed by {holder}: watch it with `swarm watch {session.run_id}`"
        )
    journal.create(session.run_id, session.plan)
    with ExitStack() as stack:
        address = _dashboard(session, journal, output, stack)
        _server(session, output, stack)
        code = _execute(session, journal, output)
        if address is not None and sys.stdin.isatty() and not output.json:
            output.say(f"the dashboard stays at {address}; Ctrl-C ends it")
            _wait_for_interrupt()
    return code


def _dashboard(session: Session, journal: Journal, output: Output, stack: ExitStack) -> str | None:
    """Serve the journal while the session lasts, unless another streamer of it does; gives the page's address."""
    if not session.dashboard:
        return None
    from prefect_swarm.streamer.app import Streamer

    streamer = Streamer(journal, session.settings)
    address = streamer.start()
    stack.callback(streamer.stop)
    output.say(f"dashboard: {address.link}")
    return address.http


def _server(session: Session, output: Output, stack: ExitStack) -> None:
    """Have a Prefect server for the session, and the environment say where; before Prefect is imported."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    url = configured_server(os.environ)
    if url is not None:
        require_server(url)
        output.say(f"Prefect server: {url}")
        return
    home = state_folder(session.settings) / "prefect"
    server = stack.enter_context(
        private_server(home, timeout=session.settings.server_start_timeout, keep=session.keep_server, say=output.say)
    )
    os.environ.pop("PREFECT_API_KEY", None)
    os.environ.update(server.client_environment(home))
    output.say(f"Prefect server: {server.url} (password: {home / 'server.json'})")


def _execute(session: Session, journal: Journal, output: Output) -> int:
    output.say("loading Prefect")
    from prefect_swarm.flows.compile import compile_flow
    from prefect_swarm.tasks.execution import Control

    control = Control(questioner=_questioner(session, output))
    flow = compile_flow(session.plan, settings=session.settings, output=session.output_dir, control=control)
    with _shown(session, journal, output), _signals(control.draining, control.halt, output):
        told = _call(lambda: flow(run=session.run_id, return_state=True), output)
    state = journal.state(session.run_id, session.plan)
    _finish(session, state, output)
    return EXIT_CODES[state.status] if told or not _over(state) else UNTOLD


def _call(flow: Callable[[], object], output: Output) -> bool:
    """Call the flow; false where it broke off, which may be after its outcome was written to the journal."""
    try:
        flow()
    except SwarmError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever Prefect raises when its server is gone
        output.say(f"Prefect broke off: {type(error).__name__}: {error}")
        return False
    return True


def _over(state: RunState) -> bool:
    return state.status.ended or state.status is RunStatus.INTERRUPTED


@contextmanager
def _signals(draining: threading.Event, halt: Callable[[], None], output: Output) -> Iterator[None]:
    """Once Ctrl-C: finish what runs and leave; twice, or SIGTERM: end it now; a third time: leave at once."""

    def interrupted(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM or draining.is_set():
            if number == signal.SIGINT and halted.is_set():
                os._exit(INTERRUPTED)
            output.say("ending what runs")
            halted.set()
            halt()
        else:
            output.say("finishing what runs, then leaving; Ctrl-C again ends it now")
            draining.set()

    halted = threading.Event()
    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
