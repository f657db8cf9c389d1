#!/usr/bin/env python3
"""Counts an access log again, from the rules as they are written down, sharing no code with Footfall.

usage: recount.py LOG              totals as JSON
       recount.py --agents LOG     the User-Agent of every page view, one a line, for `footfall device`
       recount.py --devices LOG    totals, with page views by device class from `footfall device`'s answer on stdin,
                                   and each campaign's numbers
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
PLACE = re.compile(r"/(blog|articles|projects|presentations|files|misc|scripts)(/|$)")
NO_CAMPAIGN = "(none)"  # what the views call it


def utm_campaign(url):
    return urllib.parse.parse_qs(url.query).get("utm_campaign", [None])[0]


def campaign_of(url):
    """The request's utm_campaign; without one, the part of the site; else none."""
    place = PLACE.match(urllib.parse.unquote(url.path))
    return utm_campaign(url) or (place.group(1) if place else NO_CAMPAIGN)


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
            totals[kind] += 1
            views.append((address, agent, kind, url))
    return lines, totals, views


def by_campaign(views, classes):
    """Of each campaign: page views by kind and by device class, and people. Bots are counted apart, as views."""
    campaigns = {}
    for (address, agent, kind, url), device in zip(views, classes):
        numbers = campaigns.setdefault(
            campaign_of(url), {"visit": 0, "click": 0, "bots": 0, "devices": collections.Counter(), "people": set()}
        )
        if device == "bot":
            numbers["bots"] += 1
        else:
            numbers[kind] += 1
            numbers["devices"][device] += 1
            numbers["people"].add((address, agent))
    return {name: numbers | {"people": len(numbers["people"])} for name, numbers in campaigns.items()}


def main(arguments):
    lines, totals, views = count(arguments[-1])
    if "--agents" in arguments:
        print(*("" if agent == "-" else agent for _, agent, _, _ in views), sep="\n")
        return
    utm = collections.Counter(filter(None, (utm_campaign(view[3]) for view in views)))
    result = {"lines": lines, **totals, "people_and_bots": len({view[:2] for view in views}), "utm_campaigns": utm}
    if "--devices" in arguments:
        classes = [line.split("\t")[0] for line in sys.stdin]
        assert len(classes) == len(views), f"{len(classes)} devices for {len(views)} page views"
        people = {view[:2] for view, device in zip(views, classes) if device != "bot"}
        result |= {"devices": collections.Counter(classes), "people": len(people),
                   "campaigns": by_campaign(views, classes)}
    print(json.dumps(result, sort_keys=True, ensure_ascii=False))


main(sys.argv[1:])
