"""What a storm was and what was found, as a table, as JSON and as a page in both languages."""

import collections
import datetime
import json
import os
import shutil
import statistics
import subprocess

from harness import PARTITIONS, ROOT, freshness
from storm.words import ENGLISH, KOREAN, TRANSLATED

DOCS = ROOT / "docs"
PAGES = {"chaos.md": ENGLISH, "chaos.ko.md": KOREAN}
BESIDE = ("result.json", "timeline.svg")


def of_faults(storm, start, until, done):
    """Each fault with how long its part took to be whole, and the views to be fresh again, by the images that were read."""
    images = storm.images()
    times = Fresh(images)
    faults = [
        {**of, "began": round(of["began"] - start, 2), "ended": round(of["ended"] - start, 2), "fresh": round(times.after(of["began"]) - of["began"], 2)}
        for of in sorted(done, key=lambda of: of["began"])
    ]
    age, at = freshness(images, start, until)
    return {"faults": faults, "worst_age_s": round(age, 2), "worst_age_at": round(at - start, 1)}


def delivered_again(storm, since, until):
    """Records that workers were given a second time between two instants, as their logs say."""
    lines = (line for log in storm.folder.glob("processor-*.log") for line in log.read_text().splitlines() if "delivered again" in line)
    return sum(since <= datetime.datetime.fromisoformat(line.split()[0]).timestamp() <= until for line in lines)


class Fresh:
    """When every partition's image had records that came after an instant."""

    def __init__(self, images):
        self.by_partition = collections.defaultdict(list)
        for at, partition, _, log_time in images:
            self.by_partition[partition].append((at, log_time))

    def after(self, instant):
        """The time by which each partition was read with such records; the last image's where one never was."""
        latest = instant
        for seen in self.by_partition.values():
            latest = max(latest, next((at for at, log_time in seen if at >= instant and log_time > instant), seen[-1][0]))
        return latest


def by_kind(faults):
    """For every kind of part and fault: how many, and the seconds until the part was whole and the views were fresh."""
    groups = collections.defaultdict(list)
    for of in faults:
        groups[of["kind"], of["fault"]].append(of)
    for (kind, fault), all_of in sorted(groups.items()):
        whole, fresh = ([of[name] for of in all_of] for name in ("whole", "fresh"))
        yield kind, fault, len(all_of), statistics.median(whole), max(whole), statistics.median(fresh), max(fresh)


def machine():
    commit = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {"date": str(datetime.date.today()), "cores": os.cpu_count(), "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30), "commit": commit}


def write(storm, result):
    """Prints what was seen; the pages and the JSON lie in the drill's folder."""
    for of in result["faults"]:
        of["whole"] = round(of["ended"] - of["began"], 2)
    result |= {"machine": machine(), "partitions": PARTITIONS}
    (storm.folder / "result.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for name, words in PAGES.items():
        (storm.folder / name).write_text(page(result, words))
    print((storm.folder / "chaos.md").read_text())


def keep(storm):
    """Puts the pages where they are read."""
    (DOCS / "chaos").mkdir(exist_ok=True)
    for name in PAGES:
        shutil.copy(storm.folder / name, DOCS / name)
    for name in BESIDE:
        shutil.copy(storm.folder / name, DOCS / "chaos" / name)


def page(result, words):
    facts = figures(result)
    lines = [words["title"], "", words["other"], "", words["made"].format(**facts), "", words["how"], "", *(f"- {sentence.format(**facts)}" for sentence in words["facts"])]
    lines += ["", f"![{words['picture']}](chaos/timeline.svg)", "", f"| {' | '.join(words['head'])} |", "|---|---|" + "---:|" * 5]
    said = (lambda text: TRANSLATED[text]) if words is KOREAN else (lambda text: text)
    lines += [f"| {said(kind)} | {said(fault)} | {count} | " + " | ".join(f"{of:.1f}" for of in seconds) + " |" for kind, fault, count, *seconds in by_kind(result["faults"])]
    wrong = [f"{check}: {'; '.join(said)}" for check, said in result["checks"].items() if said]
    lines += ["", words["table"], "", words["violations"].format(found="; ".join(wrong) or words["none"]), "", words["rest"]]
    return "\n".join(lines) + "\n"


def figures(result):
    kills = result["kills"]
    stores = {of["store"]: of for of in result["verdicts"]}
    redis, history = stores["redis"], stores["opensearch"]
    total = lambda name: sum(count for part, count in kills.items() if part.startswith(name))
    return {
        **result["machine"], **{name: result[name] for name in ("seed", "minutes", "rate", "failovers", "partitions", "worst_age_s", "worst_age_at")},
        "faults": len(result["faults"]), "kinds": len({(of["kind"], of["fault"]) for of in result["faults"]}), "per_hour": round(len(result["faults"]) * 60 / result["minutes"]),
        "processor_kills": total("processor") + total("group"), "broker_kills": sum(of["kind"] == "brokers" and of["fault"] == "one is killed" for of in result["faults"]),
        "records": f"{result['log_records']:,}", "images": f"{result['images']['images']:,}", "offsets": f"{result['images']['offsets']:,}", "per_second": f"{result['images']['images_per_second']:.0f}",
        "images_wrong": result["images"]["wrong"], "went_back": result["images"]["went_back"], "no_image_s": f"{result['images']['longest_gap_seconds']:.1f}",
        "cut": result["cut"]["read"], "cut_images": f"{result['cut']['images']:,}", "cut_wrong": result["cut"]["wrong"], "cells": f"{redis['cells'] + history['cells']:,}",
        "differ": redis["differences"] + history["differences"], "applied": f"{redis['applied']:,}", "duplicate": f"{redis['duplicate']:,}", "dead_lettered": f"{redis['dead_lettered']:,}",
        **{f"{client}_{name}": f"{count:,}" for client, counts in result["counts"].items() for name, count in counts.items()},
        **{f"{client}_gap": f"{seconds:.1f}" for client, (seconds, _) in result["gaps"].items()},
        "healed_s": f"{result['healed_s']:.1f}", "halted": result["made_anew"]["partitions_halted"],
    }
