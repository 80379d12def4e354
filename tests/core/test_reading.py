"""Reading a requirements file: what comes out, and what every refusal says."""

import json
from pathlib import Path

import pytest

from prefect_swarm.core.errors import RequirementError, UsageError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.reading import read_document, read_requirements
from prefect_swarm.core.requirement import ContainsCheck, FileCheck, Priority, RequirementSet, RunCheck, TextCriterion


def read(text: str, name: str = "shop.yaml") -> RequirementSet:
    """Read a text as a requirements file."""
    return read_requirements(text.encode(), name)


def refusal(text: str) -> str:
    """Read a text that must be refused; returns what the user is told."""
    with pytest.raises(RequirementError) as caught:
        read(text)
    return str(caught.value)


def test_texts_get_ids_in_file_order() -> None:
    """Plain strings are requirements and get ids in file order, skipping the ones taken."""
    found = read("requirements: [one, {id: req-002, title: two}, three]\ntechnical_requirements: [four]")

    assert [one.id for one in found.requirements] == ["REQ-001", "req-002", "REQ-003", "TECH-001"]
    assert [one.title for one in found.requirements] == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("[one, two]", ["one", "two"]),
        ("features: [one, {name: two}]", ["one", "two"]),
        ("features: {shop: [one], account: [two]}", ["one", "two"]),
        ("features: {shop: {cart: [one], pay: [two]}}", ["one", "two"]),
        ("requirements: {A-1: one, A-2: {description: two}}", ["one", "two"]),
        ("A-1: {title: one}\nA-2: {title: two}", ["one", "two"]),
        ('{"requirements": [{"title": "one"}, "two"]}', ["one", "two"]),
    ],
)
def test_every_shape_of_the_native_format_is_read(text: str, titles: list[str]) -> None:
    """Lists, id-keyed mappings and categories give the same requirements."""
    assert [one.title for one in read(text).requirements] == titles


def test_category_is_kept() -> None:
    """The category under which a feature stands stays with it."""
    found = read("features: {shop: {cart: [one]}, account: [two]}")

    assert [one.category for one in found.requirements] == ["shop/cart", "account"]


FULL = """\
project: {name: Shop, type: web_app, team: [design, build]}
requirements:
  - Users can log in
  - id: PAY-001
    title: Card payments
    description: |
      Pay by card.
      Refund too.
    priority: Must have
    dependencies: req-001
    agent: api-integrator, rapid-builder
    acceptance_criteria:
      - Refunds are possible
      - run: pytest -q 'tests/a b.py'
        exit_code: 3
        timeout: 5
      - run: [make, all]
      - file: src/pay.py
      - contains: {file: a.py, pattern: "^def "}
      - text: Fast
    effort: 3
    budget: {usd: 2.5, minutes: 20}
    status: Done
"""


def test_fields_of_a_requirement() -> None:
    """Every field of a requirement is read as the file says it."""
    found = read(FULL)
    one = found.requirements[1]

    assert found.project.team == ("design", "build")
    assert one.description == "Pay by card.\nRefund too.\n"
    assert (one.priority, one.depends_on) == (Priority.CRITICAL, ("REQ-001",))
    assert one.agents == ("api-integrator", "rapid-builder")
    assert one.acceptance == (
        TextCriterion(text="Refunds are possible"),
        RunCheck(argv=("pytest", "-q", "tests/a b.py"), exit_code=3, timeout=5),
        RunCheck(argv=("make", "all")),
        FileCheck(path="src/pay.py"),
        ContainsCheck(file="a.py", pattern="^def "),
        TextCriterion(text="Fast"),
    )
    assert one.effort == 3
    assert one.budget is not None
    assert (one.budget.usd, one.budget.minutes) == (2.5, 20)
    assert one.done
    assert (one.source.line, one.source.column) == (4, 5)


@pytest.mark.parametrize(
    ("word", "priority"),
    [
        ("HIGH", "high"),
        ("P0", "critical"),
        ("p3", "low"),
        ("1", "high"),
        ("3", "low"),
        ("Should", "high"),
        ("won't", "low"),
    ],
)
def test_priority_words(word: str, priority: str) -> None:
    """Levels, P numbers, numbers and MoSCoW words name the same four priorities."""
    assert read(f'[{{title: x, priority: "{word}"}}]').requirements[0].priority == priority


def test_title_and_description_stand_in_for_each_other() -> None:
    """A missing title is the description's first line; a missing description is the title."""
    first, second = read('[{description: "One.\\nTwo."}, {title: Three}]').requirements

    assert first.title == "One."
    assert second.description == "Three"


