"""Asking a person at the terminal what to do about failed items."""

from collections.abc import Callable

from prefect_swarm.cli.output import Output, visible
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.policy import POLICIES
from prefect_swarm.core.state import ItemState, Question, RunState
from prefect_swarm.tasks.control import Answer, Questioner

PROMPT = "[r]etry, [s]kip or [a]bort? "

Ask = Callable[[str], str]


def ask_at_terminal(plan: Plan, output: Output, ask: Ask = input) -> Questioner:
    """Make a questioner that shows each failed item and reads an answer; the end of input skips what is left."""

    def questioner(question: Question, state: RunState) -> tuple[Answer, ...]:
        answers: list[Answer] = []
        for item in question.items:
            output.tell(_told(plan, state.items[item]))
            answers.append(_answer(state.items[item], ask, output))
            if answers[-1].action == "abort":
                break
        return tuple(answers)

    return questioner


def _told(plan: Plan, item: ItemState) -> str:
    title = plan.requirement_by_id[plan.item_by_id[item.id].requirement].title
    lines = [f"{item.id} failed after {item.attempt} attempts: {title}", f"  why: {item.reason}"]
    lines += [
        f"  {one.title}: exit code {one.exit_code}\n{one.output[-500:]}" for one in item.evidence if not one.passed
    ]
    remedy = POLICIES[item.failure].remedy if item.failure else ""
    return visible("\n".join([*lines, f"  to do: {remedy}"]))


def _answer(item: ItemState, ask: Ask, output: Output) -> Answer:
    while True:
        try:
            said = ask(PROMPT).strip().lower()[:1]
        except EOFError:
            return Answer(item.id, "skip")
        if said == "r":
            return Answer(item.id, "retry", ask("guidance for the agent (may be empty): ").strip())
        if said == "s":
            return Answer(item.id, "skip")
        if said == "a":
            return Answer(item.id, "abort")
        output.tell("please answer r, s or a")
