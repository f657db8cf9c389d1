"""Draws what was done to the deployment over time, and what it did meanwhile."""

import collections

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from storm.schedule import PARTS  # noqa: E402

POINTS = 360
WORDS = {
    "faults": "faults", "stored": "records a second\nin Redis", "lag": "records that Redis\nis behind", "fresh": "age of the newest record\nin a partition, s", "people": "people told\na second", "seconds": "seconds",
}
KINDS = {"kill": "tab:red", "still": "tab:orange", "restart": "tab:blue"}
OTHER = "tab:purple"


def colour(fault):
    if any(word in fault for word in ("killed", "deleted", "cut short", "older", "wiped", "down")):
        return KINDS["kill"]
    return next((KINDS[word] for word in ("still", "restart") if word in fault), OTHER)


def slots(start, until):
    width = max(1.0, (until - start) / POINTS)
    return width, [start + width * slot for slot in range(int((until - start) / width) + 1)]


def at_each(times, images):
    """At each time, the newest offset and log time of every partition: (records stored, greatest age)."""
    newest, rest = {}, collections.deque(sorted(images))
    for time in times:
        while rest and rest[0][0] <= time:
            at, partition, offset, log_time = rest.popleft()
            newest[partition] = (offset, log_time)
        ages = [time - log_time for _, log_time in newest.values() if log_time]
        yield sum(offset for offset, _ in newest.values()), max(ages, default=0.0)


def newest_end(times, ends):
    rest, end = collections.deque(sorted(ends)), 0
    for time in times:
        while rest and rest[0][0] <= time:
            end = rest.popleft()[1]
        yield end


def draw(path, storm, of):
    """The picture of a course."""
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "footfall"
    matplotlib.rcParams["path.simplify_threshold"] = 0.5
    start, until = of.start, of.until
    width, times = slots(start, until)
    stored, ages = zip(*at_each(times, storm.images()), strict=True)
    lag = [max(0, end - held) for end, held in zip(newest_end(times, of.ends.seen), stored, strict=True)]
    rates = [max(0, after - before) / width for before, after in zip(stored, stored[1:])]
    answers = collections.Counter(int((at - start) / width) for at in of.told() if start <= at <= until)
    figure, panels = plt.subplots(5, 1, figsize=(12, 12), sharex=True, layout="constrained", height_ratios=[3, 1, 1, 1, 1])
    names = [part.name for part in PARTS][::-1]
    for fault in of.done:
        panels[0].barh(names.index(fault["part"]), max(fault["ended"] - fault["began"], width / 2), left=fault["began"] - start, height=0.7, color=colour(fault["fault"]), linewidth=0)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_title("killed or lost: red; stands still: orange; restarted: blue; anything else: purple; until it was whole again", fontsize=9)
    shifted = [time - start for time in times]
    for panel, name, values in ((panels[1], "stored", [*rates, 0.0]), (panels[2], "lag", lag), (panels[3], "fresh", ages), (panels[4], "people", [answers[slot] / width for slot in range(len(times))])):
        panel.plot(shifted, values, linewidth=1.0)
        panel.set_ylabel(WORDS[name], fontsize=8)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel(WORDS["seconds"])
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    # Its lines end with spaces.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
