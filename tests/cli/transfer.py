#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exact export and its import, also killed in the middle; copy."""
import json
import os
import random
import signal
import subprocess
import time

from support import (
    DAMAGED, INPUT_OUTPUT, NOT_A_LOG, PROGRAM, REFUSED, START, USAGE, CommandTest, event, main, to_lines,
)


class Exact(CommandTest):
    def exact(self, **options):
        return self.output_of("export", "--exact", **options)

    def filled(self):
        self.append(
            {"type": "made", "data": {"id": 1, "deep": [1.5, None, 18446744073709551615]}, "tags": ["k:1"]},
            {"type": "made", "data": {"id": 2}, "metadata": {"by": "ada"}, "stream": "other"},
            {"type": "left", "data": {}},
        )
        self.run_verb("truncate", "s", "--before", "1")
        self.import_events([event("old", {"n": n}, START + n) for n in range(2000)], "--stream", "u-{n}")

    def test_what_is_imported_is_the_equal_of_what_was_exported(self):
        self.filled()
        text = self.exact()
        file = self.file("all.jsonl", text)
        for name, words, given in (("a", [file], None), ("b", ["-"], text)):
            with self.subTest(name):
                copy = self.path(name)
                self.assertIn("2,004 events", self.output_of("import", *words, "--exact", log=copy, given=given))
                self.assertEqual(self.exact(log=copy), text)
                for verb in (["read", "--json"], ["read", "--json", "--stream", "$streams"], ["streams", "--json"]):
                    self.assertEqual(self.output_of(*verb, log=copy), self.output_of(*verb))
                self.assertTrue(self.lines_of("verify", "--json", log=copy)[0]["intact"])
                self.assertFalse(os.path.exists(os.path.join(copy, "LOG.importing")))
                self.append({"type": "more", "data": {}}, log=copy)
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(lines[0]["everfold"], "export")
        self.assertEqual(lines[1]["data"], {"id": 1, "deep": [1.5, None, 18446744073709551615]})
        self.assertEqual(lines[-1]["end"]["events"], 2004)

    def test_it_goes_into_a_new_directory_only(self):
        self.filled()
        file = self.file("all.jsonl", self.exact())
        before = self.tree()
        for target in (self.log, self.scratch, file):
            self.assertIn("a new directory", self.errors_of("import", file, "--exact", log=target, code=REFUSED))
        self.assertEqual(self.tree(), before)

    def test_a_wrong_line_is_named_and_leaves_no_log(self):
        self.filled()
        lines = self.exact().splitlines(keepends=True)
        target = self.path("new")
        for at in (0, 1, 3, 500, len(lines) - 1):
            for wrong in ("nonsense\n", "{}\n", "", lines[at][:-2] + "\n", lines[at].replace('"', '"x', 1)):
                with self.subTest(at=at, wrong=wrong[:20]):
                    file = self.file("wrong.jsonl", "".join(lines[:at] + [wrong] + lines[at + 1:]))
                    errors = self.errors_of("import", file, "--exact", log=target, code=INPUT_OUTPUT)
                    self.assertRegex(errors, rf"wrong.jsonl, line {at + 1}: |wrong.jsonl, line \d+: ")
                    self.assertIn("nothing was imported", errors)
                    self.assertFalse(os.path.exists(os.path.join(target, "LOG")))
                    self.assertEqual(os.path.exists(target), at != 0)
        self.run_verb("import", "-", "--exact", log=target, given="".join(lines))
        self.assertEqual(self.exact(log=target), "".join(lines))

    def test_an_import_that_is_killed_anywhere_is_made_by_the_next(self):
        self.filled()
        text = self.exact()
        lines = text.splitlines(keepends=True)
        chosen = random.Random(7)
        for round_number in range(12):
            with self.subTest(round=round_number):
                target = self.path(f"new-{round_number}")
                with subprocess.Popen(
                    [PROGRAM, "import", target, "-", "--exact"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                ) as process:
                    process.stdin.write("".join(lines[: chosen.randrange(2, len(lines))]).encode())
                    process.stdin.flush()
                    time.sleep(chosen.random() / 20)
                    process.send_signal(signal.SIGKILL)
                self.assertFalse(os.path.exists(os.path.join(target, "LOG")))
                self.run_verb("import", "-", "--exact", log=target, given=text)
                self.assertEqual(self.exact(log=target), text)

    def test_of_removed_events_the_export_says_so_and_the_import_refuses(self):
        self.filled()
        self.run_verb("scavenge")
        text, errors = self.run_verb("export", "--exact")
        self.assertIn("1 event had been removed", errors)
        self.assertIn('{"removed":{"first":0,"last":0}}', text)
        target = self.path("new")
        errors = self.errors_of("import", "-", "--exact", log=target, given=text, code=REFUSED)
        self.assertIn("were removed from the log", errors)
        closed = self.path("closed")
        self.run_verb("repair", "--into", closed)
        self.run_verb("import", "-", "--exact", log=target, given=self.exact(log=closed))
        self.assertEqual(self.exact(log=target), self.exact(log=closed))

    def test_options_that_cannot_be_meant_touch_nothing(self):
        for words in (
            ["import", "f", "--exact", "--stream", "s"], ["import", "f", "--exact", "--tag", "k:v"],
            ["export", "--exact", "--stream", "s"], ["export", "--exact", "--limit", "1"],
        ):
            with self.subTest(words=words):
                self.assertIn(f"usage: everfold {words[0]} LOG", self.errors_of(*words, code=USAGE))
        self.errors_of("export", "--exact", code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.log))

    def test_data_that_is_not_well_formed_is_damage(self):
        self.made("malformed")
        self.assertIn("position 5", self.errors_of("export", "--exact", code=DAMAGED))


