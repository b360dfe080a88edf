"""Posthouse's own processes as servers under test: started, killed and frozen like the others, asked for metrics."""

import contextlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from harness.process import Server

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class PosthouseProcess(Server):
    """`python -m posthouse.<module> <arguments> --ready-file …`; usable once the ready file has its process id."""

    start_deadline = 120.0
    stop_deadline = 40.0

    def __init__(self, module: str, name: str, run_dir: Path, arguments: Sequence[str]) -> None:
        super().__init__(name, run_dir)
        self.module = module
        self.arguments = list(arguments)
        self.ready_file = self.home / "ready.json"

    def argv(self) -> Sequence[str]:
        with contextlib.suppress(FileNotFoundError):
            self.ready_file.unlink()
        return [sys.executable, "-m", self.module, *self.arguments, "--ready-file", str(self.ready_file)]

    def not_ready(self) -> str | None:
        try:
            ready = self.ready()
        except (FileNotFoundError, json.JSONDecodeError) as error:
            return repr(error)
        return None if ready["pid"] == self.pid else "the ready file is another process's"

    def ready(self) -> Mapping[str, Any]:
        """What the process said when it became ready."""
        described: Mapping[str, Any] = json.loads(self.ready_file.read_text())
        return described

    def listener(self, name: str) -> tuple[str, int]:
        """(host, port) of a listener, from the ready file."""
        host, _, port = self.ready()["listeners"][name].rpartition(":")
        return host, int(port)

    def get(self, path: str, timeout: float = 30.0) -> str:
        """The body of a page of the process's HTTP endpoint."""
        host, port = self.listener("http")
        with urlopen(f"http://{host}:{port}{path}", timeout=timeout) as answer:
            text: str = answer.read().decode()
        return text

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples of `name` that carry these labels; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            sample = _SAMPLE.match(line)
            if sample is None or sample[1] != name:
                continue
            found = dict(_LABEL.findall(sample[2] or ""))
            if all(found.get(key) == value for key, value in labels.items()):
                total += float(sample[3])
        return total

    def metric_by(self, name: str, label: str) -> dict[str, float]:
        """The samples of `name` by the value of one label."""
        found: dict[str, float] = {}
        for line in self.get("/metrics").splitlines():
            sample = _SAMPLE.match(line)
            if sample is not None and sample[1] == name:
                value = dict(_LABEL.findall(sample[2] or "")).get(label, "")
                found[value] = found.get(value, 0.0) + float(sample[3])
        return found

    def said(self, text: str) -> int:
        """How often the log has `text`."""
        return self.log.read_text(errors="replace").count(text) if self.log.exists() else 0
