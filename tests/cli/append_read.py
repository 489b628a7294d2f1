#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""append, read, streams, types and stats, as programs and people use them."""
import json
import os
import re
import signal
import subprocess

from support import (
    CONTROL, DONE, INPUT_OUTPUT, IN_USE, NOT_A_LOG, PROGRAM, REFUSED, USAGE, CommandTest,
    clean_environment, event, main, to_lines,
)


class Selecting(CommandTest):
    def setUp(self):
        super().setUp()
        for n in range(8):
            self.append({"type": "t", "data": {"n": n, "city": ["Oslo", "Bergen"][n % 2]}})

    def numbers(self, *options):
        return [e["data"]["n"] for e in self.lines_of("read", "--json", *options)]

    def test_each_bound_leaves_out_what_it_says(self):
        self.assertEqual(self.numbers("--where", '/city = "Oslo"'), [0, 2, 4, 6])
        self.assertEqual(self.numbers("--where", "/n>=3", "--where", "/n < 5"), [3, 4])
        self.assertEqual(self.numbers("--where", "/city contains erg", "--limit", 2), [1, 3])
        self.assertEqual(
            self.numbers("--stream", "s", "--from-revision", 2, "--to-revision", 3), [2, 3])
        recorded = [e["recorded_at"] for e in self.lines_of("read", "--json")]
        since = [n for n in range(8) if recorded[n] >= recorded[5]]
        until = [n for n in range(8) if recorded[n] <= recorded[2]]
        self.assertEqual(self.numbers("--recorded-since", recorded[5]), since)
        self.assertEqual(self.numbers("--recorded-until", recorded[2]), until)

    def test_a_cursor_goes_on_in_another_process_and_with_no_other_query(self):
        got, place = [], "start"
        for _ in range(4):
            output, errors = self.run_verb(
                "read", "--json", "--where", "/n != 4", "--limit", 2, "--cursor", place)
            got += [json.loads(line)["data"]["n"] for line in output.splitlines()]
            place = re.fullmatch(r"cursor: (\S+)\n", errors).group(1)
        self.assertEqual(got, [0, 1, 2, 3, 5, 6, 7])
        errors = self.errors_of("read", "--cursor", place, code=REFUSED)
        self.assertIn("another query", errors)
        self.errors_of("read", "--cursor", place[:-1], code=USAGE)

    def test_an_explanation_says_what_was_read_and_shows_no_events(self):
        output = self.output_of("read", "--where", "/n = 4", "--explain")
        self.assertIn("8 candidates, 8 frames, 8 events", output)
        self.assertIn("events:   1 event; left out: 7 by conditions", output)
        self.assertNotIn("Oslo", output)
        self.errors_of("read", "--explain", "--json", code=USAGE)

    def test_a_mistake_in_a_condition_names_its_character(self):
        errors = self.errors_of("read", "--where", "/n ~ 4", code=USAGE)
        self.assertIn("at character 4", errors)


