#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""truncate, tombstone, retain, scavenge and removals; and what they mean for export and import."""
import os
import subprocess
import time

from support import (
    INPUT_OUTPUT, IN_USE, NOT_A_LOG, PROGRAM, REFUSED, USAGE, CommandTest, event, main, to_lines,
)

RULES = (("truncate", "s", "--before", 1), ("tombstone", "s"), ("retain", "s", "--max-count", 1))


class RetentionTest(CommandTest):
    def filled(self, count=6):
        self.append(*({"type": "t", "data": {"n": i}, "stream": "sr"[i % 2]} for i in range(count)))

    def revisions(self, stream="s"):
        return [e["revision"] for e in self.lines_of("read", "--json", "--stream", stream)]

    def contents(self):
        """What is in the log, rules too; a log that was opened for writing has other bytes after it."""
        return [self.output_of("read", "--json"), self.output_of("read", "--json", "--stream", "$streams")]

    def unchanged_by(self, *arguments, code, says=(), **options):
        look = self.tree if code == USAGE else self.contents
        before = look()
        errors = self.errors_of(*arguments, code=code, **options)
        for words in says:
            self.assertIn(words, errors)
        self.assertTrue(look() == before, arguments)


class Rules(RetentionTest):
    def test_a_truncated_stream_begins_where_it_was_told(self):
        self.filled()
        said = self.output_of("truncate", "s", "--before", 2)
        self.assertEqual(said, "s: begins at revision 2. Rule at position 6\n")
        self.assertEqual((self.revisions(), self.revisions("r")), ([2], [0, 1, 2]))
        self.output_of("truncate", "s", "--before", 3)
        self.assertEqual(self.revisions(), [])
        self.append({"type": "t", "data": {}, "expected": 2})
        self.assertEqual(self.revisions(), [3])

    def test_a_tombstoned_stream_takes_nothing_more(self):
        self.filled()
        self.assertEqual(self.output_of("tombstone", "s", "--why", "on request"),
                         "s: has ended for ever. Rule at position 6\n")
        self.assertRegex(self.errors_of("read", "--stream", "s", code=REFUSED),
                         "'s' has ended: it was tombstoned at [-0-9T:.]+Z, on request")
        self.assertEqual(self.revisions("r"), [0, 1, 2])
        for rule in RULES:
            self.unchanged_by(*rule, code=REFUSED, says=["'s' has ended", "nothing was changed"])
        self.unchanged_by("append", "--stream", "s", given=to_lines([{"type": "t", "data": {}}]),
                          code=REFUSED, says=["'s' has ended"])
        self.assertEqual([s["stream"] for s in self.lines_of("streams", "--json")], ["r"])

    def test_a_stream_is_kept_within_bounds_until_it_has_others(self):
        self.filled()
        self.assertEqual(self.output_of("retain", "s", "--max-count", 2),
                         "s: at most the last 2 events. Rule at position 6\n")
        self.assertEqual(self.revisions(), [1, 2])
        for age, shown in (("90d", "90d"), ("12h", "12h"), ("1440m", "1d"), ("7200s", "2h")):
            self.assertIn(f"none older than {shown}.", self.output_of("retain", "s", "--max-age", age))
        self.assertEqual(self.revisions(), [0, 1, 2])
        said = self.output_of("retain", "s", "--max-count", 1, "--max-age", "90d")
        self.assertIn("at most the last 1 event, none older than 90d.", said)
        self.assertEqual(self.revisions(), [2])
        self.assertIn("s: no bound.", self.output_of("retain", "s"))
        self.assertEqual(self.revisions(), [0, 1, 2])

    def test_what_is_too_old_is_out_of_reach_and_the_stream_goes_on(self):
        self.filled()
        self.output_of("retain", "s", "--max-age", "1s")
        deadline = time.monotonic() + 60
        while self.revisions() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual((self.revisions(), self.revisions("r")), ([], [0, 1, 2]))
        self.append({"type": "t", "data": {}, "expected": 2})

    def test_bounds_may_come_before_the_stream_and_it_is_said(self):
        self.filled()
        output, errors = self.run_verb("retain", "later", "--max-count", 1)
        self.assertIn("later: at most the last 1 event.", output)
        self.assertIn("there is no stream 'later' yet", errors)
        self.append(*({"type": "t", "data": {}} for _ in range(3)), arguments=("--stream", "later"))
        self.assertEqual(self.revisions("later"), [2])

    def test_expectations_hold_or_nothing_changes(self):
        self.filled()
        for rule in RULES[:2]:
            for wrong in (1, 3, "no_stream"):
                self.unchanged_by(*rule, "--expect", wrong, code=REFUSED, says=["found revision 2"])
            for name in (rule[0], "none", *rule[2:]), (rule[0], "none", *rule[2:], "--expect", 0):
                self.unchanged_by(*name, code=REFUSED, says=["has no stream 'none'", "everfold streams"])
        self.output_of("truncate", "s", "--before", 1, "--expect", 2)
        self.output_of("truncate", "none", "--before", 0, "--expect", "no_stream")
        self.output_of("tombstone", "s", "--expect", "exists")
        self.output_of("tombstone", "reserved", "--expect", "any")

    def test_no_rule_hides_what_comes_later(self):
        self.filled()
        self.unchanged_by("truncate", "s", "--before", 4, code=REFUSED, says=["revision 3 at most", "not at 4"])
        self.unchanged_by("truncate", "x", "--before", 1, "--expect", "any", code=REFUSED, says=["revision 0 at most"])

    def test_the_rules_themselves_are_read_by_name_and_ruled_by_nobody(self):
        self.filled()
        self.output_of("truncate", "s", "--before", 1)
        self.output_of("retain", "r", "--max-count", 1, "--max-age", "5s")
        self.assertEqual(
            [(e["type"], e["data"]) for e in self.lines_of("read", "--json", "--stream", "$streams")],
            [("$truncated", {"stream": "s", "before": 1}),
             ("$retained", {"stream": "r", "max_count": 1, "max_age_ns": 5_000_000_000})],
        )
        self.unchanged_by("tombstone", "$streams", code=REFUSED, says=["not '$streams'"])

    def test_words_that_cannot_be_meant(self):
        self.filled()
        for age in ("", "d", "90", "-1d", "1.5h", "1w", "90 d", "d90", "0s", "1d12h", "999999999999d"):
            self.unchanged_by("retain", "s", "--max-age", age, code=USAGE, says=["--max-age", "90d"])
        for count in ("", "-1", "x", "0"):
            self.unchanged_by("retain", "s", "--max-count", count, code=USAGE, says=["--max-count"])
        for before in ("", "-1", "x", "1.5"):
            self.unchanged_by("truncate", "s", "--before", before, code=USAGE, says=["--before"])
        for expected in ("", "some", "-1", "1.0"):
            self.unchanged_by("tombstone", "s", "--expect", expected, code=USAGE, says=["--expect"])
        self.unchanged_by("truncate", "s", code=USAGE, says=["--before"])
        for verb in ("truncate", "tombstone", "retain"):
            self.unchanged_by(verb, code=USAGE, says=["STREAM", f"usage: everfold {verb} LOG STREAM"])
        self.unchanged_by("tombstone", "", code=USAGE, says=["STREAM"])
        self.unchanged_by("tombstone", "s", "--why", "a\nb", code=USAGE, says=["--why"])
        self.unchanged_by("scavenge", "--why", "a\nb", code=USAGE, says=["--why"])
        self.unchanged_by("scavenge", "--why", "x" * 4097, code=USAGE, says=["--why", "4096"])

    def test_rules_and_scavenges_need_a_log_and_the_right_to_write_it(self):
        for words in (*RULES, ("scavenge",)):
            self.errors_of(*words, code=NOT_A_LOG)
        self.errors_of("scavenge", "--dry-run", code=NOT_A_LOG)
        self.errors_of("removals", code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.log))
        self.filled()
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(to_lines([{"type": "t", "data": {}}]).encode())
            writer.stdin.flush()
            writer.stdout.readline()
            for words in (*RULES, ("scavenge",)):
                self.assertIn(str(writer.pid), self.errors_of(*words, code=IN_USE))
            self.run_verb("scavenge", "--dry-run")
            self.run_verb("removals")
            writer.communicate()
        self.output_of("truncate", "s", "--before", 1)
        os.chmod(self.scratch, 0o755)
        self.addCleanup(os.chmod, self.log, 0o755)
        for folder, _, names in os.walk(self.log):
            os.chmod(folder, 0o555)
            for name in names:
                os.chmod(os.path.join(folder, name), 0o444)

        def as_nobody():
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)

        for words in (*RULES, ("scavenge",)):
            self.unchanged_by(*words, code=INPUT_OUTPUT, says=["Permission denied"], preexec_fn=as_nobody)
        said = self.output_of("scavenge", "--dry-run", preexec_fn=as_nobody)
        self.assertIn("would remove 1 event ", said)


