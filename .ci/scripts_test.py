#!/usr/bin/env python3
"""What the scripts say and do on a machine that lacks tools. Installs nothing: no package manager is on the PATH here."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

import rings

ROOT = rings.ROOT
MAKE = shutil.which("make")
PLAIN_TOOLS = ["bash", "sh", "env", "dirname", "basename", "cut", "sort", "head", "sed", "uname", "id", "cat", "tr"]
BUILD_TOOLS = ["Rust (cargo)", "a C and C++ compiler", "OpenSSL's headers and pkg-config", "make"]
SERVER_TOOLS = ["redis-server", "mvn", "unzip", "curl", "openssl"]
KOREAN_FONT = [] if sys.platform == "darwin" else ["a Korean font"]
TEST_TOOLS = ["Python 3 with venv", "Chromium", *KOREAN_FONT, "shellcheck", "promtool"]
GIVEN = {f"FOOTFALL_TEST_{name.upper()}": "elsewhere" for name in rings.SERVERS}


def on_a_bare_machine(*command, **variables):
    """Runs a command where there is little more than a shell."""
    with tempfile.TemporaryDirectory() as folder:
        for tool in PLAIN_TOOLS:
            (pathlib.Path(folder) / tool).symlink_to(shutil.which(tool))
        environment = {"PATH": folder, "HOME": folder, **variables}
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def named_as_missing(text):
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("missing: "):
            name, _, why = line.removeprefix("missing: ").partition(" — ")
            assert why, f"{name}: without a reason"
            assert lines[at + 1].startswith("    Debian, Ubuntu:  "), lines[at + 1]
            assert lines[at + 2].startswith("    macOS:           "), lines[at + 2]
            yield name


class MissingTools(unittest.TestCase):
    def names(self, *command, **variables):
        status, text = on_a_bare_machine(*command, **variables)
        self.assertNotEqual(status, 0, text)
        self.assertNotIn("Traceback", text)
        return list(named_as_missing(text))

    def test_the_demo_names_all_it_lacks_at_once(self):
        self.assertEqual(self.names(MAKE, "demo"), BUILD_TOOLS)

    def test_the_tests_name_all_they_lack_at_once(self):
        self.assertEqual(self.names(MAKE, "test"), BUILD_TOOLS + SERVER_TOOLS + TEST_TOOLS)

    def test_the_quick_tests_name_all_they_lack_at_once(self):
        self.assertEqual(self.names(MAKE, "test-quick"), [*BUILD_TOOLS, "python3"])

    def test_the_load_tests_name_all_they_lack_at_once(self):
        self.assertEqual(self.names(MAKE, "load"), [*BUILD_TOOLS, "redis-server", "mvn", "unzip", "curl", "Python 3 with venv"])

    def test_servers_that_are_given_need_no_tools(self):
        self.assertEqual(self.names(MAKE, "test", **GIVEN), BUILD_TOOLS + TEST_TOOLS)

    def test_continuous_integration_needs_what_tests_start_themselves_even_so(self):
        named = self.names(MAKE, "test", **GIVEN, CI="true")
        self.assertEqual(named, [*BUILD_TOOLS, "redis-server", "mvn", *TEST_TOOLS])

    def test_scripts_that_are_not_checked_are_said_and_fail_continuous_integration(self):
        for variables, passes in ({}, True), ({"CI": "true"}, False):
            status, text = on_a_bare_machine(".ci/check-scripts", **variables)
            self.assertIn("shellcheck is missing", text)
            self.assertEqual(status == 0, passes)

    def test_a_ring_whose_program_is_missing_fails_with_its_name(self):
        ring = rings.Ring("pure")
        self.assertFalse(rings.run(["no-such-program"], ring))
        self.assertIn("no-such-program", ring.notes[0])


class ServerTests(unittest.TestCase):
    def chosen(self, given, redis, strict=False, s3proxy=True):
        ring = rings.Ring("cluster")
        listing = types.SimpleNamespace(stdout="one: test\nmany: test\n\n2 tests, 0 benchmarks\n")
        with (
            mock.patch.object(rings.shutil, "which", lambda _: redis),
            mock.patch.object(rings.subprocess, "run", lambda *_, **__: listing),
            mock.patch.object(rings, "STRICT", strict),
            mock.patch.object(rings, "has_s3proxy", lambda: s3proxy),
        ):
            return rings.server_tests(ring, given), ring

    def test_without_a_redis_those_that_start_one_are_counted_as_not_run(self):
        tests, ring = self.chosen(GIVEN, redis=None)
        self.assertEqual(ring.skipped, 2)
        self.assertIn("2 tests that start redis-servers of their own: not run", ring.notes[0])
        self.assertNotIn("server_redis", tests)
        self.assertIn("server_opensearch", tests)
        self.assertIn("server_pipeline", tests)

    def test_all_run_where_there_is_one_or_none_is_given_or_none_may_be_skipped(self):
        for given, redis, strict in (GIVEN, "redis-server", False), ({}, None, False), (GIVEN, None, True):
            tests, ring = self.chosen(given, redis, strict)
            self.assertEqual(tests, ["--test", "server_*"])
            self.assertEqual((ring.skipped, ring.notes), (0, []))

    def test_where_the_given_brokers_have_no_tls_its_tests_are_counted_as_not_run(self):
        tests, ring = self.chosen({"KAFKA": "elsewhere"}, redis="redis-server")
        self.assertEqual(ring.skipped, 2)
        self.assertIn("2 tests of TLS and SASL: not run", ring.notes[0])
        for name in rings.NEED_SECURE_KAFKA:
            self.assertNotIn(name, tests)
        self.assertIn("server_kafka", tests)
        secured = {f"FOOTFALL_TEST_{name}": "elsewhere" for name in rings.SECURE_KAFKA}
        with mock.patch.dict(rings.os.environ, secured):
            tests, ring = self.chosen({"KAFKA": "elsewhere"}, redis="redis-server")
        self.assertEqual((tests, ring.skipped), (["--test", "server_*"], 0))

    def test_without_an_s3proxy_those_that_start_one_are_counted_as_not_run(self):
        tests, ring = self.chosen(GIVEN, redis="redis-server", s3proxy=False)
        self.assertIn("2 tests that start an S3-compatible server: not run", ring.notes[0])
        for name in rings.START_S3PROXY:
            self.assertNotIn(name, tests)
        tests, ring = self.chosen(GIVEN, redis="redis-server", s3proxy=False, strict=True)
        self.assertEqual((tests, ring.skipped), (["--test", "server_*"], 0))
        users = [path.stem for path in ROOT.glob("*/tests/*.rs") if "\nmod bucket;" in path.read_text()]
        self.assertEqual(sorted(users), rings.START_S3PROXY)

    def test_no_other_test_needs_tls(self):
        users = [path.stem for path in ROOT.glob("*/tests/*.rs") if "FOOTFALL_TEST_KAFKA_" in path.read_text()]
        self.assertEqual(sorted(users), sorted(rings.NEED_SECURE_KAFKA))

    def test_no_other_test_starts_a_redis(self):
        sources = [path for path in ROOT.glob("*/tests/**/*.rs") if '"redis-server"' in path.read_text()]
        self.assertEqual(sorted(sources), [ROOT / "views/tests/redis" / name for name in ("node.rs", "server.rs")])
        users = [path for path in ROOT.glob("*/tests/*.rs") if "\nmod redis;" in path.read_text()]
        self.assertEqual([path.stem for path in users], [rings.STARTS_REDIS])


if __name__ == "__main__":
    unittest.main(verbosity=0)
