"""What an agent's model costs, by the price list of `genai-prices`; nothing is asked of the network."""

from collections.abc import Mapping

from prefect_swarm.core.estimate import HEAVY, LIGHT, Range, Tokens
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan, WorkItem


def prices_of(plan: Plan) -> Mapping[ItemId, Range]:
    """Dollars that an attempt of each item costs, for items whose model is named and in the price list."""
    models = {item.id: model for item in plan.items if (model := _model(plan, item))}
    ranges = {model: _range(model) for model in dict.fromkeys(models.values())}
    efforts = {item.id: item.effort for item in plan.items}
    return {
        name: Range(low=found.low * efforts[name], high=found.high * efforts[name])
        for name, model in models.items()
        if (found := ranges[model])
    }


def _model(plan: Plan, item: WorkItem) -> str:
    """The model that an item's agent will use; empty where nobody names one or none is used."""
    if plan.rehearsal or item.runner is None or item.runner.kind in {"rehearsal", "python"}:
        return ""
    named = item.runner.options.get("model") or plan.agent_by_name[item.agent].model
    return str(named) if named and named != "inherit" else ""


def _range(model: str) -> Range | None:
    low, high = _dollars(model, LIGHT), _dollars(model, HEAVY)
    return None if low is None or high is None else Range(low=low, high=high)


def _dollars(model: str, tokens: Tokens) -> float | None:
    """What so many tokens cost; None for a model that the list does not know. `provider:model` is read too."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - takes 0.5 s, and only plans that name a model need it

    provider, _, name = model.rpartition(":")
    usage = Usage(input_tokens=tokens.read, cache_read_tokens=tokens.cached, output_tokens=tokens.written)
    try:
        return float(calc_price(usage, model_ref=name, provider_id=provider or None).total_price)
    except LookupError:
        return None
