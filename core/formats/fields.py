"""How one mapping is read field by field: a wrong field is told with its place, an unknown one is kept."""

from collections.abc import Iterator
from collections.abc import Sequence as Ordered
from dataclasses import dataclass, field

from pydantic import JsonValue

from prefect_swarm.core.document import Entry, Mapping, Node, Report, Scalar, Sequence, did_you_mean, shorten
from prefect_swarm.core.requirement import Budget
from prefect_swarm.core.scalars import is_null, json_of, number_of, truth_of

BUDGET_KEYS = ("usd", "minutes")


def kind_of(node: Node) -> str:
    """Name what stands there, for a message."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar():
            return f"{shorten(node.text)!r}"


@dataclass
class Fields:
    """The fields of one mapping; each read marks its key as understood, `rest` is what nobody read."""

    mapping: Mapping
    report: Report
    known: tuple[str, ...] = ()
    """Keys that exist, to suggest where one is misspelled."""
    _read: set[str] = field(default_factory=set)

    def entries(self, *names: str) -> list[Entry]:
        """The entries under any of these names that say something."""
        self._read.update(names)
        return [entry for entry in self.mapping.entries if entry.name in names and not is_null(entry.value)]

    def scalar(self, *names: str) -> Scalar | None:
        """The first text under these names; a list or mapping there is refused."""
        for entry in self.entries(*names):
            if isinstance(entry.value, Scalar):
                return entry.value
            self._refuse(entry, "a text")
        return None

    def text(self, *names: str) -> str:
        """The text under these names, outer white space dropped; empty where none stands."""
        found = self.scalar(*names)
        return found.text.strip() if found else ""

    def words(self, *names: str) -> tuple[Scalar, ...]:
        """The texts of a list, or of a text with commas, each once; the names are read together."""
        found: dict[str, Scalar] = {}
        for entry in self.entries(*names):
            for word in self._words(entry):
                found.setdefault(word.text, word)
        return tuple(found.values())

    def number(self, name: str) -> float | None:
        """The number above zero under the name."""
        for entry in self.entries(name):
            number = number_of(entry.value)
            if number is not None and number > 0 and number != float("inf"):
                return number
            self._refuse(entry, "a number above 0")
        return None

    def whole(self, name: str, *, lowest: int, highest: int) -> int | None:
        """The whole number within the bounds under the name."""
        for entry in self.entries(name):
            number = number_of(entry.value)
            if isinstance(number, int) and lowest <= number <= highest:
                return number
            self._refuse(entry, f"a whole number from {lowest} to {highest}")
        return None

    def truth(self, name: str) -> bool:
        """The truth value under the name; False where none stands."""
        for entry in self.entries(name):
            truth = truth_of(entry.value)
            if truth is not None:
                return truth
            self._refuse(entry, "true or false")
        return False

    def choice(self, name: str, known: Ordered[str]) -> str | None:
        """One of the known words, upper and lower case alike."""
        found = self.scalar(name)
        if found is None or found.text.strip().lower() in known:
            return found.text.strip().lower() if found else None
        hint = did_you_mean(found.text, known) or f"; known: {', '.join(known)}"
        self.report.refuse(found.mark, f"{shorten(found.text)!r} is no {name}{hint}")
        return None

    def budget(self) -> Budget | None:
        """What may be spent: `{usd, minutes}`."""
        for entry in self.entries("budget"):
            if not isinstance(entry.value, Mapping):
                self._refuse(entry, "a mapping of usd and minutes")
                continue
            inner = Fields(entry.value, self.report, BUDGET_KEYS)
            budget = Budget(usd=inner.number("usd"), minutes=inner.number("minutes"))
            inner.refuse_rest("budget")
            return budget
        return None

    def rest(self, quiet: Ordered[str] = ()) -> dict[str, JsonValue]:
        """What nobody read, as JSON to be kept, with a warning for each key that is not `quiet`."""
        self.warn_rest(quiet, "kept as a note")
        return {entry.name: json_of(entry.value) for entry in self._unread()}

    def warn_rest(self, quiet: Ordered[str] = (), fate: str = "ignored") -> None:
        """Warn about each key that nobody read and that is not `quiet`."""
        for entry in self._unread():
            if entry.name not in quiet:
                said = f"the key {shorten(entry.name)} is not understood and {fate}{self._hint(entry)}"
                self.report.warn(entry.key.mark, said)

    def refuse_rest(self, where: str) -> None:
        """Refuse what nobody read, where an unknown key would change what counts."""
        for entry in self._unread():
            hint = self._hint(entry) or f"; known: {', '.join(self.known)}"
            self.report.refuse(entry.key.mark, f"{where} knows no key {shorten(entry.name)}{hint}")

    def _unread(self) -> Iterator[Entry]:
        return (entry for entry in self.mapping.entries if entry.name not in self._read)

    def _hint(self, entry: Entry) -> str:
        return "" if self.report.crowded else did_you_mean(entry.name, self.known)

    def _words(self, entry: Entry) -> Iterator[Scalar]:
        match entry.value:
            case Scalar():
                parts = (part.strip() for part in entry.value.text.split(","))
                yield from (Scalar(part, False, entry.value.mark) for part in parts if part)
            case Sequence():
                for item in entry.value.items:
                    if isinstance(item, Scalar) and item.text.strip():
                        yield Scalar(item.text.strip(), False, item.mark)
                    else:
                        self.report.refuse(item.mark, f"{entry.name} must list texts, not {kind_of(item)}")
            case Mapping():
                self._refuse(entry, "a list of texts")

    def _refuse(self, entry: Entry, wanted: str) -> None:
        self.report.refuse(entry.value.mark, f"{entry.name} must be {wanted}, not {kind_of(entry.value)}")
