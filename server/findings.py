"""What a check of imported data found: problems with their codes, places and remedies, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

EXAMPLES_SHOWN = 5


class Grade(StrEnum):
    """What a finding means for the import."""

    ERROR = "error"
    """The data cannot be used; nothing overrides it."""
    WARNING = "warning"
    """Refused unless the person who imports says --force."""
    NOTE = "note"
    """Worth knowing; never refused."""


_ORDER = (Grade.ERROR, Grade.WARNING, Grade.NOTE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: its stable `code`, the place (file and line, or a grid's code) and what to do about it."""

    code: str
    grade: Grade
    where: str
    message: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "code": self.code,
            "grade": self.grade.value,
            "where": self.where,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one import, in the order in which they were found, and the figures of what was read."""

    findings: tuple[Finding, ...]
    figures: dict[str, int] = field(default_factory=dict)

    def of(self, grade: Grade) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.grade is grade)

    def codes(self) -> Counter[str]:
        """How often each code was found."""
        return Counter(finding.code for finding in self.findings)

    def refuses(self, *, force: bool) -> bool:
        """Whether the data must not be used: errors always, warnings unless forced."""
        return bool(self.of(Grade.ERROR)) or (bool(self.of(Grade.WARNING)) and not force)

    def as_json(self) -> dict[str, Any]:
        """The report as it is kept beside the version that it let pass: counts, and a few examples of each code."""
        return {
            "figures": self.figures,
            "counts": dict(self.codes()),
            "examples": [finding.as_json() for group in grouped(self.findings) for finding in group[:EXAMPLES_SHOWN]],
        }


class ImportRefusedError(ValueError):
    """The data was not used. `report` says why; `forcible` whether --force would accept it."""

    def __init__(self, what: str, report: Report) -> None:
        errors, warnings = len(report.of(Grade.ERROR)), len(report.of(Grade.WARNING))
        super().__init__(f"{what} not imported: {errors} errors, {warnings} warnings; nothing was changed")
        self.report = report
        self.forcible = errors == 0


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one code together, errors first."""
    groups: dict[tuple[Grade, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.grade, finding.code), []).append(finding)
    return sorted(groups.values(), key=lambda group: _ORDER.index(group[0].grade))


_COLOURS = {Grade.ERROR: "bold red", Grade.WARNING: "yellow", Grade.NOTE: "cyan"}


def print_report(console: Console, title: str, report: Report, *, examples: int = EXAMPLES_SHOWN) -> None:
    """Prints the figures, then each kind of finding with its number and first examples."""
    figures = ", ".join(f"{count:,} {name}" for name, count in report.figures.items())
    console.print(f"[bold]{escape(title)}[/bold]: {escape(figures or 'nothing read')}")
    for group in grouped(report.findings):
        _print_group(console, group, examples)


def _print_group(console: Console, group: Sequence[Finding], examples: int) -> None:
    head = group[0]
    console.print(
        f"[{_COLOURS[head.grade]}]{head.grade.value}[/] [bold]{escape(head.code)}[/bold] x {len(group):,}",
        highlight=False,
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(overflow="fold", no_wrap=False, min_width=16)
    table.add_column(overflow="fold")
    for finding in group[:examples]:
        remedy = f"\n[dim]{escape(finding.remedy)}[/dim]" if finding.remedy else ""
        table.add_row(escape(finding.where), escape(finding.message) + remedy)
    if len(group) > examples:
        table.add_row("…", f"and {len(group) - examples:,} more")
    console.print(table)
