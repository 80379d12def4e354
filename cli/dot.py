"""The plan as a Graphviz graph."""

from prefect_swarm.core.document import shorten
from prefect_swarm.core.plan import Plan


def dot_of(plan: Plan) -> str:
    """Draw each item as a node with requirement and agent, and each dependency as an arrow."""
    nodes = [
        f"  {_quoted(item.id)} [label={_quoted(plan.requirement_by_id[item.requirement].title, item.id)}];"
        for item in plan.items
    ]
    arrows = [f"  {_quoted(upstream)} -> {_quoted(item.id)};" for item in plan.items for upstream in item.depends_on]
    head = [f"digraph {_quoted(plan.project.name)} {{", "  rankdir=LR;", "  node [shape=box];"]
    return "\n".join([*head, *nodes, *arrows, "}"])


def _quoted(*lines: str) -> str:
    """A quoted text of the DOT language, in which quotes and backslashes mean something."""
    escaped = (shorten(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