class Appending(CommandTest):
    def test_each_line_is_a_commit_and_answered_with_its_place(self):
        output = self.append(
            {"type": "a", "data": {"x": 1}, "expected": "no_stream"},
            {"type": "b", "data": {}, "stream": "other", "tags": ["k:v"], "metadata": {"by": "ada"}},
            {"type": "c", "data": {"x": None}, "expected": 0},
            {"type": "c", "data": {}, "expected": "exists"},
            {"type": "c", "data": {}, "expected": "any"},
        )
        answers = [json.loads(line) for line in output.splitlines()]
        self.assertEqual(
            answers,
            [{"position": p, "revision": r} for p, r in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3)]],
        )
        events = self.lines_of("read", "--json")
        self.assertEqual(
            [(e["stream"], e["type"], e["data"]) for e in events],
            [("s", "a", {"x": 1}), ("other", "b", {}), ("s", "c", {"x": None}), ("s", "c", {}), ("s", "c", {})],
        )
        self.assertEqual((events[1]["tags"], events[1]["metadata"]), (["k:v"], {"by": "ada"}))
        self.assertEqual(
            list(events[0]),
            ["position", "revision", "stream", "type", "version", "id", "recorded_at", "occurred_at",
             "tags", "metadata", "data"],
        )

    def test_what_lines_do_not_say_is_given_for_all_of_them(self):
        ids = [f"0190d4c2-7b1e-7c3a-9f52-3d1a6c0b8e4{i}" for i in range(2)]
        arguments = ("--stream", "s", "--expect", "no_stream", "--correlation", ids[0], "--causation", ids[1],
                     "--metadata", "by=ada", "--metadata", 'why={"n": [1, null]}', "--metadata", "text=a=b")
        self.append({"type": "t", "data": {}}, {"type": "t", "data": {}, "expected": 0, "metadata": {"by": "bob"}},
                    {"type": "t", "data": {}, "stream": "other"}, arguments=arguments)
        given = {"by": "ada", "why": {"n": [1, None]}, "text": "a=b"}
        events = self.lines_of("read", "--json")
        self.assertEqual([(e["correlation_id"], e["causation_id"]) for e in events], [tuple(ids)] * 3)
        self.assertEqual([e["metadata"] for e in events], [given, {**given, "by": "bob"}, given])
        self.append({"type": "t", "data": {}}, arguments=arguments, code=REFUSED)
        self.append({"type": "t", "data": {}, "expected": "any"}, arguments=arguments)
        for wrong in (["--expect", "some"], ["--correlation", "1"], ["--causation", ""], ["--metadata", "by"],
                      ["--metadata", "=x"], ["--metadata", "a=1", "--metadata", "a=2"]):
            errors = self.errors_of("append", *wrong, code=USAGE, given="")
            self.assertIn(wrong[0], errors)
        self.assertEqual(len(self.positions()), 4)

    def test_the_answer_comes_once_it_is_durable_and_before_the_next_line(self):
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            for i in range(20):
                writer.stdin.write(to_lines([{"type": "t", "data": {"i": i}}]).encode())
                writer.stdin.flush()
                self.assertEqual(json.loads(writer.stdout.readline()), {"position": i, "revision": i})
                if i % 5 == 0:
                    self.assertEqual(self.positions(), list(range(i + 1)))
            writer.kill()
        self.assertEqual(self.positions(), list(range(20)))
        self.append({"type": "t", "data": {}, "expected": 19})

    def test_a_conflict_stops_the_run_and_earlier_lines_stay(self):
        for wrong in ({"expected": "no_stream"}, {"expected": 7}, {"expected": "exists", "stream": "none"}):
            with self.subTest(wrong=wrong):
                _, errors = self.run_verb(
                    "append", "--stream", "s", code=REFUSED,
                    given=to_lines([{"type": "t", "data": {}}]) + "\n"
                    + to_lines([{"type": "t", "data": {}, **wrong}, {"type": "late", "data": {}}]),
                )
                said = json.loads(errors)
                self.assertEqual(list(said), ["error", "line"])
                self.assertEqual(said["line"], 3)
                self.assertIn("expected", said["error"])
        self.assertEqual([e["type"] for e in self.lines_of("read", "--json")], ["t"] * 3)

    def test_names_hold_no_control_characters(self):
        for name in ("a\nb", "\x1b[31m", "\x7f", "\u009b", "\u202e"):
            for line in ({"type": name}, {"stream": name}, {"tags": [f"k:{name}"]}):
                given = to_lines([{"type": "t", "stream": "s", "data": {}, **line}])
                _, errors = self.run_verb("append", code=USAGE, given=given)
                self.assertIn("without control characters", json.loads(errors)["error"])
                self.assertNotIn(name, errors.rstrip("\n"))

    def test_a_malformed_line_stops_the_run_and_earlier_lines_stay(self):
        good = to_lines([{"type": "t", "data": {}}])
        wrong = [
            b"nonsense", b"[]", b'{"type":"t"}', b'{"data":{}}', b'{"type":"t","data":{},"x":1}',
            b'{"type":"t","data":{"a":1,"a":2}}', b'{"type":"t","data":{"a":"\xff"}}',
            b'{"type":"t","data":{},"expected":-1}', b'{"type":"t","data":{},"tags":["x"]}',
            b'{"type":"t","data":{}} {"type":"t","data":{}}', b'{"type":"t","data":{"a":99999999999999999999}}',
            b'{"type":"' + b"t" * 256 + b'","data":{}}', b'{"type":"t","data":{"a":"' + b"x" * (2 << 20) + b'"}}',
            b'{"type":"t","data":{},"stream":"' + b"s" * 256 + b'"}', b'{"type":"t","data":{}}\0',
            b'{"type":"t","data":{"a":' + b"[" * 70 + b"]" * 70 + b"}}",
        ]
        for i, line in enumerate(wrong):
            with self.subTest(line=line[:60]):
                output, errors = self.run_verb(
                    "append", "--stream", "s", code=USAGE, given=good.encode() + line + b"\n" + good.encode()
                )
                self.assertEqual(json.loads(output)["position"], i)
                self.assertEqual(json.loads(errors)["line"], 2)
        self.run_verb("append", code=USAGE, given=good)
        self.assertEqual(len(self.positions()), len(wrong))

    def test_nothing_to_append_makes_an_empty_log(self):
        self.assertEqual(self.append(), "")
        self.assertEqual(self.output_of("read", "--json"), "")

    def test_an_answer_that_cannot_be_written_says_that_the_event_is_there(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [PROGRAM, "append", self.log, "--stream", "s"], stdout=full, stderr=subprocess.PIPE,
                input=to_lines([{"type": "t", "data": {}}]).encode(), check=False,
            )
        self.assertEqual(result.returncode, INPUT_OUTPUT)
        self.assertIn(b"line 1 is in the log at position 0", result.stderr)
        self.assertEqual(self.positions(), [0])


