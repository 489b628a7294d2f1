#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""import and export of the sample user_management: what goes in comes out, and what is refused.

  transfer.py PROGRAM
"""
import json
import os
import random
import signal
import subprocess
import time

from digests import random_history
from support import (
    INPUT_OUTPUT, NOT_A_LOG, PROGRAM, START, SampleTest, created, deleted, event, main, to_lines, updated,
)

DATA = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))),
    "samples", "user_management", "data", "users.jsonl",
)


def essence(line):
    """What export(import(x)) is to keep of x: floats and integers apart, order of fields too."""
    entry = json.loads(line)
    return entry["timestamp"], entry["event_type"], json.dumps(entry["data"])


class Transfer(SampleTest):
    def come_back(self, text):
        self.import_events(text)
        wanted = [essence(line) for line in text.splitlines() if line.strip()]
        self.assertEqual([essence(line) for line in self.output_of("export").splitlines()], wanted)
        self.run_program("compact")
        self.assertEqual([essence(line) for line in self.output_of("export").splitlines()], wanted)

    def test_a_log_in_the_tutorials_form_comes_back_to_the_byte(self):
        with open(DATA, encoding="utf-8") as file:
            text = file.read()
        output = self.output_of("import", DATA)
        self.assertIn("Imported 20,000 events", output)
        self.assertEqual(self.output_of("export"), text)
        target = self.path("out.jsonl")
        self.assertIn("Exported 20,000 events", self.output_of("export", target))
        with open(target, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)
        self.assertEqual(sorted(os.listdir(self.scratch)), ["out.jsonl", "users.everfold"])

    def test_random_events_come_back(self):
        for seed in range(5):
            with self.subTest(seed=seed):
                self.log = self.path(f"log-{seed}")
                self.come_back(to_lines(random_history(random.Random(1000 + seed), 300)))

    def test_absent_and_null_stay_distinct(self):
        self.come_back(to_lines([
            created(1), created(2, email=None), created(3, email="x"), updated(1), updated(1, name=None),
            updated(1, phone=None, email=None), deleted(2), event("user_seen", {}),
        ]))

    def test_fields_that_no_struct_names_survive(self):
        more = {"nickname": "Al", "groups": [[1, 2.0, [None]], {"a": {"b": "ü"}}], "big": 2**64 - 1}
        self.come_back(to_lines([
            created(1, **more), updated(1, **more),
            event("user_deleted", {"user_id": 2, **more}), event("user_seen", more),
        ]))
        user = self.users()[0]
        self.assertEqual({k: user[k] for k in more}, more)
        self.assertEqual(set(user), {"user_id", "name", "email", "created_at", *more})

    def test_any_timestamp_of_64_bits_is_kept(self):
        times = [0, -1, 1, 999, -999, -1000, 2**63 - 1, -(2**63), 253402300799999, 253402300800000,
                 -62135596800000, -62135596800001]
        self.come_back(to_lines(created(i, timestamp=t) for i, t in enumerate(times)))
        self.assertEqual([u["created_at"] for u in self.users()], times)
        datetimes = [e["datetime"] for e in self.exported()]
        self.assertEqual(datetimes[0], "1970-01-01T00:00:00.000")
        self.assertEqual(datetimes[1], "1969-12-31T23:59:59.999")
        self.assertEqual(datetimes[6], "@9223372036854775807")
        self.assertEqual(datetimes[8], "9999-12-31T23:59:59.999")
        self.assertEqual(datetimes[9], "@253402300800000")
        self.assertEqual(datetimes[10], "0001-01-01T00:00:00.000")
        self.assertEqual(datetimes[11], "@-62135596800001")

    def test_a_time_in_the_future_pins_nothing(self):
        self.import_events([created(1, timestamp=START + 10**13)])
        self.run_program("create", 2, "Bob")
        self.assertEqual([e["timestamp"] for e in self.exported()][0], START + 10**13)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        self.assertEqual(self.replayed(now)["events"], 2)

    def test_the_numbers_of_json_keep_their_kind(self):
        line = ('{"timestamp":1,"event_type":"user_updated","data":{"user_id":1,"a":-0,"b":-0.0,"c":1E2,'
                '"d":1.0,"e":100,"f":1e16,"g":0.1e1,"h":123456789.123}}\n')
        self.import_events(to_lines([created(1)]) + line)
        user = json.dumps(self.users()[0])
        self.assertIn('"a": 0, "b": -0.0, "c": 100.0,', user)
        self.assertEqual(json.dumps(self.exported()[1]["data"]), json.dumps(json.loads(line)["data"]))

    def test_further_fields_of_a_line_come_back(self):
        entry = {**created(1), "source": {"host": "a"}, "sequence": 7}
        self.import_events([entry])
        back = self.exported()[0]
        self.assertEqual((back["source"], back["sequence"]), ({"host": "a"}, 7))

    def test_importing_twice_appends_twice(self):
        text = to_lines([created(1), updated(1, name="Eve"), created(2)])
        self.import_events(text)
        self.import_events(text)
        self.assertEqual(self.replayed()["events"], 6)
        self.assertEqual([e["data"] for e in self.exported()], [json.loads(x)["data"] for x in text.splitlines()] * 2)

    def test_what_happened_is_recorded_without_asking(self):
        self.import_events([
            updated(1, name="nobody"), deleted(1), created(1, "first"), created(1, "second", START + 5),
            updated(1, phone="1"), event("user_seen", {"user_id": 1}), event("weather_changed", {"to": "rain"}),
        ])
        self.assertEqual(self.replayed()["events"], 7)
        self.assertEqual(self.users(), [
            {"user_id": 1, "name": "second", "email": None, "created_at": START + 5, "phone": "1"},
        ])
        types = [json.loads(x)["event_type"] for x in self.output_of("history", 1, "--json").splitlines()]
        self.assertEqual(types.count("user_seen"), 1)
        self.assertNotIn("weather_changed", types)

    def test_blank_lines_and_other_line_ends_are_no_events(self):
        lines = to_lines([created(1), created(2), created(3)]).splitlines()
        for ending in ("\n", "\r\n"):
            for last in ("", ending, ending + "  \t " + ending):
                with self.subTest(ending=ending, last=last):
                    self.log = self.path(f"log-{len(ending)}-{len(last)}")
                    self.import_events((ending + "\n \r\n").join(lines) + last)
                    self.assertEqual(self.replayed()["events"], 3)

    def test_a_progress_bar_is_not_for_pipes(self):
        path = self.file("in.jsonl", to_lines(created(i) for i in range(3000)))
        self.assertEqual(self.run_program("import", path)[1], "")

    def test_events_near_the_limit_are_taken_and_beyond_it_named(self):
        big = "x" * 900_000
        lines = [created(i, big) for i in range(12)]
        self.import_events(lines)
        self.assertEqual(self.replayed()["events"], 12)
        lines = [created(20), created(21), created(22, "x" * (2 << 20)), created(23)]
        errors = self.errors_of("import", "-", given=to_lines(lines), code=INPUT_OUTPUT)
        self.assertIn("line 3", errors)
        self.assertEqual(self.replayed()["events"], 14)
        endless = b'{"timestamp":1,"x":"' + b"y" * (17 << 20)
        given = to_lines([created(30)]).encode() + endless
        errors = self.errors_of("import", "-", given=given, code=INPUT_OUTPUT)
        self.assertIn("line 2: longer than 16 MiB", errors)
        self.assertEqual(self.replayed()["events"], 15)

    def test_escapes_may_make_a_line_longer_than_the_events_limit(self):
        self.import_events([created(1, "\x01" * 900_000)])
        self.assertEqual(self.users()[0]["name"], "\x01" * 900_000)

    def test_nesting_has_a_limit_that_compaction_shares(self):
        def nested(depth):
            text = "[" * depth + "]" * depth
            return '{"timestamp":1,"event_type":"user_updated","data":{"user_id":1,"deep":%s}}\n' % text

        self.import_events(to_lines([created(1)]) + nested(60))
        self.run_program("compact")
        self.assertEqual(self.replayed()["events"], 2)
        deepest = max(
            depth for depth in range(55, 70)
            if subprocess.run([PROGRAM, self.path(f"d{depth}"), "import", "-"], check=False,
                              input=(to_lines([created(1)]) + nested(depth)).encode(),
                              capture_output=True).returncode == 0
        )
        self.log = self.path(f"d{deepest}")
        self.run_program("compact")
        wanted = json.loads(nested(deepest))["data"]["deep"]
        self.assertEqual(self.users()[0]["deep"], wanted)
        errors = self.errors_of("import", "-", given=nested(deepest + 1), code=INPUT_OUTPUT)
        self.assertIn("line 1", errors)
        self.errors_of("import", "-", given=nested(100_000), code=INPUT_OUTPUT)


class Malformed(SampleTest):
    LINES = {
        "not JSON": b"hello",
        "half an object": b'{"timestamp":1',
        "something after it": b'{"timestamp":1,"event_type":"a","data":{}} x',
        "an array": b"[1]",
        "no timestamp": b'{"event_type":"a","data":{}}',
        "a text timestamp": b'{"timestamp":"1","event_type":"a","data":{}}',
        "a broken timestamp": b'{"timestamp":1.5,"event_type":"a","data":{}}',
        "a floating timestamp": b'{"timestamp":1.0,"event_type":"a","data":{}}',
        "a timestamp beyond 64 bits": b'{"timestamp":9223372036854775808,"event_type":"a","data":{}}',
        "a datetime that is no text": b'{"timestamp":1,"datetime":5,"event_type":"a","data":{}}',
        "no type": b'{"timestamp":1,"data":{}}',
        "an empty type": b'{"timestamp":1,"event_type":"","data":{}}',
        "a line feed in a type": b'{"timestamp":1,"event_type":"a\\nb","data":{}}',
        "a type that is no text": b'{"timestamp":1,"event_type":7,"data":{}}',
        "no data": b'{"timestamp":1,"event_type":"a"}',
        "null data": b'{"timestamp":1,"event_type":"a","data":null}',
        "an array as data": b'{"timestamp":1,"event_type":"a","data":[]}',
        "a key twice": b'{"timestamp":1,"timestamp":1,"event_type":"a","data":{}}',
        "a key twice in data": b'{"timestamp":1,"event_type":"a","data":{"k":1,"k":1}}',
        "a key twice, spelled apart": b'{"timestamp":1,"event_type":"a","data":{"k":1,"\\u006b":1}}',
        "a key twice, deep down": b'{"timestamp":1,"event_type":"a","data":{"x":[{"k":1,"k":2}]}}',
        "an integer beyond 64 bits": b'{"timestamp":1,"event_type":"a","data":{"k":18446744073709551616}}',
        "an integer below 64 bits": b'{"timestamp":1,"event_type":"a","data":{"k":-9223372036854775809}}',
        "a number beyond double": b'{"timestamp":1,"event_type":"a","data":{"k":1e999}}',
        "NaN": b'{"timestamp":1,"event_type":"a","data":{"k":NaN}}',
        "invalid UTF-8": b'{"timestamp":1,"event_type":"a","data":{"k":"\xff"}}',
        "overlong UTF-8": b'{"timestamp":1,"event_type":"a","data":{"k":"\xc0\x80"}}',
        "a surrogate in UTF-8": b'{"timestamp":1,"event_type":"a","data":{"k":"\xed\xa0\x80"}}',
        "half a surrogate pair": b'{"timestamp":1,"event_type":"a","data":{"k":"\\ud800"}}',
        "a raw control character": b'{"timestamp":1,"event_type":"a","data":{"k":"\x01"}}',
        "a NUL byte": b'{"timestamp":1,"event_type":"a","data":{}}\x00',
        "no user_id": b'{"timestamp":1,"event_type":"user_deleted","data":{}}',
        "a text user_id": b'{"timestamp":1,"event_type":"user_deleted","data":{"user_id":"1"}}',
        "a floating user_id": b'{"timestamp":1,"event_type":"user_updated","data":{"user_id":1.0}}',
        "a user_id beyond 64 bits with a sign":
            b'{"timestamp":1,"event_type":"user_updated","data":{"user_id":9223372036854775808}}',
        "no name": b'{"timestamp":1,"event_type":"user_created","data":{"user_id":1}}',
        "a null name": b'{"timestamp":1,"event_type":"user_created","data":{"user_id":1,"name":null}}',
        "a name that is no text": b'{"timestamp":1,"event_type":"user_updated","data":{"user_id":1,"name":5}}',
        "an email that is no text":
            b'{"timestamp":1,"event_type":"user_created","data":{"user_id":1,"name":"a","email":[]}}',
        "a phone that is no text": b'{"timestamp":1,"event_type":"user_updated","data":{"user_id":1,"phone":{}}}',
    }

    def test_lines_end_the_import_with_number_and_reason(self):
        for name, line in self.LINES.items():
            with self.subTest(line=name):
                self.log = self.path(name.replace(" ", "_"))
                before = to_lines(created(i) for i in range(4)).encode()
                after = to_lines([created(9)]).encode()
                output, errors = self.run_program(
                    "import", "-", given=before + b"\n" + line + b"\n" + after, code=INPUT_OUTPUT
                )
                self.assertIn("standard input, line 6: ", errors)
                self.assertIn("4 events", errors)
                self.assertIn("Imported 4 events", output)
                # What is wrong, what became of the data, what to do: and no line that data forged.
                self.assertEqual(
                    [text[:9] for text in errors.strip().splitlines()[1:]],
                    ["  data:  ", "  to do: "],
                    errors,
                )
                self.assertEqual([u["user_id"] for u in self.users()], [0, 1, 2, 3])

    def test_lines_late_in_the_file_lose_nothing_before_them(self):
        for count in (0, 1, 999, 1000, 1001, 2500):
            with self.subTest(count=count):
                self.log = self.path(f"log-{count}")
                given = to_lines(created(i) for i in range(count)) + "oops\n" + to_lines([created(1)])
                errors = self.errors_of("import", "-", given=given, code=INPUT_OUTPUT)
                self.assertIn(f"line {count + 1}: ", errors)
                self.assertEqual(self.replayed()["events"], count)

    def test_an_input_that_cannot_be_read_makes_no_log(self):
        for name in (self.path("missing.jsonl"), self.scratch):
            self.errors_of("import", name, code=INPUT_OUTPUT)
            self.assertFalse(os.path.exists(self.log))

    def test_an_export_that_cannot_be_written_leaves_what_was_there(self):
        self.import_events([created(i) for i in range(50)])
        old = self.file("old.jsonl", "old")
        self.errors_of("export", os.path.join(self.scratch, "no", "such", "place"), code=INPUT_OUTPUT)
        self.errors_of("export", "/dev/full", code=INPUT_OUTPUT)
        self.errors_of("export", old, code=NOT_A_LOG, log=self.path("missing"))
        with open(old, encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")
        self.run_program("export", old)
        with open(old, encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 50)

    def test_a_killed_import_leaves_a_log_that_holds_the_start_of_its_input(self):
        text = to_lines(created(i, f"user {i}") for i in range(60_000))
        path = self.file("in.jsonl", text)
        for wait in (0.05, 0.2, 0.4):
            with self.subTest(wait=wait):
                self.log = self.path(f"log-{wait}")
                process = subprocess.Popen(
                    [PROGRAM, self.log, "import", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                time.sleep(wait)
                process.send_signal(signal.SIGKILL)
                process.wait()
                if not os.path.isdir(self.log) or not os.listdir(self.log):
                    continue
                self.import_events("")
                back = self.exported()
                self.assertEqual(len(back) % 1000, 0)
                wanted = [json.loads(line)["data"] for line in text.splitlines()[: len(back)]]
                self.assertEqual([e["data"] for e in back], wanted)
                self.run_program("create", 10**6, "after")
                self.assertEqual(self.replayed()["events"], len(back) + 1)


if __name__ == "__main__":
    main()
