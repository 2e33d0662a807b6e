"""What a measurement holds for: this processor, these libraries."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from edge.inference.sessions import Backend, installed_backends

CPUINFO = Path("/proc/cpuinfo")


class Machine(BaseModel):
    """A fingerprint: if anything of it changes, the first boot's measurement is made again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str
    cores: int
    """That this program may use."""
    libraries: dict[Backend, str]


def this_machine() -> Machine:
    """The machine that this program runs on."""
    return Machine(
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        libraries={backend: version(backend.value) for backend in installed_backends()},
    )


def _cpu_name() -> str:
    """The processor's own name. Those of ARM boards have none: the numbers of maker and part stand for it."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    facts: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name", "")
    if not name or name.endswith("Processor"):
        # A virtual machine's name hides what it runs on; family, model and stepping tell more.
        numbers = [facts[key] for key in ("cpu family", "model", "stepping") if key in facts]
        numbers += [facts[key] for key in ("CPU implementer", "CPU part") if key in facts]
        name = " ".join(part for part in (name, "/".join(numbers)) if part)
    return name or platform.machine()
