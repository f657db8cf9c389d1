#!/usr/bin/env python3
"""Compares `footfall device` with lists of User-Agents whose class is known; prints Markdown.

A list has one User-Agent a line, then a tab and its class: Mobile, Tablet, Desktop, Bot or Other;
`|` stands between classes where the source leaves it open. docs/devices.md says where lists come from.
"""

import argparse
import collections
import hashlib
import pathlib
import shlex
import subprocess
import sys

CLASSES = ["mobile", "tablet", "desktop", "bot", "other"]
HELD = {"mobile", "tablet", "desktop"}  # what people hold in their hands or sit at


def half_of(agent: str) -> int:
    """0 or 1, by the User-Agent alone, so that halves are the same on every machine."""
    return hashlib.md5(agent.encode()).digest()[0] % 2


def read(path: pathlib.Path, half: int | None) -> list[tuple[str, str]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        columns = line.split("\t")
        if len(columns) < 2:
            sys.exit(f"{path}:{number} has no tab; write User-Agent, tab, class")
        if half is None or half_of(columns[0]) == half:
            rows.append((columns[0], columns[1].lower()))
    return rows


def tell(command: list[str], agents: list[str]) -> list[str]:
    done = subprocess.run(command, input="\n".join(agents) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    told = [line.split("\t")[0] for line in done.stdout.splitlines()]
    if len(told) != len(agents):
        sys.exit(f"{command[0]} answered {len(told)} lines to {len(agents)} User-Agents")
    return told


def share(right: int, of: int) -> str:
    return f"{right} of {of} ({100 * right / of:.2f} %)" if of else "none"


def report(name: str, rows: list[tuple[str, str]], told: list[str]) -> None:
    matrix = collections.Counter((expected, answer) for (_, expected), answer in zip(rows, told))
    right = {key: count for key, count in matrix.items() if key[1] in key[0].split("|")}
    held = [key for key in matrix if set(key[0].split("|")) <= HELD]
    print(f"\n### {name}\n")
    print(f"Right: {share(sum(right.values()), len(rows))}; of the mobile, tablet and desktop rows")
    print(f"{share(sum(right.get(key, 0) for key in held), sum(matrix[key] for key in held))}.\n")
    print("| expected ↓ told → | " + " | ".join(CLASSES) + " |")
    print("|---|" + "---:|" * len(CLASSES))
    for expected in sorted({key[0] for key in matrix}, key=lambda e: (CLASSES.index(e.split("|")[0]), e)):
        cells = (str(matrix[expected, answer]) for answer in CLASSES)
        print(f"| {expected.replace('|', ' or ')} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    parser.add_argument("--command", default="target/ci/footfall device", help="what classifies (default: %(default)s)")
    parser.add_argument("--half", type=int, choices=[0, 1], help="judge one half of each list only")
    arguments = parser.parse_args()
    for path in arguments.lists:
        rows = read(path, arguments.half)
        if not rows:
            sys.exit(f"{path} has no rows")
        report(path.name.split(".")[0], rows, tell(shlex.split(arguments.command), [agent for agent, _ in rows]))


if __name__ == "__main__":
    main()
