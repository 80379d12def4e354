"""What becomes of documents of other tools when they are damaged, or made to do damage."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.formats import exports
from tests.trials import trials

from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.reading import read_document

FILES = {
    "tasks.json": exports.TASKS.encode(),
    "needs.json": exports.NEEDS.encode(),
    "boat.sdoc": exports.SDOC.encode(),
    "crew.sdoc": exports.OLD_SDOC.encode(),
    "boat.reqif": exports.REQIF.encode(),
    "boat.csv": exports.CSV.encode(),
    "boat.toml": exports.TOML.encode(),
}
FORMATS = {
    "tasks.json": "task-master",
    "needs.json": "needs",
    "boat.sdoc": "strictdoc",
    "crew.sdoc": "strictdoc",
    "boat.reqif": "reqif",
    "boat.csv": "csv",
    "boat.toml": "native",
}
PIECES = [
    b'"',
    b"\n",
    b"\r",
    b",",
    b"<",
    b">",
    b"</",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"\xff",
    b"\0",
    b"&",
    b"1",
    b"null",
    b"#",
]
DAMAGE = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from([0, 0, 1, 3, 40]), st.sampled_from([b"", *PIECES]) | st.binary(max_size=4)
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    """The content with some bytes taken out and others put in."""
    for where, length, new in damage:
        at = int(where * len(content))
        content = content[:at] + new + content[at + length :]
    return content


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_read_or_refused(name: str) -> None:
    """Whatever is cut out of a document or put into it, only a result or a RequirementError comes out."""

    @settings(max_examples=trials(60, chaos=3000))
    @given(DAMAGE)
    def check(damage: list[tuple[float, int, bytes]]) -> None:
        content = damaged(FILES[name], damage)
        with suppress(RequirementError):
            assert read_document(Document.of(content, name)).requirements
        with suppress(RequirementError):
            assert read_document(Document.of(content, name), written_as=FORMATS[name]).requirements

    check()


@settings(max_examples=trials(60, chaos=3000))
@given(st.sampled_from([name for name in exports.DOORSTOP if not name.startswith("inner")]), DAMAGE)
def test_damaged_folders_are_read_or_refused(name: str, damage: list[tuple[float, int, bytes]]) -> None:
    """The same holds for each file of a folder."""
    files = {path: text.encode() for path, text in exports.DOORSTOP.items()}
    files[name] = damaged(files[name], damage)

    with suppress(RequirementError):
        assert read_document(Document("reqs", files, folder=True)).requirements


HOSTILE = {
    "deep.reqif": "b'<REQ-IF>' + b'<a>' * 2_000_000",
    "wide.reqif": "b'<REQ-IF>' + b'<a/>' * 2_000_000",
    "attributes.reqif": "b'<REQ-IF ' + b' '.join(b'a%d=\"\"' % one for one in range(700_000)) + b'/>'",
    "text.reqif": "b'<REQ-IF>' + b'&amp;' * 1_600_000 + b'</REQ-IF>'",
    "entities.reqif": "b'<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"' + b'&a;' * 999 + b'\"><!ENTITY c \"'"
    " + b'&b;' * 999 + b'\">]><REQ-IF>&c;</REQ-IF>'",
    "cell.csv": "b'id,text\\n1,\"' + b'x' * 8_000_000 + b'\"\\n'",
    "quotes.csv": "b'id,text\\n1,\"' + b'\"\"' * 4_000_000",
    "cells.csv": "b'id,text\\n' + b',' * 8_000_000",
    "rows.csv": "b'id,text\\n' + b'1,a\\n' * 2_000_000",
    "deep.json": "b'{\"tasks\":' + b'[' * 8_000_000",
    "lines.sdoc": "b'[DOCUMENT]\\nTITLE: a\\n' + b'\\n' * 8_000_000",
    "blocks.sdoc": "b'[DOCUMENT]\\nTITLE: a\\n' + b'[[A]]\\n' * 1_300_000",
    "keys.toml": "b'a.' * 4_000_000",
    "tables.toml": "b'[[a]]\\n' * 1_000_000",
}
CHILD = """
import json, resource, sys, time
from pathlib import Path
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.reading import read_requirements
def peak():  # in MiB; of Linux's rusage the parent's share before it became another program is part
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) // 1024
for name, made_by in json.loads(sys.argv[1]).items():
    content = eval(made_by)
    before = time.process_time()
    try:
        read_requirements(content, name)
    except RequirementError as error:
        assert error.problems
    del content
    print(name, time.process_time() - before, peak())
"""


def test_hostile_files_cost_little() -> None:
    """The worst files cost a second of work and 256 MiB at most; the time is doubled for machines that are busy."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(HOSTILE)], capture_output=True, text=True, check=False
    )
    figures = {
        name: (float(seconds), int(mebibytes)) for name, seconds, mebibytes in map(str.split, ran.stdout.splitlines())
    }

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert set(figures) == set(HOSTILE)
    assert {name: cost for name, cost in figures.items() if cost[0] > 2 or cost[1] > 256} == {}