class Removing(RetentionTest):
    def test_what_is_out_of_reach_is_removed_and_no_answer_changes(self):
        self.filled()
        self.output_of("truncate", "s", "--before", 2)
        self.output_of("tombstone", "r")
        answers = [self.output_of(*words) for words in (("read", "--json"), ("streams", "--json"), ("export",))]
        before = self.tree()
        self.assertRegex(self.output_of("scavenge", "--dry-run"), r"^would remove 5 events from 1 segment: .* now\n$")
        planned = self.lines_of("scavenge", "--dry-run", "--json")[0]
        self.assertEqual(self.tree(), before)
        self.assertEqual(
            (planned["dry_run"], planned["events"], planned["segments"], planned["bytes_after"], planned["snapshots"]),
            (True, 5, 1, None, 0),
        )
        said = self.output_of("scavenge")
        self.assertRegex(said, r"^removed 5 events from 1 segment: .* before, .* after, not compressed yet\n$")
        self.assertEqual(
            [self.output_of(*words) for words in (("read", "--json"), ("streams", "--json"), ("export",))], answers
        )
        self.assertEqual(self.positions(), [4])
        self.assertEqual(self.lines_of("stats", "--json")[0]["events"], 3)  # two are rules
        self.assertEqual(self.output_of("scavenge"), "removed nothing\n")
        self.assertEqual(self.output_of("scavenge", "--dry-run"), "would remove nothing\n")

    def test_the_bytes_are_gone_from_the_files(self):
        self.append(*({"type": "t", "data": {"name": name}, "stream": name} for name in ("Erika-Muster", "Ada")))
        self.output_of("tombstone", "Erika-Muster")
        payload = b"\x64name\x6cErika-Muster"
        self.assertTrue(any(payload in content for content, _ in self.tree().values()))
        done = self.lines_of("scavenge", "--json")[0]
        self.assertEqual((done["dry_run"], done["events"], done["segments"]), (False, 1, 1))
        self.assertGreater(done["bytes_before"], 0)
        self.assertGreater(done["bytes_after"], 0)
        # Only its name is left, in the rule.
        self.assertFalse(any(payload in content for content, _ in self.tree().values()))
        self.assertEqual([e["data"] for e in self.lines_of("read", "--json")], [{"name": "Ada"}])

    def test_a_backup_from_before_keeps_what_was_removed_and_one_from_after_has_it_not(self):
        self.made("segments")
        old, new = self.path("old.log"), self.path("new.log")
        self.assertGreater(self.lines_of("backup", old, "--json")[0]["linked_segments"], 0)
        whole = self.output_of("read", "--json")
        self.output_of("truncate", "s", "--before", 990)
        self.output_of("scavenge")
        self.output_of("backup", new)
        self.assertEqual(self.output_of("read", "--json", log=old), whole)
        self.assertEqual(self.output_of("read", "--json", log=new), self.output_of("read", "--json"))
        self.assertEqual(self.output_of("removals", "--json", log=new), self.output_of("removals", "--json"))
        self.append({"type": "t", "data": {}, "expected": 999}, log=new)
        self.assertEqual(len(self.positions()), 10)

    def test_each_removal_is_listed_with_its_time_and_reason(self):
        self.filled()
        self.assertEqual(self.output_of("removals"), "0 removals, 0 events\n")
        self.assertEqual(self.output_of("removals", "--json"), "")
        self.output_of("truncate", "s", "--before", 1)
        self.output_of("scavenge", "--why", "asked by Ada, \"now\"")
        self.output_of("truncate", "r", "--before", 2)
        self.output_of("scavenge")
        found = self.lines_of("removals", "--json")
        self.assertEqual([(r["events"], r["segment"], r["first_position"], r["why"]) for r in found],
                         [(1, 0, 0, "asked by Ada, \"now\""), (2, 0, 0, "")])
        self.assertLess(found[0]["removed_at"], found[1]["removed_at"])
        text = self.output_of("removals")
        self.assertIn("asked by Ada", text)
        self.assertTrue(text.endswith("2 removals, 3 events\n"), text)

    def test_the_last_revision_is_shown_whatever_was_removed(self):
        self.filled(10)
        self.output_of("truncate", "s", "--before", 3)
        for _ in range(2):
            shown = {s["stream"]: (s["events"], s["last_revision"]) for s in self.lines_of("streams", "--json")}
            self.assertEqual(shown, {"s": (2, 4), "r": (5, 4)})
            self.output_of("scavenge")


