#!/usr/bin/env python3
"""What is counted of a rush, and where the tables go. Needs no server."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "chaos/drills")]

import pages  # noqa: E402
import speed  # noqa: E402
from verdict import counted  # noqa: E402


def yes(user, rank, status=201):
    return {"user": user, "status": status, "due_us": 0, "took_us": 1000, "again": 0, "answer": {"receipt": {"rank": rank}}}


NO = {"user": "late", "status": 409, "due_us": 0, "took_us": 3000, "again": 1, "answer": {}}


class Counting(unittest.TestCase):
    def test_a_rush_without_faults_has_none(self):
        found = counted([yes("a", 1), yes("b", 2, 200), NO], {"a", "b"}, 2)
        self.assertEqual({what for what, number in found.items() if number}, {"told_yes", "stored", "longest_s"})

    def test_a_seat_told_twice_is_over_booked_lost_and_of_the_same_rank(self):
        found = counted([yes("a", 1), yes("b", 1)], {"b"}, 1)
        self.assertEqual((found["over"], found["lost"], found["same_rank"], found["under"]), (1, 1, 1, 0))

    def test_a_seat_that_nobody_holds_is_under_booked_and_no_answer_is_none(self):
        found = counted([yes("a", 1), NO | {"status": 0}], {"a"}, 3)
        self.assertEqual((found["over"], found["under"], found["unanswered"]), (0, 2, 1))


class Pages(unittest.TestCase):
    def test_both_languages_have_a_name_for_everything_and_as_many_columns(self):
        english, korean = pages.WORDS["en"], pages.WORDS["ko"]
        self.assertEqual(english.keys(), korean.keys())
        for table in ("speed", "faults"):
            self.assertEqual(len(english[table]), len(korean[table]))

    def test_every_row_has_as_many_cells_as_the_head(self):
        load = speed.Load("second", 2, 1, 1_000)
        of = speed.Measured(per_second=[1.0, 3.0], yes_p50=[1], yes_p99=[1], no_p50=[1], no_p99=[1])
        rounds = {"log": [counted([yes("a", 1)], {"a"}, 1)]}
        for words in pages.WORDS.values():
            for lines in (pages.speed_table(words, load, {"script": of, "log": of}), pages.fault_table(words, rounds)):
                cells = {line.count("|") for line in lines if line.startswith("|")}
                self.assertEqual(len(cells), 1, lines)

    def test_what_is_written_replaces_the_marked_part_of_both_pages_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            copies = {language: pathlib.Path(folder) / page.name for language, page in pages.PAGES.items()}
            for language, page in pages.PAGES.items():
                copies[language].write_text(page.read_text())
            result = pathlib.Path(folder) / "result.md"
            with mock.patch.multiple(pages, PAGES=copies, RESULT=result, machine=lambda: ["a machine"]):
                for text in ("old", "new"):
                    pages.write("command", {"en": [text], "ko": [text]}, ["a fact"])
            for language, page in pages.PAGES.items():
                outside = lambda text: (text.split(pages.BEGIN)[0], text.split(pages.END)[1])
                written = copies[language].read_text()
                self.assertEqual(outside(written), outside(page.read_text()))
                self.assertIn("\nnew\n", written)
                self.assertNotIn("\nold\n", written)
            self.assertIn("- a machine\n- a fact\n", result.read_text())


if __name__ == "__main__":
    unittest.main()
