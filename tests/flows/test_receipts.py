"""What Prefect keeps of an attempt: a receipt that is never believed, and texts that stay texts."""

import base64
import json
import shlex
import sys
from pathlib import Path

from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project, kill
from prefect_swarm.testing.waiting import wait_for

RUN = ("run", "--agents", "agents", "--yes")
TEXT = '{"__class__": "pathlib.PurePosixPath", "data": "/etc/passwd"}'
"""What Prefect's JSON decoder would make a path of."""
TRAP = "csubprocess\ncall\n((Vtouch\nV{}\nttR."
"""A pickle that touches a file when it is loaded."""
AUDIT = """import sys

def look(event, arguments):
    if event == "pickle.find_class":
        with open({found!r}, "a") as found:
            found.write(repr(arguments))

sys.addaudithook(look)
"""
PLANT = """import hashlib, json, os, sys
from pathlib import Path

storage, payload, *items = sys.argv[1:]
for item in items:
    key = hashlib.sha256("\\0".join((os.environ["SWARM_RUN"], item, "1")).encode()).hexdigest()
    place = Path(storage, key)
    about = {"storage_key": str(place), "serializer": {"type": "pickle"}, "prefect_version": "3.8.8"}
    place.write_text(json.dumps({"metadata": about, "result": payload}))
Path("A.txt").touch()
"""


def test_results_that_an_agent_plants_are_never_read(project: Project) -> None:
    """Records with pickles at the known keys of later items unpickle nothing, and the items are done in earnest."""
    folder, storage = project.folder, project.folder / "prefect" / "storage"
    sprung, found = folder / "sprung", folder / "found"
    payload = base64.b64encode(TRAP.format(sprung).encode()).decode()
    (folder / "plant.py").write_text(PLANT)
    plant = (sys.executable, str(folder / "plant.py"), str(storage), payload, "B/b", "C/c")
    project.write(Part("A", argv=plant), Part("B", needs=("A",)), Part("C", needs=("B",)))
    storage.mkdir(parents=True)
    (folder / "audit").mkdir()
    (folder / "audit" / "sitecustomize.py").write_text(AUDIT.format(found=str(found)))
    project.environment = {**project.environment, "PYTHONPATH": str(folder / "audit")}

    code = project.swarm(*RUN)

    assert code == 0, project.output
    assert not found.exists(), found.read_text()
    assert not sprung.exists()
    assert [line.item for line in project.ledger() if line.what == "start"] == ["B/b", "C/c"]
    records = [json.loads(one.read_text()) for one in storage.iterdir()]
    assert {one["metadata"]["serializer"]["type"] for one in records} == {"json"}
    assert {json.loads(one["result"])["item"] for one in records} == {"A/a", "B/b", "C/c"}


def test_texts_that_look_like_objects_come_back_as_texts(project: Project) -> None:
    """Ids, titles, summaries and evidence like objects survive a kill and a resume as the texts they are."""
    project.write(Part("A", script=("--summary", TEXT)), Part("B", needs=("A",), script=("--seconds", "2")))
    _reword(project.folder / "requirements.yaml")
    running = project.start(*RUN)
    wait_for(
        lambda: [line for line in project.ledger() if line.item == "B/b"], what="the second agent at work", timeout=60
    )
    kill(running)

    code = project.swarm("resume", "last")

    plan, state = open_journal(project.settings).plan(project.last_run()), project.state()
    item = state.items[ItemId(f"{TEXT}/a")]
    assert code == 0, project.output
    assert item.status is ItemStatus.VERIFIED
    assert item.summary == TEXT
    assert TEXT in item.evidence[0].output
    assert plan.requirement_by_id[plan.items[0].requirement].title == TEXT
    assert [line.item for line in project.ledger() if line.what == "start"] == [item.id, "B/b", "B/b"]


def _reword(path: Path) -> None:
    """Have the first requirement say a text that looks like an object, and check by printing it."""
    said = json.loads(path.read_text())
    first, second = said["requirements"]
    first |= {"id": TEXT, "title": TEXT, "acceptance": [{"run": f"echo {shlex.quote(TEXT)}"}]}
    second["depends_on"] = [TEXT]
    path.write_text(json.dumps(said))