class Transferring(RetentionTest):
    def filled(self, count=6):
        self.import_events((event("e", {"n": i, "who": "sr"[i % 2]}) for i in range(count)), "--stream", "{who}")

    def test_an_export_carries_what_can_be_reached_and_an_import_of_it_the_same(self):
        self.filled()
        self.output_of("truncate", "s", "--before", 2)
        self.output_of("tombstone", "r")
        exported = self.output_of("export")
        self.assertEqual(len(exported.splitlines()), 1)
        self.output_of("scavenge")
        self.assertEqual(self.output_of("export"), exported)
        self.assertNotIn("$", exported)
        new = self.path("new.log")
        self.output_of("import", "-", "--stream", "{who}", log=new, given=exported)
        self.assertEqual(self.output_of("export", log=new), exported)
        self.assertEqual(self.output_of("read", "--stream", "$streams", "--json", log=new), "")
        self.append({"type": "t", "data": {}}, arguments=("--stream", "r"), log=new)  # no rule came along

    def test_rules_are_neither_exported_nor_imported(self):
        self.filled()
        self.output_of("truncate", "s", "--before", 2)
        self.unchanged_by("export", "--stream", "$streams", code=USAGE, says=["'$streams'", "read --json"])
        self.unchanged_by("import", "-", "--stream", "$streams", given="", code=USAGE, says=["'$streams'", "own"])
        self.unchanged_by("import", self.file("$streams.jsonl", ""), code=USAGE, says=["'$streams'"])
        errors = self.errors_of(
            "import", "-", "--stream", "{who}", code=INPUT_OUTPUT,
            given=to_lines(event("e", {"who": who}) for who in ("a", "$streams", "b")),
        )
        self.assertIn("line 2: the stream '$streams' would be one of the log's own", errors)
        self.assertIn("all 1 event before it", errors)
        self.assertEqual([s["stream"] for s in self.lines_of("streams", "--json")], ["s", "r", "a"])

    def test_an_import_goes_into_no_stream_that_has_ended(self):
        self.filled()
        self.output_of("tombstone", "s")
        errors = self.errors_of(
            "import", "-", "--stream", "{who}", code=INPUT_OUTPUT,
            given=to_lines(event("e", {"who": who}) for who in ("r", "r", "s", "r")),
        )
        self.assertIn("line 3: the stream 's' has ended", errors)
        self.assertIn("all 2 events before it", errors)
        self.assertEqual(self.revisions("r"), [0, 1, 2, 3, 4])
        self.errors_of("read", "--stream", "s", code=REFUSED)


if __name__ == "__main__":
    main()
