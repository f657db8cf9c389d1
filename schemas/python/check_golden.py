#!/usr/bin/env python3
"""Reads the golden bytes of released messages with Google's own protobuf, and writes them again.

Exit status 1 if a message decodes otherwise than its .txt says, or encodes to other bytes: Rust and Python would then
not speak of the same thing. Needs the packages of requirements.txt.
"""

import importlib
import pathlib
import sys
import tempfile

from grpc_tools import protoc

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = SCHEMAS / "golden/v1"
# By the name of the golden file as far as it fits; each with the .proto that has it.
MESSAGES = {
    "event": ("event", "Event"),
    "entry": ("entry", "EntryRecord"),
    "campaign-record": ("campaign", "CampaignRecord"),
    "counts-row": ("rows", "CountsRow"),
    "people-row": ("rows", "PeopleRow"),
    "minutes-row": ("rows", "MinutesRow"),
}


def compiled(folder):
    protos = [str(path) for path in sorted((SCHEMAS / "proto").rglob("*.proto"))]
    if protoc.main(["protoc", f"-I{SCHEMAS / 'proto'}", f"--python_out={folder}", *protos]) != 0:
        sys.exit("the .proto files do not compile; see the messages above")
    sys.path.insert(0, folder)
    return {name: importlib.import_module(f"footfall.v1.{name}_pb2") for name, _ in MESSAGES.values()}


def shown(message):
    """The fields as the Rust test's text has them."""
    if message.DESCRIPTOR.name == "EntryRecord":
        act = message.WhichOneof("act")
        return "".join(f"{act}.{line}" for line in shown(getattr(message, act)).splitlines(keepends=True))
    if message.DESCRIPTOR.name.endswith("Row"):
        return "".join(f"{field.name}: {value_of(message, field)}\n" for field in message.DESCRIPTOR.fields)
    lines = []
    for field in message.DESCRIPTOR.fields:
        if field.message_type:
            lines += [f"{field.name}.{part.name}: {part_of(message, field, part)}\n" for part in field.message_type.fields]
        elif field.has_presence:
            lines.append(f"{field.name}: {option(message, field)}\n")
        else:
            lines.append(f"{field.name}: {getattr(message, field.name)}\n")
    return "".join(lines)


def value_of(message, field):
    value = getattr(message, field.name)
    return list(value) if field.is_repeated else value


def part_of(message, field, part):
    if not message.HasField(field.name):
        return "None"
    inner = getattr(message, field.name)
    return f"Some({option(inner, part) if part.has_presence else quoted(getattr(inner, part.name))})"


def option(message, field):
    return f"Some({quoted(getattr(message, field.name))})" if message.HasField(field.name) else "None"


def quoted(value):
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else value


def main():
    wrong = checked = 0
    with tempfile.TemporaryDirectory(prefix="footfall-proto-") as folder:
        modules = compiled(folder)
        for path in sorted(GOLDEN.glob("*.bin")):
            module, name = next(named for stem, named in MESSAGES.items() if path.stem.startswith(stem))
            message = getattr(modules[module], name)()
            message.ParseFromString(path.read_bytes())
            text = GOLDEN / f"{path.stem if path.stem != 'event-unknown-field' else 'event-visit'}.txt"
            if shown(message) != text.read_text():
                wrong += 1
                print(f"{path.name} decodes to other values:\n{shown(message)}", file=sys.stderr)
            if message.SerializeToString(deterministic=True) != path.read_bytes():
                wrong += 1
                print(f"{path.name} encodes to other bytes", file=sys.stderr)
            checked += 1
    print(f"{checked} golden messages, {wrong} differences")
    if wrong or not checked:
        sys.exit(1)


if __name__ == "__main__":
    main()