@pytest.mark.parametrize("word", ["no", "on", "2024-01-01", "1e3", "0o14", "12:30:45", "3.10", "0x1F", ".inf", "yes"])
def test_unquoted_words_stay_texts(word: str) -> None:
    """What YAML 1.1 would turn into something else is the text that stands there, as id and as requirement."""
    found = read(f"requirements:\n  - {word}\n  - id: {word}\n    title: x")

    assert found.requirements[0].title == word
    assert found.requirements[1].id == word


def test_notes_lose_nothing() -> None:
    """What is no requirement is kept under where it stood, numbers as they were written."""
    found = read(
        "project: {name: X, timeline: 2 weeks}\ntech_stack: {python: 3.10, workers: 4, debug: no, cache: null}\n"
        "colour: red\nrequirements: [{title: a, owner: Ann, status: parked}]"
    )

    assert found.notes == {
        "project": {"timeline": "2 weeks"},
        "tech_stack": {"python": "3.10", "workers": 4, "debug": "no", "cache": None},
        "colour": "red",
        "requirements": {"REQ-001": {"owner": "Ann", "status": "parked"}},
    }
    assert [warning.split(": ")[0] for warning in found.warnings] == [
        "shop.yaml:3:1",
        "shop.yaml:4:27",
        "shop.yaml:4:47",
    ]


def test_unknown_dependency_is_told_with_its_place() -> None:
    """An unknown dependency is refused with file, line, column and the id that was probably meant."""
    told = refusal(
        "requirements:\n  - {id: PAY-001, title: a}\n  - id: PAY-002\n    title: b\n    depends_on: [PAY-009]"
    )

    assert told.startswith(
        "shop.yaml:5:18: PAY-002 depends on PAY-009, which no requirement has; did you mean PAY-001?\n"
    )
    assert told.endswith("    depends_on: [PAY-009]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "shop.yaml:1:1: the file is empty"),
        ("just words", "shop.yaml:1:1: no requirements file in our format (YAML, JSON or TOML): it is plain text"),
        ("tasks: [a]", "its keys are tasks"),
        ("requirements: []", "shop.yaml:1:1: no requirements; write"),
        ("requirements: 5", "requirements must be a list or a mapping, not '5'"),
        ("- a\n-", "shop.yaml:2:2: an empty requirement"),
        ('- " "', "shop.yaml:1:3: an empty requirement"),
        ("- {priority: high}", "shop.yaml:1:3: a requirement without text"),
        ("- {id: A, title: a}\n- {id: ａ, title: b}", "shop.yaml:2:8: the id ａ stands twice; first at shop.yaml:1:8"),
        ("- {id: '', title: a}", "an empty id"),
        ("- {title: [a]}", "shop.yaml:1:11: title must be a text, not a list"),
        ("- {title: a, effort: many}", "effort must be a number above 0, not 'many'"),
        ("- {title: a, budget: 5}", "budget must be a mapping of usd and minutes"),
        ("- {title: a, budget: {eur: 5}}", "budget knows no key eur"),
        ("- {title: a, priority: hihg}", "'hihg' is no priority; did you mean high?"),
        ('- {title: a, acceptance: [{run: "a \'b"}]}', "run cannot be split into words"),
        ("- {title: a, acceptance: [{run: []}]}", "run names no program"),
        ("- {title: a, acceptance: [{htpp: x}]}", "a criterion knows no key htpp"),
        ("- {title: a, acceptance: [{contains: {file: a, pattern: '['}}]}", "not a regular expression"),
        ("- {title: a, acceptance: [{file: ../a}]}", "the file must lie inside the workspace"),
        ("project: {team: [biuld]}\nrequirements: [a]", "'biuld' is no stage of a team; did you mean build?"),
        ("a: b: c", "put quotes around a text that contains ': '"),
        ("requirements:\n\t- a", "shop.yaml:2:1: not YAML"),
        (
            "- !!python/object:os.system x",
            "shop.yaml:1:3: the tag tag:yaml.org,2002:python/object:os.system is not read",
        ),
        ("- {title: a, <<: {id: b}}", "merge keys (<<) are not read"),
        ("- {title: a, title: b}", "shop.yaml:1:14: the key 'title' stands twice; first at shop.yaml:1:4"),
        ("- {? [a] : b}", "a key must be a text"),
        ("a: &a [*a]", "*a stands inside what it names"),
        ("a: *b", "*b names nothing"),
        ("--- [a]\n--- [b]", "shop.yaml:2:1: a second document begins here"),
        ('- "a\\0b"', "the text holds a NUL"),
        ("- a\0b", "the character U+0000 cannot stand in a file"),
    ],
)
def test_refusals_say_where_and_what(text: str, told: str) -> None:
    """Each way a file can be wrong has its own sentence, with the place where it is wrong."""
    assert told in refusal(text)


