"""Settings from an environment and options."""

import pytest

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.settings import PREFIX, Settings, settings_from


def test_nothing_said_gives_the_defaults() -> None:
    """An empty environment, or variables that are set to nothing, change nothing."""
    assert settings_from({}) == Settings()
    assert settings_from({"SWARM_MAX_PARALLEL": "", "SWARM_PASS_ENV": ""}) == Settings()


def test_the_environment_fills_every_setting() -> None:
    """Each setting has its variable, read as the type that the setting has."""
    said = {
        "SWARM_HOME": "/srv/swarm",
        "SWARM_MAX_PARALLEL": "7",
        "SWARM_RETRY_DELAYS": "1,2.5",
        "SWARM_CONFIDENCE": "0.5",
    }

    found = settings_from(said)

    assert (found.home, found.max_parallel, found.retry_delays, found.confidence) == ("/srv/swarm", 7, (1.0, 2.5), 0.5)


def test_spaces_around_the_entries_of_a_list_are_no_part_of_them() -> None:
    """A list reads the same with a space after each comma, or one comma too many."""
    found = settings_from({"SWARM_PASS_ENV": "AWS_PROFILE, GH_HOST,", "SWARM_RETRY_DELAYS": " 1 , 2"})

    assert found.pass_env == ("AWS_PROFILE", "GH_HOST")
    assert found.retry_delays == (1.0, 2.0)


def test_an_option_wins_over_the_environment() -> None:
    """What is said on the command line counts, and an option not given does not."""
    found = settings_from({"SWARM_MAX_PARALLEL": "7", "SWARM_RUNNER": "command"}, max_parallel=2, runner=None)

    assert (found.max_parallel, found.runner) == (2, "command")


def test_variables_of_others_are_not_looked_at() -> None:
    """Only what begins with SWARM_ and names a setting is read."""
    assert settings_from({"MAX_PARALLEL": "9", "SWARM_RUN": "x", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_PARALLEL", "0"),
        ("MAX_PARALLEL", "many"),
        ("RETRY_DELAYS", "-1"),
        ("RETRY_DELAYS", "5,soon"),
        ("RETRY_DELAYS", "nan"),
        ("RETRY_DELAYS", "inf"),
        ("RETRIES", "51"),
        ("CHECKPOINT_EVERY", "0"),
        ("IDLE_TIMEOUT", "0"),
        ("HTTP_PORT", "70000"),
        ("CONFIDENCE", "1.1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_name(name: str, value: str) -> None:
    """A wrong value is wrong usage, and the message names the variable."""
    with pytest.raises(UsageError, match=f"{PREFIX}{name}: "):
        settings_from({PREFIX + name: value})


def test_every_setting_is_described() -> None:
    """A user can read what each setting does."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
