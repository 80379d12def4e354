"""The errors of the whole project, as one tree.

SwarmError                    everything that we raise on purpose
├── UsageError                the command or call makes no sense                 exit 64
├── RequirementError          requirements or agent files refused, all problems  exit 65
├── Unavailable               a tool, key or server is missing                   exit 69
├── RunHeld                   another executor holds the run                     exit 75
├── RunNotFound               no run of that name                                exit 64
└── JournalError              the journal cannot be read or written              exit 4
    ├── StorageFailed         the disk or the database refuses: full, read-only or gone
    ├── Damaged               a record does not match its checksum
    └── Fenced                a newer executor has taken the run over
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file, where it stands and what to do about it."""

    message: str
    file: str
    line: int
    column: int
    excerpt: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Tell it as `file:line:column: message`, the offending line below it."""
        where = f"{self.file}:{self.line}:{self.column}: {self.message}"
        return f"{where}\n    {self.excerpt.strip()}" if self.excerpt.strip() else where


class SwarmError(Exception):
    """Something went wrong that a user can act upon."""

    exit_code = 1


class UsageError(SwarmError):
    """The command or call makes no sense as it stands."""

    exit_code = 64


class RequirementError(SwarmError):
    """A requirements or agent file is refused; `problems` holds everything wrong with it."""

    exit_code = 65

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems in the order of the file."""
        self.problems = tuple(sorted(problems, key=lambda one: (one.file, one.line, one.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Unavailable(SwarmError):
    """A tool, a key or a server that the run needs is not there."""

    exit_code = 69


class RunHeld(SwarmError):
    """Another executor holds the run."""

    exit_code = 75


class RunNotFound(UsageError):
    """The journal knows no run of that name."""


class JournalError(SwarmError):
    """The journal cannot be read or written."""

    exit_code = 4


class StorageFailed(JournalError):
    """The disk or the database refuses what must be written or read; the run is blocked until that is mended."""


class Damaged(JournalError):
    """A record of the journal does not match its checksum."""


class Fenced(JournalError):
    """A newer executor has taken the run over; what this one says no longer counts."""

    exit_code = 75
