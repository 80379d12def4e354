"""The plan as a Mermaid flowchart, to be pasted into a document."""

from prefect_swarm.core.document import shorten
from prefect_swarm.core.plan import Plan


def mermaid_of(plan: Plan) -> str:
    """Draw each item as a node with requirement and agent, and each dependency as an arrow."""
    names = {item.id: f"item{at}" for at, item in enumerate(plan.items, start=1)}
    nodes = [
        f'    {names[item.id]}["{_label(plan.requirement_by_id[item.requirement].title)}<br/>{_label(item.id)}"]'
        for item in plan.items
    ]
    arrows = [f"    {names[upstream]} --> {names[item.id]}" for item in plan.items for upstream in item.depends_on]
    return "\n".join(["flowchart TD", *nodes, *arrows])


def _label(text: str) -> str:
    """Escape what Mermaid would read as its own: everything but letters, digits and plain punctuation."""
    return "".join(one if one.isalnum() or one in " -_.,/" else f"#{ord(one)};" for one in shorten(text))