class Reading(CommandTest):
    def setUp(self):
        super().setUp()
        self.import_events(
            [event(("made", "changed")[i % 2], {"id": i % 10, "n": i, "where": {"city": f"c{i % 3}"}}, 1000 + i)
             for i in range(60)],
            "--stream", "item-{id}", "--tag", "item:{id}", "--tag", "city:{/where/city}",
        )

    def test_every_part_of_the_selection_language_selects(self):
        every = range(60)
        for words, wanted in (
            ([], every),
            (["--stream", "item-3"], range(3, 60, 10)),
            (["--stream", "item-3", "--stream", "item-4"], [i for i in every if i % 10 in (3, 4)]),
            (["--category", "item"], every),
            (["--category", "item-3"], []),
            (["--type", "made"], range(0, 60, 2)),
            (["--type", "made", "--type", "changed"], every),
            (["--tag", "item:3"], range(3, 60, 10)),
            (["--tag", "item:3", "--tag", "city:c0"], [i for i in every if i % 10 == 3 and i % 3 == 0]),
            (["--since", "@1010", "--until", "@1012"], [10, 11, 12]),
            (["--since", "1970-01-01T00:00:01.010Z", "--until", "1970-01-01T01:00:01.010+01:00"], [10]),
            (["--from", "57"], [57, 58, 59]),
            (["--from", "5", "--to", "6"], [5, 6]),
            (["--to", "0"], [0]),
            (["--from", "99"], []),
            (["--where", "/n=17"], [17]),
            (["--where", "/where/city=c1", "--where", "/id=4"], [i for i in every if i % 3 == 1 and i % 10 == 4]),
            (["--where=/nothing=1"], []),
            (["--backwards", "--limit", "2"], [59, 58]),
            (["--limit", "0"], []),
            (["--where", "/id=4", "--backwards", "--limit", "2"], [54, 44]),
            (["--stream", "missing"], []),
        ):
            with self.subTest(words=words):
                self.assertEqual(self.positions(*words), list(wanted))
                exported = self.lines_of("export", *words)
                self.assertEqual([e["data"]["n"] for e in exported], list(wanted))

    def test_people_get_columns_and_programs_lines(self):
        text = self.output_of("read", "--limit", 2)
        self.assertEqual(text.splitlines()[0].split(), ["POSITION", "OCCURRED", "STREAM", "REV", "TYPE", "DATA"])
        self.assertIn('item-1  ', text)
        self.assertIn('{"id":1,"n":1,"where":{"city":"c1"}}', text)
        self.assertEqual(len(text.splitlines()), 3)
        self.assertEqual(self.output_of("read", "--stream", "none"), "")

    def test_streams_types_and_stats_count(self):
        streams = self.lines_of("streams", "--json")
        self.assertEqual([s["stream"] for s in streams], [f"item-{i}" for i in range(10)])
        self.assertEqual(
            {k: streams[3][k] for k in ("category", "events", "last_revision", "first_position", "last_position")},
            {"category": "item", "events": 6, "last_revision": 5, "first_position": 3, "last_position": 53},
        )
        types = self.lines_of("types", "--json")
        self.assertEqual([(t["type"], t["version"], t["events"]) for t in types], [("made", 1, 30), ("changed", 1, 30)])
        stats = self.lines_of("stats", "--json")[0]
        self.assertEqual((stats["events"], stats["streams"], stats["segments"]), (60, 10, 1))
        size = sum(len(content) for content, _ in self.tree().values())
        self.assertEqual(stats["bytes"], size)
        self.assertEqual(stats["first_recorded_at"], "1970-01-01T00:00:01.000Z")
        for verb, words in (("streams", "10 streams"), ("categories", "1 category"), ("types", "2 types"),
                            ("schema", "2 types of 60 events"), ("stats", "events")):
            self.assertIn(words, self.output_of(verb))

    def test_an_empty_log_answers_everything(self):
        log = self.path("empty.log")
        self.append(log=log)
        self.assertIn("0 streams", self.output_of("streams", log=log))
        self.assertIn("0 types", self.output_of("types", log=log))
        stats = self.lines_of("stats", "--json", log=log)[0]
        self.assertEqual((stats["events"], stats["first_recorded_at"]), (0, None))
        self.assertIn("0 events", self.output_of("verify", log=log))
        self.assertEqual(self.output_of("export", log=log), "")

    def test_reading_changes_no_byte_of_the_log(self):
        before = self.tree()
        for verb in ("read", "export", "streams", "categories", "types", "schema", "stats", "verify"):
            self.run_verb(verb)
        self.assertEqual(self.tree(), before)


