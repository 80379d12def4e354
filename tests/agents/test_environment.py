"""What an agent sees of our environment."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agents.conftest import Assign

from prefect_swarm.agents.environment import ALLOWED as LISTED
from prefect_swarm.agents.environment import MARKER, environment_for

ALLOWED = {"PATH": "/bin", "HOME": "/home/ada", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": "/var/x"}
SECRET = {
    "PREFECT_API_URL": "http://localhost:4200/api",
    "PREFECT_API_KEY": "pnu_1",
    "SWARM_JOURNAL": "postgresql://u:p@db/x",
    "SWARM_REDIS": "redis://r",
    "SWARM_TOKEN": "t",
    "DATABASE_URL": "postgresql://u:p@db/x",
    "REDIS_URL": "redis://r",
    "ANTHROPIC_API_KEY": "sk-1",
    "AWS_SECRET_ACCESS_KEY": "s",
    "PYTHONPATH": "/ours",
    "LD_PRELOAD": "/x.so",
    "SSH_AUTH_SOCK": "/s",
}
names = st.sampled_from([*LISTED, *SECRET, "LC_TIME", "MY_PATH", "PATH_OF", "SWARM_RUNS"])
OURS = {"SWARM_RUN", "SWARM_ITEM", "SWARM_REQUIREMENT", "SWARM_ATTEMPT", "SWARM_PROMPT_FILE", "SWARM_RESULT_FILE"}


def test_an_agent_gets_what_is_allowed_and_nothing_else(assign: Assign) -> None:
    """No address, no key and no setting of ours reaches an agent, unless it is on the list."""
    found = environment_for(assign("command", {}), {**ALLOWED, **SECRET}, ())

    assert {name: value for name, value in found.items() if name not in OURS} == ALLOWED
    assert set(found) == {*ALLOWED, *OURS}


def test_what_is_named_is_passed(assign: Assign) -> None:
    """A user lets a variable through by its name, and no other with it."""
    found = environment_for(assign("command", {}), SECRET, ("ANTHROPIC_API_KEY", "NOT_SET"))

    assert set(found) == {"ANTHROPIC_API_KEY", *OURS}


def test_an_agent_is_told_what_it_works_on(assign: Assign) -> None:
    """Run, item, requirement, attempt, prompt and result file are in the environment, ours replacing any other."""
    assignment = assign("command", {}, attempt=4)

    found = environment_for(assignment, {"SWARM_RUN": "outer", "SWARM_ATTEMPT": "9"}, ("SWARM_RUN",))

    assert found == {
        "SWARM_RUN": assignment.run_id,
        "SWARM_ITEM": "REQ-1/x",
        "SWARM_REQUIREMENT": "REQ-1",
        "SWARM_ATTEMPT": "4",
        "SWARM_PROMPT_FILE": f"{assignment.folder}/prompt.md",
        "SWARM_RESULT_FILE": f"{assignment.folder}/result.json",
    }
    assert set(MARKER) <= set(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # an assignment is not changed by its use
@given(st.dictionaries(st.text(max_size=20) | names | names.map(str.lower), st.text(max_size=5)))
def test_no_other_name_passes(assign: Assign, environment: dict[str, str]) -> None:
    """Whatever is set, only names from the list, names that begin with LC_ and our own are passed on."""
    found = environment_for(assign("command", {}), environment, ())

    assert all(name in LISTED or name.startswith("LC_") for name in set(found) - OURS)
