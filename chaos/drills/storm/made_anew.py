"""The last scene: the events topic is deleted and made again, with other records, under running processors. They must halt, and touch no view."""

import json
import time

from confluent_kafka.admin import AdminClient
from harness import PARTITIONS, get, wait_for

RECORDS = 3_000


def halted(part):
    """Partitions that stand still until a person has looked."""
    lines = get(f"http://{part.address}/metrics").splitlines()
    return sum(1 for line in lines if line.startswith("footfall_partition_halted{") and line.endswith(" 1"))


def made_anew(storm, parts):
    """What was seen, and what is wrong with it."""
    processors = [parts[f"processor-{number}"] for number in (1, 2, 3)]
    topic, before = f"{storm.prefix}-footfall.events", storm.footfall("views", "digest", "--store", "redis").strip()
    kafka = AdminClient({"bootstrap.servers": storm.servers["FOOTFALL_KAFKA"]})
    start = time.time()
    kafka.delete_topics([topic])[topic].result(30)
    wait_for("the topic is gone", lambda: topic not in kafka.list_topics(timeout=10).topics)
    storm.footfall("topics", "create")
    made = json.loads(storm.footfall("generate", "--count", str(RECORDS), "--seed", "99"))["journal"]["records"]
    # Those that were stopped by it meanwhile come again, and look at what they kept.
    for part in processors:
        part.revive()
    seen = 0

    def all_halted():
        nonlocal seen
        try:
            seen = max(seen, sum(map(halted, processors)))
        except OSError:
            return False
        return seen == PARTITIONS

    wait_for("every partition is halted", all_halted, 180)
    after = storm.footfall("views", "digest", "--store", "redis").strip()
    wrong = [] if after == before else [f"the topic was made anew, and Redis' digest is {after} instead of {before}"]
    return {"partitions_halted": seen, "records": made, "seconds": time.time() - start}, wrong
