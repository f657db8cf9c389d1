#!/usr/bin/env python3
"""Counts the admissions in footfall.entries again: the rule in twenty lines, sharing with Footfall the .proto alone.

usage: recount_admissions.py --brokers HOST:PORT [--topic footfall.entries]

Prints one JSON object for each activity: {"activity", "capacity", "held", "admitted": [[user_id, rank, partition, offset], …]}.
Needs the packages of requirements.txt.
"""

import argparse
import json
import sys

from confluent_kafka import Consumer, TopicPartition
from produce import compile_proto


def recount(records, EntryRecord):
    """Folds (partition, offset, append time, value) in each partition's order; activities by id."""
    activities, log_time = {}, {}
    for partition, offset, time, value in records:
        now = log_time[partition] = max(time, log_time.get(partition, 0))
        act = EntryRecord.FromString(value)
        of = getattr(act, act.WhichOneof("act"))
        this = activities.setdefault(of.activity_id, {"seats": {}, "decided": set(), "admitted": []})
        if act.HasField("defined"):
            this |= {"capacity": of.capacity, "opens": of.opens_at_ms, "closes": of.closes_at_ms if of.HasField("closes_at_ms") else sys.maxsize}
        elif act.HasField("cancelled"):
            if this["seats"].get(of.user_id) == of.rank:
                del this["seats"][of.user_id]
        elif (of.user_id, of.request_id) not in this["decided"]:
            this["decided"].add((of.user_id, of.request_id))
            is_open = "capacity" in this and this["opens"] <= now < this["closes"]
            if is_open and of.user_id not in this["seats"] and len(this["seats"]) < this["capacity"]:
                rank = this["seats"][of.user_id] = len(this["admitted"]) + 1
                this["admitted"].append([of.user_id, rank, partition, offset])
    return activities


def records(brokers, topic):
    """Every record of the topic, as it is now."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "recount", "enable.auto.commit": False, "enable.partition.eof": False})
    for partition in sorted(consumer.list_topics(topic, 30).topics[topic].partitions):
        end = consumer.get_watermark_offsets(TopicPartition(topic, partition), 30)[1]
        consumer.assign([TopicPartition(topic, partition, 0)])
        at = 0
        while at < end:
            for message in consumer.consume(10_000, 1.0):
                if message.error():
                    sys.exit(f"{topic}/{partition}: {message.error()}")
                at = message.offset() + 1
                yield partition, message.offset(), message.timestamp()[1], message.value()
    consumer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", default="footfall.entries")
    args = parser.parse_args()
    entry = compile_proto("entry")
    for activity, of in recount(records(args.brokers, args.topic), entry.EntryRecord).items():
        print(json.dumps({"activity": activity, "capacity": of.get("capacity"), "held": len(of["seats"]), "admitted": of["admitted"]}))


if __name__ == "__main__":
    main()