class Following(CommandTest):
    def follow(self, *arguments):
        follower = subprocess.Popen(
            [PROGRAM, "read", self.log, "--follow", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(),
        )
        self.addCleanup(follower.kill)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.stderr.close)
        return follower

    def test_it_shows_what_another_process_appends_until_it_is_interrupted(self):
        self.append({"type": "t", "data": {"i": 0}})
        follower = self.follow("--json")
        self.assertEqual(json.loads(follower.stdout.readline())["position"], 0)
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            for i in range(1, 30):
                writer.stdin.write(to_lines([{"type": "t", "data": {"i": i}}]).encode())
                writer.stdin.flush()
                writer.stdout.readline()
                seen = json.loads(follower.stdout.readline())
                self.assertEqual((seen["position"], seen["data"]), (i, {"i": i}))
            writer.communicate()
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(20), DONE)
        self.assertEqual((follower.stdout.read(), follower.stderr.read()), (b"", b""))

    def test_it_selects_and_ends_at_its_limit_or_last_position(self):
        self.append({"type": "t", "data": {"i": 0}})
        limited = self.follow("--json", "--where", "/i=1", "--limit", "2")
        bounded = self.follow("--json", "--to", "3")
        for i in range(1, 8):
            self.append({"type": "t", "data": {"i": i % 3}})
        lines = [json.loads(line)["position"] for line in limited.communicate(timeout=20)[0].splitlines()]
        self.assertEqual((limited.returncode, lines), (DONE, [1, 4]))
        lines = [json.loads(line)["position"] for line in bounded.communicate(timeout=20)[0].splitlines()]
        self.assertEqual((bounded.returncode, lines), (DONE, [0, 1, 2, 3]))

    def test_an_import_across_segments_is_followed_to_its_end(self):
        self.made("segments")
        follower = self.follow("--json")
        text = to_lines(event("e", {"n": i, "x": "y" * 50}) for i in range(3000))
        self.run_verb("import", "-", "--stream", "s", given=text)
        last = None
        for _ in range(4000):
            last = json.loads(follower.stdout.readline())
        self.assertEqual((last["position"], last["data"]["n"]), (3999, 2999))
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(20), DONE)

    def test_a_table_is_followed_line_by_line(self):
        self.append({"type": "t", "data": {"i": 0}})
        follower = self.follow()
        self.assertIn(b"POSITION", follower.stdout.readline())
        self.assertIn(b'{"i":0}', follower.stdout.readline())
        self.append({"type": "t", "data": {"i": 1}})
        self.assertIn(b'{"i":1}', follower.stdout.readline())
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(20), DONE)

    def test_a_reader_that_goes_away_ends_it(self):
        self.append({"type": "t", "data": {}})
        follower = self.follow("--json")
        follower.stdout.readline()
        follower.stdout.close()
        self.assertEqual(follower.wait(20), INPUT_OUTPUT)

    def test_backwards_it_does_not_go(self):
        self.append({"type": "t", "data": {}})
        self.assertIn("--backwards", self.errors_of("read", "--follow", "--backwards", code=USAGE))


