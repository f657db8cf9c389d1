"""Histograms from a process's /metrics: what came between two readings, and within what time most was answered."""

import re

LINE = re.compile(r'^footfall_http_request_seconds_bucket\{(.*)\} (\S+)$')
LABEL = re.compile(r'(\w+)="([^"]*)"')


def buckets(text):
    """Requests answered within so many seconds, cumulative, by route: {route: {seconds: requests}}."""
    found = {}
    for labels, value in filter(None, (LINE.match(line) and LINE.match(line).groups() for line in text.splitlines())):
        labels = dict(LABEL.findall(labels))
        found.setdefault(labels["route"], {})[float(labels["le"].replace("+Inf", "inf"))] = float(value)
    return found


def came(before, after):
    """What came between two readings of several processes, added up. Both are lists of `buckets`, in one order."""
    total = {}
    for old, new in zip(before, after, strict=True):
        for route, counts in new.items():
            of = total.setdefault(route, {})
            for bound, count in counts.items():
                of[bound] = of.get(bound, 0.0) + count - old.get(route, {}).get(bound, 0.0)
    return total


def within(counts, share):
    """The least bound, in milliseconds, within which that share of the requests was answered; None where there were none."""
    total = counts.get(float("inf"), 0.0)
    bounds = [bound for bound in sorted(counts) if counts[bound] >= share * total]
    return bounds[0] * 1000 if total and bounds else None
