"""Histograms from a process's /metrics: what came between two readings, and within what time most was answered."""

import re

LINE = re.compile(r'^(\w+)_bucket\{(?:(.*),)?le="([^"]+)"\} (\S+)$')


def buckets(text):
    """What took at most so many seconds, cumulative, by histogram and labels as they stand there: {name: {seconds: count}}."""
    found = {}
    for name, labels, bound, value in filter(None, (LINE.match(line) and LINE.match(line).groups() for line in text.splitlines())):
        of = f"{name}{{{labels}}}" if labels else name
        found.setdefault(of, {})[float(bound.replace("+Inf", "inf"))] = float(value)
    return found


def requests(route):
    """The name of a route's histogram."""
    return f'footfall_http_request_seconds{{route="{route}"}}'


def came(before, after):
    """What came between two readings of several processes, added up. Both are lists of `buckets`, in one order."""
    total = {}
    for old, new in zip(before, after, strict=True):
        for name, counts in new.items():
            of = total.setdefault(name, {})
            for bound, count in counts.items():
                of[bound] = of.get(bound, 0.0) + count - old.get(name, {}).get(bound, 0.0)
    return total


def within(counts, share):
    """The least bound, in milliseconds, within which that share of them lies; None where there were none."""
    total = counts.get(float("inf"), 0.0)
    bounds = [bound for bound in sorted(counts) if counts[bound] >= share * total]
    return bounds[0] * 1000 if total and bounds else None


def share(counts, seconds):
    """The share that took at most so long, a bound of the histogram; None where there were none."""
    total = counts.get(float("inf"), 0.0)
    return counts[seconds] / total if total else None