class Terminals(CommandTest):
    NAME = "\x1b[31mred\x07\u009b2J\u202eabc\nnext"

    def test_hostile_data_cannot_drive_the_terminal(self):
        self.append({"type": "t", "data": {self.NAME: self.NAME}, "stream": "s", "metadata": {self.NAME: self.NAME}})
        for words in (["read"], ["streams"], ["categories"], ["types"], ["read", "--json"], ["streams", "--json"],
                      ["categories", "--json"],
                      ["types", "--json"], ["export"]):
            verb, *arguments = words
            code, output = self.on_a_terminal(verb, self.log, *arguments, NO_COLOR="1")
            self.assertEqual(code, DONE)
            output = output.split("\x1b[K")[-1]  # after a progress line was wiped
            self.assertIsNone(re.search(CONTROL, output), repr(output))
            if "--json" in words:
                json.loads(output)
        for verb in ("read", "streams", "categories", "types"):
            output = self.output_of(verb)
            self.assertIsNone(re.search(CONTROL, output), repr(output))
            self.assertEqual(len(output.splitlines()), 3 if verb != "read" else 2)
        self.assertEqual(self.lines_of("read", "--json")[0]["data"], {self.NAME: self.NAME})
        self.assertNotIn("\x1b", self.errors_of("read", log=self.path("no\x1b[31m"), code=NOT_A_LOG))
        self.assertNotIn("\x1b", self.run_words("no\x1b[31m", code=USAGE)[1])
        self.assertNotIn("\x1b", self.errors_of("read", "--since", "no\x1b[31m", code=USAGE))

    def test_colour_and_progress_are_for_terminals(self):
        text = to_lines(event("e", {"n": i, "x": "y" * 99}) for i in range(60_000))
        words = ("import", self.log, "-", "--stream", "s")
        code, output = self.on_a_terminal(*words, given=text)
        self.assertEqual(code, DONE)
        self.assertRegex(output, r"\rimporting.* events, [0-9,]+/s")
        file = self.file("big.jsonl", text)
        code, output = self.on_a_terminal("import", self.log, file)
        self.assertRegex(output, r"\rimporting \[#*\.*\] +[0-9]+ %  [0-9,]+ events, [0-9,]+/s")
        self.assertNotIn("\r", self.output_of("import", file))
        self.assertIn("\x1b[", self.on_a_terminal("read", self.log, "--limit", 3)[1])
        self.assertNotIn("\x1b[", self.on_a_terminal("read", self.log, "--limit", 3, NO_COLOR="1")[1])
        self.assertNotIn("\x1b[", self.output_of("read", "--limit", 3))
        self.assertNotIn("\x1b", self.output_of("stats"))

    def test_closed_and_full_outputs_are_errors_of_output(self):
        self.import_events(event("e", {"n": i, "x": "y" * 99}) for i in range(3000))
        for verb in ("read", "export", "streams", "categories", "types", "schema", "stats", "verify"):
            with self.subTest(verb=verb), open("/dev/full", "wb") as full:
                result = subprocess.run([PROGRAM, verb, self.log], stdout=full, stderr=subprocess.PIPE, check=False)
                self.assertEqual(result.returncode, INPUT_OUTPUT)
                self.assertIn(b"No space left", result.stderr)
                self.assertIn(b"the log is safe", result.stderr)

    def test_help_names_every_command_and_says_how_events_are_shown(self):
        self.assertRegex(self.run_words("--version")[0], r"^everfold \d+\.\d+\.\d+\n$")
        output, _ = self.run_words("--help")
        for verb in ("append", "import", "export", "read", "streams", "categories", "about", "describe", "types",
                     "schema", "stats", "verify", "backup", "repair", "truncate", "tombstone", "retain", "scavenge", "removals"):
            self.assertIn(f"\n  {verb}", output)
            said, _ = self.run_words(verb, "--help")
            self.assertIn(f"usage: everfold {verb} LOG", said)
            self.assertEqual(said, self.run_words(verb, self.log, "-h")[0])
        self.assertIn("as they were stored", output)
        self.assertFalse(os.path.exists(self.log))


class Together(CommandTest):
    def test_readers_work_beside_a_writer_and_a_second_writer_does_not(self):
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(to_lines([{"type": "t", "data": {}}]).encode())
            writer.stdin.flush()
            writer.stdout.readline()
            for words in (["append"], ["import", "-", "--stream", "s"]):
                self.assertIn(str(writer.pid), self.errors_of(*words, code=IN_USE, given=""))
            for verb in ("read", "export", "streams", "categories", "types", "schema", "stats", "verify"):
                self.run_verb(verb)
            writer.communicate()
        self.append({"type": "t", "data": {}})


if __name__ == "__main__":
    main()
