#!/usr/bin/env python3
"""Makes a copy of the rules whose times are shorter, so that a drill sees each alert fire and resolve within minutes.

usage: deploy/prometheus/drill.py FACTOR FOLDER
(0.1: a tenth of every `for:`; windows of rates stay 15 s or longer, thresholds in seconds 30 s or longer)
"""

import pathlib
import re
import sys

RULES = pathlib.Path(__file__).resolve().parent / "rules"
SECONDS = {"s": 1, "m": 60, "h": 3600}
LEAST_WINDOW_S = 15  # a rate needs a few scrapes
LEAST_AGE_S = 30  # what is this old has waited, on a busy machine too


def scaled(text, factor, least=0):
    """A duration such as 5m, shorter; whole seconds."""
    seconds = int(text[:-1]) * SECONDS[text[-1]] * factor
    return f"{max(round(seconds), least)}s"


def lower(text, factor):
    """An age in seconds, less; one below LEAST_AGE_S stays."""
    return str(min(int(text), max(round(int(text) * factor), LEAST_AGE_S)))


def drilled(rules, factor):
    """The rules with shorter `for:`, shorter windows, and lower thresholds of ages; other thresholds are the same."""
    rules = re.sub(r"(?m)^(\s+for: )(\d+[smh])$", lambda of: of[1] + scaled(of[2], factor), rules)
    rules = re.sub(r"(?m)^\s+expr: .*_seconds.*$", lambda of: re.sub(r"(> )(\d+)", lambda age: age[1] + lower(age[2], factor), of[0]), rules)
    return re.sub(r"\[(\d+[smh])\]", lambda of: f"[{scaled(of[1], factor, LEAST_WINDOW_S)}]", rules)


def main(factor, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("recording.yml", "alerts.yml"):
        (folder / name).write_text(drilled((RULES / name).read_text(), float(factor)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
