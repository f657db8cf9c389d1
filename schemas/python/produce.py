#!/usr/bin/env python3
"""Sends people's way through a campaign to Footfall, as a team with a Kafka client and the .proto would.

usage: produce.py --brokers HOST:PORT --topic footfall.events --count 100 --campaign spring-sale

Prints one JSON object a line on stdout for each event that was acknowledged: where it stands and what it says.
Exit status 1 if any event was not acknowledged. Needs the packages of requirements.txt.
"""

import argparse
import importlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import uuid

from confluent_kafka import Producer
from google.protobuf.json_format import MessageToDict
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parent.parent / "proto"

# What makes an acknowledged event durable, sent once and in the right partition.
SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,
    # Java's rule. librdkafka's own default would put users elsewhere, and Footfall refuses such records.
    "partitioner": "murmur2_random",
    "linger.ms": 5,
}
# How long to wait for the last acknowledgements: a broker's death takes about ten seconds.
FLUSH_SECONDS = 60

AGENTS = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.7.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36",
]


def compile_proto(name="event"):
    """Compiles the .proto of that name, and event.proto, into a temporary folder and returns the first's module."""
    folder = tempfile.TemporaryDirectory(prefix="footfall-proto-")
    sources = sorted({str(PROTO / f"footfall/v1/{of}.proto") for of in ("event", name)})
    if protoc.main(["protoc", f"-I{PROTO}", f"--python_out={folder.name}", *sources]) != 0:
        sys.exit(f"{sources} do not compile; see the message above")
    sys.path.insert(0, folder.name)
    module = importlib.import_module(f"footfall.v1.{name}_pb2")
    module.folder = folder  # kept until the process ends
    return module


def events(proto, count, campaign, seed):
    """People who visit; half of them click, some sign up, some buy."""
    choice = random.Random(seed)
    made = 0
    while made < count:
        user, agent = f"python-{choice.randrange(max(count // 3, 1))}", choice.choice(AGENTS)
        steps = [proto.KIND_VISIT]
        if choice.random() < 0.1:
            steps.insert(0, proto.KIND_SIGN_UP)
        if choice.random() < 0.5:
            steps.append(proto.KIND_CLICK)
            if choice.random() < 0.3:
                steps.append(proto.KIND_PURCHASE)
        for kind in steps[: count - made]:
            event = proto.Event(
                event_id=str(uuid.uuid4()),  # one for each intent: sent again after an error, it stays the same
                user_id=user,
                kind=kind,
                occurred_at_ms=time.time_ns() // 1_000_000,
                campaign_id=campaign,
                activity_id="python-example",
                user_agent=agent,
            )
            if kind == proto.KIND_PURCHASE:
                event.amount.minor_units = choice.randrange(5, 100) * 1000
                event.amount.currency = "KRW"
            made += 1
            yield event


def send(producer, topic, messages):
    """Sends the events and returns how many were not acknowledged."""
    lost = 0

    def reporter(event):
        def report(error, message):
            nonlocal lost
            if error is not None:
                lost += 1
                print(f"{event.event_id} was not acknowledged: {error}", file=sys.stderr)
                return
            fields = MessageToDict(event, preserving_proto_field_name=True)
            print(json.dumps({"partition": message.partition(), "offset": message.offset(), "event": fields},
                             ensure_ascii=False))

        return report

    for event in messages:
        while True:
            try:
                producer.produce(
                    topic,
                    key=event.user_id.encode(),  # the key rule: one user, one partition
                    value=event.SerializeToString(),
                    on_delivery=reporter(event),
                )
                break
            except BufferError:  # the client's queue is full
                producer.poll(0.1)
        producer.poll(0)
    waiting = producer.flush(FLUSH_SECONDS)  # first: its reports count what is lost
    return lost + waiting


def security(arguments):
    """How we show who we are, as the client's settings."""
    settings = {
        "security.protocol": arguments.security,
        "sasl.mechanism": arguments.sasl,
        "sasl.username": arguments.sasl and os.environ.get("FOOTFALL_KAFKA_USER"),
        "sasl.password": arguments.sasl and os.environ.get("FOOTFALL_KAFKA_PASSWORD"),
        "ssl.ca.location": arguments.ca,
        "ssl.certificate.location": arguments.certificate,
        "ssl.key.location": arguments.key,
    }
    return {name: value for name, value in settings.items() if value}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", required=True, help="host:port of a broker; several with commas")
    parser.add_argument("--topic", default="footfall.events", help="the events topic (default: %(default)s)")
    parser.add_argument("--count", type=int, default=100, help="how many events (default: %(default)s)")
    parser.add_argument("--campaign", default="python-example", help="their campaign (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides who does what (default: %(default)s)")
    parser.add_argument("--security", default="plaintext", help="plaintext, ssl, sasl_plaintext, sasl_ssl (default: %(default)s)")
    parser.add_argument("--sasl", help="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; user and password are the variables"
                        " FOOTFALL_KAFKA_USER and FOOTFALL_KAFKA_PASSWORD")
    parser.add_argument("--ca", help="PEM file of the authorities that sign the brokers' certificates")
    parser.add_argument("--certificate", help="PEM file of a certificate of our own")
    parser.add_argument("--key", help="PEM file of its key")
    arguments = parser.parse_args()
    producer = Producer({**SETTINGS, **security(arguments), "bootstrap.servers": arguments.brokers, "client.id": "footfall-python-example"})
    messages = events(compile_proto(), arguments.count, arguments.campaign, arguments.seed)
    lost = send(producer, arguments.topic, messages)
    if lost:
        sys.exit(f"{lost} of {arguments.count} events were not acknowledged")


if __name__ == "__main__":
    main()
