"""Draws what each process took over time: cores, memory and open descriptors, one picture a phase."""

import collections

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from sampling import between

POINTS = 240  # of a line; more samples are averaged
MARGIN_S = 1.0  # shown before and after
PANELS = [("cores", 1), ("memory, MiB", 2), ("open descriptors", 3)]


def averaged(rows, since, until):
    """{process: [(seconds, cores, MiB, descriptors)]}, at most POINTS of each."""
    width = max(0.25, (until - since) / POINTS)
    slots = collections.defaultdict(lambda: collections.defaultdict(list))
    for at, name, *values in rows:
        slots[name][int((at - since) / width)].append(values)
    mean = lambda values: sum(values) / len(values) if None not in values else None
    return {name: [((slot + 0.5) * width, *map(mean, zip(*of[slot], strict=True))) for slot in sorted(of)] for name, of in sorted(slots.items())}


def picture(path, title, rows, phase):
    since, until = phase["since"] - MARGIN_S, phase["until"] + MARGIN_S
    lines = averaged(between(rows, since, until), since, until)
    figure, panels = plt.subplots(len(PANELS), 1, figsize=(10, 10), sharex=True, layout="constrained")
    colours = plt.get_cmap("tab20").colors
    for panel, (label, column) in zip(panels, PANELS, strict=True):
        for number, (name, points) in enumerate(lines.items()):
            shown = [(of[0] - MARGIN_S, of[column]) for of in points if of[column] is not None]
            if shown:
                panel.plot(*zip(*shown, strict=True), label=name, color=colours[number % len(colours)], linewidth=1.2)
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[0].set_title(title)
    figure.legend(*panels[0].get_legend_handles_labels(), ncols=6, fontsize=8, loc="outside upper center")
    panels[-1].set_xlabel("seconds")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    # Its lines end with spaces.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def draw(folder, result, rows):
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "footfall"
    matplotlib.rcParams["path.simplify_threshold"] = 0.5
    for name in ("spike", "stampede", "sustained"):
        picture(folder / f"{name}.svg", name, rows, result[name])