class Copying(CommandTest):
    def test_selected_events_are_copied_once(self):
        self.import_events([event("t", {"n": n}, START + n) for n in range(1500)], "--stream", "u-{n}", "--tag", "n:{n}")
        self.import_events([event("other", {"n": n}, START) for n in range(10)], "--stream", "rest")
        target = self.path("target")
        said = self.lines_of("copy", target, "--json", "--category", "u")[0]
        self.assertEqual(said, {"events": 1500, "appends": 2, "repeated_appends": 0})
        wanted = self.lines_of("read", "--json", "--category", "u")
        self.assertEqual(self.lines_of("read", "--json", log=target), wanted)
        before = self.output_of("read", "--json", log=target)
        said = self.lines_of("copy", target, "--json", "--category", "u")[0]
        self.assertEqual(said, {"events": 1500, "appends": 2, "repeated_appends": 2})
        self.assertEqual(self.output_of("read", "--json", log=target), before)
        self.assertIn("10 events in 1 append", self.output_of("copy", target, "--stream", "rest"))
        self.assertEqual(len(self.lines_of("read", "--json", log=target)), 1510)
        # The source goes on, and so does its copy.
        self.append({"type": "t", "data": {}, "stream": "u-3"})
        self.assertIn("1,501 events", self.output_of("copy", target, "--category", "u"))
        self.assertEqual(len(self.lines_of("read", "--json", log=target)), 1511)

    def test_a_stream_that_is_there_already_is_left_as_it_is(self):
        self.append({"type": "t", "data": {"n": 1}})
        target = self.path("target")
        self.append({"type": "t", "data": {"n": 2}}, log=target)
        before = self.output_of("read", "--json", log=target)
        self.assertIn("stream 's'", self.errors_of("copy", target, code=REFUSED))
        self.assertIn("into itself", self.errors_of("copy", self.log, code=REFUSED))
        self.assertEqual(self.output_of("read", "--json", log=target), before)

    def test_options_that_cannot_be_meant_touch_nothing(self):
        self.append({"type": "t", "data": {}})
        target = self.path("target")
        for words in ([], [""], [target, "--backwards"], [target, "--stream", "$streams"], [target, "more"]):
            with self.subTest(words=words):
                self.assertIn("usage: everfold copy LOG TARGET", self.errors_of("copy", *words, code=USAGE))
        self.errors_of("copy", target, log=self.path("none"), code=NOT_A_LOG)
        self.assertFalse(os.path.exists(target))

    def test_a_killed_copy_is_completed_by_the_next(self):
        events = [{"type": "t", "data": {"n": n}, "stream": f"s-{n % 7}"} for n in range(400)]
        self.append(*events)
        chosen = random.Random(3)
        for round_number in range(6):
            target = self.path(f"target-{round_number}")
            with subprocess.Popen(
                [PROGRAM, "copy", self.log, target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            ) as process:
                time.sleep(chosen.random() / 10)
                process.send_signal(signal.SIGKILL)
            self.run_verb("copy", target)
            self.assertEqual(self.output_of("read", "--json", log=target), self.output_of("read", "--json"))


if __name__ == "__main__":
    main()
