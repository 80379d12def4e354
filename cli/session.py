"""One executor's session at the command line: server, dashboard, display and signals around one run."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from types import FrameType
from typing import TYPE_CHECKING

from prefect_swarm.cli.exits import INTERRUPTED, UNTOLD
from prefect_swarm.cli.outcome import EXIT_CODES
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.questions import ask_at_terminal
from prefect_swarm.cli.servers import find_configured, prefect_server
from prefect_swarm.cli.wishes import Wishes
from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.core.view import view_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.tenure import Tenure

if TYPE_CHECKING:
    from prefect_swarm.cli.display import ProgressDisplay


class Session:
    """One run, executed in this process from where it stands to where it ends or is left."""

    def __init__(self, journal: Journal, run_id: RunId, plan: Plan, *, settings: Settings, wishes: Wishes) -> None:
        """Prepare; nothing is started before `hold`."""
        self._journal, self._run_id, self._plan = journal, run_id, plan
        self._settings, self._wishes = settings, wishes

    def hold(self, output: Output) -> int:
        """Execute the run and give the exit code.

        Raises RunHeld where another executor has the run, Unavailable where no Prefect server can be had.
        """
        url = find_configured()
        self._journal.create(self._run_id, self._plan)
        with ExitStack() as stack:
            control = self._take(stack)
            output.tell(f"run {self._run_id}: at most {self._settings.max_parallel} agents at once")
            served = self._serve(output, stack)
            keep = self._wishes.keep_server
            stack.enter_context(prefect_server(url, self._settings, keep=keep, say=output.tell))
            code = self._execute(control, output)
            if served and output.at_terminal:
                output.tell("the dashboard stays until Ctrl-C")
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return code

    def _take(self, stack: ExitStack) -> Control:
        """Take the run's lease before anything slow is begun: whoever comes second leaves at once."""
        control = Control(commanded=True)
        period = self._settings.lease_seconds
        control.tenure = Tenure(self._journal, self._run_id, period=period, lost=control.give_up)
        stack.enter_context(control.tenure)
        return control

    def _serve(self, output: Output, stack: ExitStack) -> bool:
        """Serve the dashboard while the session lasts, unless another process of ours does; true where we serve."""
        if not self._wishes.dashboard:
            return False
        from prefect_swarm.streamer.app import Streamer  # noqa: PLC0415 - FastAPI, for who asks for it
        from prefect_swarm.streamer.guard import Role  # noqa: PLC0415

        streamer = stack.enter_context(Streamer(self._journal, self._settings))
        for sentence in streamer.avoided:
            output.tell(sentence)
        output.tell(f"dashboard: {streamer.link(Role.DECIDE)}")
        return not streamer.joined

    def _execute(self, control: Control, output: Output) -> int:
        output.tell("loading Prefect")
        from prefect_swarm.flows.compile import compile_flow  # noqa: PLC0415 - Prefect, and only now: see prefect_server
        from prefect_swarm.flows.settle import settle  # noqa: PLC0415

        control.questioner = ask_at_terminal(self._plan, output) if self._wishes.interactive else None
        flow = compile_flow(self._plan, settings=self._settings, output=self._wishes.output_dir, control=control)
        with _signals(control, output), self._shown(output):
            told = _call(lambda: flow(run=self._run_id, return_state=True), output)
        if control.trouble is not None:
            raise control.trouble
        state = self._journal.state(self._run_id, self._plan)
        told = told and state.flow_run_id is not None and settle(state.flow_run_id)
        self._say_end(state, output)
        left = state.status.ended or state.status in {RunStatus.INTERRUPTED, RunStatus.SUSPENDED}
        if not left:
            return 1
        return EXIT_CODES[state.status] if told else UNTOLD

    def _shown(self, output: Output) -> AbstractContextManager[None]:
        """Show the run on the terminal while it goes on."""
        if output.json_only:
            return nullcontext()
        from prefect_swarm.cli.display import ProgressDisplay  # noqa: PLC0415 - rich's live display

        state = self._journal.state(self._run_id, self._plan)
        display = ProgressDisplay(
            self._plan, output.console, state=state, live=None if self._wishes.progress else False
        )
        return _listening(self._journal, display)

    def _say_end(self, state: RunState, output: Output) -> None:
        view = view_run(self._plan, state, self._journal.clock())
        if output.json_only:
            output.document(view.model_dump(mode="json"))
            return
        from prefect_swarm.cli.summary import summary  # noqa: PLC0415 - rich

        output.show(summary(view))


@contextmanager
def _listening(journal: Journal, display: "ProgressDisplay") -> Generator[None, None, None]:
    stop = journal.feed.subscribe(display.on_records)
    try:
        with display:
            yield
    finally:
        stop()


def _call(flow: Callable[[], object], output: Output) -> bool:
    """Call the flow; false where it broke off, which may be after its outcome was written to the journal.

    Raises the SwarmError that ended it, which Prefect hides in the final state.
    """
    from prefect.exceptions import Abort, Pause  # noqa: PLC0415 - Prefect, which is loaded by now

    try:
        state = flow()
    except Abort as given_up:
        output.fail(str(given_up))
        return False
    except Pause:
        return True
    except Exception as error:  # noqa: BLE001 - whatever Prefect raises when its server is gone
        output.fail(f"Prefect broke off: {type(error).__name__}: {error}")
        return False
    data = getattr(state, "data", None)
    cause = getattr(data, "result", data)
    if isinstance(cause, SwarmError):
        raise cause
    return True


@contextmanager
def _signals(control: Control, output: Output) -> Generator[None, None, None]:
    """Once Ctrl-C: finish what runs and leave; twice, or SIGTERM: end it now; a third time: leave at once."""
    presses = 0

    def interrupted(number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 2:  # noqa: PLR2004 - the third time
            os._exit(INTERRUPTED)
        if presses == 1 and number == signal.SIGINT:
            output.tell("finishing what runs, then leaving; Ctrl-C again ends it now")
            control.drain()
        else:
            output.tell("ending what runs")
            control.halt()

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
