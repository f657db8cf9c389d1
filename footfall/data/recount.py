#!/usr/bin/env python3
"""Counts an access log again, from the rules as they are written down, sharing no code with Footfall.

usage: recount.py LOG              totals as JSON
       recount.py --agents LOG     the User-Agent of every page view, one a line, for `footfall device`
       recount.py --devices LOG    totals, with page views by device class from `footfall device`'s answer on stdin
"""

import collections
import json
import re
import sys
import urllib.parse

LINE = re.compile(r'(\S+) .*? \[[^\]]+\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')
ASSET = re.compile(
    r"\.(css|js|map|json|png|jpe?g|gif|svg|ico|webp|avif|bmp|ttf|otf|woff2?|eot|swf|mp[34]|ogg|webm"
    r"|jar|exe|t?gz|bz2|xz|zip|deb|rpm|gem|pyc|pcap)$|^/(robots\.txt|favicon|icons/|static/|wp-login\.php)", re.I)
SITE = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*\.)?semicomplete\.com(:\d+)?([/?#]|$)", re.I)


def count(path):
    lines, totals, views = 0, collections.Counter(), []
    for text in open(path, encoding="utf-8", errors="replace"):
        lines += 1
        found = LINE.match(text)
        if not found:
            totals["unreadable"] += 1
            continue
        address, request, status, referrer, agent = found.groups()
        method, _, target = request.partition(" ")
        url = urllib.parse.urlsplit(re.sub("^/+", "/", target.split(" ")[0]))  # "//a" would be a host
        if method != "GET":
            totals["not_get"] += 1
        elif status not in ("200", "304"):
            totals["status"] += 1
        elif ASSET.search(urllib.parse.unquote(url.path)):
            totals["asset"] += 1
        else:
            kind = "click" if SITE.match(referrer) else "visit"
            campaign = urllib.parse.parse_qs(url.query).get("utm_campaign", [None])[0]
            totals[kind] += 1
            views.append((address, agent, kind, campaign))
    return lines, totals, views


def main(arguments):
    lines, totals, views = count(arguments[-1])
    if "--agents" in arguments:
        print(*("" if agent == "-" else agent for _, agent, _, _ in views), sep="\n")
        return
    result = {"lines": lines, **totals, "people_and_bots": len({view[:2] for view in views}),
              "utm_campaigns": collections.Counter(view[3] for view in views if view[3])}
    if "--devices" in arguments:
        classes = [line.split("\t")[0] for line in sys.stdin]
        assert len(classes) == len(views), f"{len(classes)} devices for {len(views)} page views"
        people = {view[:2] for view, device in zip(views, classes) if device != "bot"}
        result |= {"devices": collections.Counter(classes), "people": len(people)}
    print(json.dumps(result, sort_keys=True, ensure_ascii=False))


main(sys.argv[1:])