def test_everything_wrong_is_told_at_once() -> None:
    """One report names every problem, in the order of the file."""
    told = refusal("- {title: a, priority: x}\n- {title: b, effort: x}\n- {title: c, depends_on: x}")

    assert [line.split(": ")[0] for line in told.splitlines()[::2]] == [
        "shop.yaml:1:24",
        "shop.yaml:2:22",
        "shop.yaml:3:26",
    ]


def test_endless_problems_are_counted() -> None:
    """A report stays readable where thousands of things are wrong."""
    told = refusal("\n".join("- {title: a, depends_on: [nothing]}" for _ in range(5000)))

    assert "and 4900 more problems" in told


def test_a_circle_is_shown_as_its_shortest_loop() -> None:
    """Of several loops the shortest is shown, at the dependency that closes it."""
    told = refusal(
        "- {id: A, title: a, depends_on: [B]}\n- {id: B, title: b, depends_on: [C, D]}\n"
        "- {id: C, title: c, depends_on: [A]}\n- {id: D, title: d, depends_on: [B]}"
    )

    assert told.splitlines()[0] == (
        "shop.yaml:2:37: B waits for itself in a circle: B -> D -> B; take one dependency out"
    )
    assert len(told.splitlines()) == 2


def test_a_circle_of_ten_thousand_is_found() -> None:
    """A loop of any length is refused without running out of stack."""
    ring = "\n".join(f"- {{id: N{at}, title: t, depends_on: [N{(at + 1) % 10_000}]}}" for at in range(10_000))

    assert "N0 waits for itself in a circle: N0 -> N1 -> " in refusal(ring)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark_are_read(encoding: str) -> None:
    """UTF-8 with and without byte order mark and UTF-16 are read; positions do not count the mark."""
    found = read_requirements("[größer]".encode(encoding), "a.yaml").requirements[0]

    assert (found.title, found.source.column) == ("größer", 2)


def test_bytes_of_no_encoding_are_told_with_their_place() -> None:
    """A byte that is no UTF-8 is named by line and column."""
    with pytest.raises(RequirementError, match=r"a\.yaml:2:4: not UTF-8"):
        read_requirements(b"- a\n- b\xff", "a.yaml")


def test_positions_after_json_escapes_are_those_of_the_file() -> None:
    """Surrogate pairs of JSON are one character, and what follows keeps its column."""
    text = json.dumps(["\U0001f600\u2028", {"title": "b"}]).replace("\\u2028", "\u2028")
    first, second = read(text, "a.json").requirements

    assert first.description == "\U0001f600\u2028"
    assert second.source.column == text.index("{") + 1


def test_what_no_format_knows_is_told() -> None:
    """A file that no format recognises is refused, naming the formats that there are."""
    with pytest.raises(RequirementError, match=r"a\.bin:1:1: no format knows this file; .*native"):
        read_requirements(b"PK and so on", "a.bin")


def test_a_format_can_be_forced() -> None:
    """A named format reads what it would not be sure of; one that does not exist is wrong usage."""
    document = Document.of(b"- Users can log in", "notes.bin")

    assert read_document(document, written_as="native").requirements[0].title == "Users can log in"
    with pytest.raises(UsageError, match="there is no format nativ; did you mean native"):
        read_document(document, written_as="nativ")


@pytest.mark.parametrize("name", ["01", "03", "05", "07", "11"])
def test_real_files_come_out_right(name: str) -> None:
    """Real requirements files give the counted requirements, ids, priorities and agents, and lose no text."""
    folder = Path(__file__).parents[2] / ".cache" / "requirements"
    if not folder.is_dir():
        pytest.skip("the collection of real requirements files is not on this machine (.cache/requirements)")
    file = next(folder.glob(f"{name}-*"))
    expected = json.loads((folder / "expected.json").read_text())["documents"][file.name]

    found = read_requirements(file.read_bytes(), file.name)

    assert len(found.requirements) == expected["requirement_count"]
    assert not expected["ids"] or [one.id for one in found.requirements] == expected["ids"]
    assert {one.id: list(one.agents) for one in found.requirements if one.agents} == expected.get(
        "suggested_agents", {}
    )
    priorities = {one.id: one.priority.value for one in found.requirements}
    assert priorities | expected["priorities"] == priorities
    everything = found.model_dump_json()
    assert [
        text for text in expected["must_contain"] if json.dumps(text, ensure_ascii=False)[1:-1] not in everything
    ] == []
