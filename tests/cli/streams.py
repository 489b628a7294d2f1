#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""streams, categories, about and describe: what is known of streams without reading them."""
import json
import os
import re
import subprocess

from support import CONTROL, IN_USE, INPUT_OUTPUT, NOT_A_LOG, PROGRAM, REFUSED, USAGE, CommandTest, event, main


class Streams(CommandTest):
    def filled(self):
        self.import_events(
            (event("e", {"n": i, "who": f"{'ab'[i % 2]}-{i % 4}"}) for i in range(12)), "--stream", "{who}"
        )

    def names(self, *words):
        return [s["stream"] for s in self.lines_of("streams", "--json", *words)]

    def test_all_streams_are_listed_whatever_became_of_them_where_that_is_asked_for(self):
        self.filled()
        self.output_of("tombstone", "a-0")
        self.output_of("truncate", "b-1", "--before", 3)
        self.assertEqual(self.names(), ["a-2", "b-3"])
        listed = self.lines_of("streams", "--json", "--all")
        self.assertEqual([(s["stream"], s["state"], s["events"], s["last_revision"]) for s in listed], [
            ("b-1", "empty", 0, 2), ("a-2", "readable", 3, 2), ("b-3", "readable", 3, 2),
            ("a-0", "tombstoned", 0, None),
        ])
        self.assertEqual(listed[1], {
            "stream": "a-2", "category": "a", "state": "readable", "events": 3, "last_revision": 2,
            "first_position": 2, "last_position": 10,
        })
        self.assertEqual((listed[0]["first_position"], listed[3]["last_position"]), (None, None))
        self.assertEqual(self.names("--category", "b"), ["b-3"])
        self.assertEqual(self.names("--category", "b", "--category", "a"), ["a-2", "b-3"])
        self.assertEqual(self.names("--category", "none"), [])
        text = self.output_of("streams", "--all")
        self.assertRegex(text, r"\n  a-0 +a +0 +- +- +- +tombstoned\n")
        self.assertTrue(text.endswith("4 streams\n"))
        self.assertNotIn("STATE", self.output_of("streams"))

    def test_counts_are_those_of_a_reading(self):
        self.made("segments")
        read = {}
        for e in self.lines_of("read", "--json"):
            read.setdefault(e["stream"], []).append(e)
        for s in self.lines_of("streams", "--json"):
            events = read.pop(s["stream"])
            self.assertEqual(
                (s["events"], s["first_position"], s["last_position"], s["last_revision"]),
                (len(events), events[0]["position"], events[-1]["position"], events[-1]["revision"]),
            )
        self.assertEqual(read, {})

    def test_categories_count_what_can_be_reached(self):
        self.filled()
        self.output_of("tombstone", "a-0")
        self.output_of("truncate", "b-1", "--before", 1)
        self.assertEqual(self.lines_of("categories", "--json"), [
            {"category": "b", "streams": 2, "events": 5}, {"category": "a", "streams": 1, "events": 3},
        ])
        text = self.output_of("categories")
        self.assertRegex(text, r"\n  b +2 +5\n")
        self.assertTrue(text.endswith("2 categories\n"))

    def test_about_says_what_is_known_of_a_stream(self):
        self.filled()
        self.output_of("retain", "a-2", "--max-count", 2, "--max-age", "36500d")
        self.output_of("truncate", "b-3", "--before", 1)
        about = self.lines_of("about", "a-2", "--json")[0]
        self.assertEqual(about["first_recorded_at"], self.lines_of("read", "--json", "--from", 6)[0]["recorded_at"])
        for key, wanted in {
            "state": "readable", "events": 2, "first_position": 6, "last_position": 10, "last_revision": 2,
            "begins_at": 0, "max_count": 2, "max_age_ns": 36500 * 24 * 3600 * 10**9, "ended_at": None, "why": None,
            "metadata": {},
        }.items():
            self.assertEqual(about[key], wanted, key)
        self.assertIn("at most the last 2 events, none older than 36500d\n", self.output_of("about", "a-2"))
        self.assertRegex(self.output_of("about", "b-3"), r"\nbounds +begins at revision 1\n")
        self.output_of("tombstone", "a-2", "--why", "asked \"twice\"")
        about = self.lines_of("about", "a-2", "--json")[0]
        self.assertEqual((about["state"], about["events"], about["why"], about["first_recorded_at"]),
                         ("tombstoned", 0, "asked \"twice\"", None))
        self.assertRegex(self.output_of("about", "a-2"), r"\nended +[-0-9T:.]+Z, asked \"twice\"\n")
        errors = self.errors_of("about", "none", code=REFUSED)
        self.assertIn("has no stream 'none'", errors)

    def test_metadata_is_replaced_as_a_whole_and_may_come_first(self):
        self.filled()
        said = self.output_of("describe", "a-0", "--metadata", "team=sales", "--metadata", "days=30")
        self.assertEqual(said, 'a-0: {"team":"sales","days":30}. Rule at position 12\n')
        self.output_of("describe", "a-0", "--metadata", "team=\"7\"")
        self.assertEqual(self.lines_of("about", "a-0", "--json")[0]["metadata"], {"team": "7"})
        self.output_of("describe", "a-0")
        self.assertEqual(self.lines_of("about", "a-0", "--json")[0]["metadata"], {})
        self.output_of("describe", "later", "--metadata", "x=1")
        self.assertEqual(self.lines_of("about", "later", "--json")[0]["metadata"], {"x": 1})
        self.assertEqual(self.lines_of("about", "later", "--json")[0]["state"], "unknown")
        self.assertEqual(len(self.lines_of("read", "--json", "--stream", "$streams")), 4)
        self.assertEqual(self.positions()[-1], 11)

    def test_metadata_that_cannot_be_given_changes_nothing(self):
        self.filled()
        before = self.output_of("read", "--json", "--stream", "$streams")
        self.assertIn("found revision 2",
                      self.errors_of("describe", "a-0", "--metadata", "x=1", "--expect", 1, code=REFUSED))
        self.assertIn("has no stream 'none'",
                      self.errors_of("describe", "none", "--metadata", "x=1", "--expect", "exists", code=REFUSED))
        self.output_of("tombstone", "b-1")
        self.assertIn("has ended", self.errors_of("describe", "b-1", "--metadata", "x=1", code=REFUSED))
        for words in (["--metadata", "x"], ["--metadata", "=1"], ["--metadata", "x=1", "--metadata", "x=2"],
                      ["--expect", "some"]):
            self.errors_of("describe", "a-0", *words, code=USAGE)
        self.errors_of("describe", "", code=USAGE)
        self.errors_of("describe", "$streams", "--metadata", "x=1", code=REFUSED)
        self.errors_of("describe", "a-0", "--metadata", "x=" + "y" * 70_000, code=INPUT_OUTPUT)
        self.assertEqual(before, "")
        self.assertEqual(len(self.lines_of("read", "--json", "--stream", "$streams")), 1)

    def test_metadata_cannot_drive_the_terminal(self):
        name = "\x1b[31mred\x07\u202eabc"
        self.append()
        self.output_of("describe", "s", "--metadata", f"{name}={name}")
        self.assertEqual(self.lines_of("about", "s", "--json")[0]["metadata"], {name: name})
        for words in (["about", "s"], ["about", "s", "--json"], ["describe", "s", "--metadata", f"x={name}"]):
            _, output = self.on_a_terminal(words[0], self.log, *words[1:], NO_COLOR="1")
            self.assertIsNone(re.search(CONTROL, output.split("\x1b[K")[-1]), repr(output))

    def test_they_need_a_log_and_readers_work_beside_a_writer(self):
        for words in (["streams"], ["categories"], ["about", "s"], ["describe", "s"]):
            self.errors_of(*words, code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.log))
        self.filled()
        before = self.tree()
        for words in (["streams", "--all"], ["categories"], ["about", "a-0"]):
            self.output_of(*words)
        self.assertEqual(self.tree(), before)
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(b'{"type": "t", "data": {}}\n')
            writer.stdin.flush()
            writer.stdout.readline()
            self.output_of("about", "a-0")
            self.errors_of("describe", "a-0", "--metadata", "x=1", code=IN_USE)
            writer.communicate()
        self.assertEqual(json.loads(self.output_of("about", "a-0", "--json"))["metadata"], {})


if __name__ == "__main__":
    main()
