#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""import and export as inverses of each other, verify against real damage, backup beside a writer."""
import json
import os
import random
import subprocess

from support import (
    DAMAGED, INPUT_OUTPUT, NOT_A_LOG, PROGRAM, REFUSED, START, USAGE, CommandTest, event, main, to_lines,
)


class Importing(CommandTest):
    def test_what_is_imported_is_exported(self):
        events = [
            event("made", {"id": 1, "none": None, "deep": {"list": [1.0, -1, 18446744073709551615, "é\u001b"]}}, START),
            {**event("anything at all", {}, -5), "source": "elsewhere", "n": [1, {}]},
            event("made", {"id": 2}, 9223372036854775807),
            event("made", {"z": 1, "a": 2}, START - 1),
        ]
        self.import_events(events)
        back = self.lines_of("export")
        for line, wanted in zip(back, events, strict=True):
            del line["datetime"], wanted["datetime"]
        self.assertEqual(back, events)
        self.assertEqual(list(back[3]["data"]), ["z", "a"])
        again = self.path("again.log")
        self.run_verb("import", "-", "--stream", "users", log=again, given=self.output_of("export"))
        self.assertEqual(self.output_of("export", log=again), self.output_of("export"))

    def test_the_stream_is_called_like_the_file_or_by_a_template(self):
        text = to_lines(event("made", {"id": i, "kind": "k"}) for i in range(4))
        for name in ("users.jsonl", "a.b.jsonl", "plain", ".hidden", "{braces}.jsonl"):
            self.run_verb("import", self.file(name, text))
        names = [s["stream"] for s in self.lines_of("streams", "--json")]
        self.assertEqual(names, ["users", "a.b", "plain", ".hidden", "{braces}"])
        other = self.path("other.log")
        self.run_verb(
            "import", self.path("users.jsonl"), "--stream", "{kind}-{id}", "--tag", "id:{id}", "--tag", "all:yes",
            log=other,
        )
        events = self.lines_of("read", "--json", log=other)
        self.assertEqual([e["stream"] for e in events], ["k-0", "k-1", "k-2", "k-3"])
        self.assertEqual([e["data"]["id"] for e in events], [0, 1, 2, 3])
        self.assertEqual(events[2]["tags"], ["id:2", "all:yes"])

    def test_the_order_of_lines_is_kept_across_streams(self):
        order = [random.Random(5).randrange(50) for _ in range(5000)]
        self.import_events((event("e", {"u": u, "n": n}) for n, u in enumerate(order)), "--stream", "u-{u}")
        self.assertEqual([e["data"]["n"] for e in self.lines_of("export")], list(range(5000)))
        self.assertEqual(len(self.lines_of("streams", "--json")), len(set(order)))

    def test_a_wrong_line_is_named_and_all_before_it_stay(self):
        good = to_lines(event("e", {"id": i}) for i in range(3))
        wrong = {
            "malformed": "nonsense",
            "not an object": "[]",
            "no timestamp": '{"event_type":"e","data":{}}',
            "a timestamp that is text": '{"timestamp":"1","event_type":"e","data":{}}',
            "no data": '{"timestamp":1,"event_type":"e"}',
            "no type": '{"timestamp":1,"event_type":"","data":{}}',
            "a key twice": '{"timestamp":1,"event_type":"e","data":{"id":1,"id":2}}',
            "a field that a template names missing": '{"timestamp":1,"event_type":"e","data":{"no":1}}',
            "a field that can be no name": '{"timestamp":1,"event_type":"e","data":{"id":null}}',
            "an empty field": '{"timestamp":1,"event_type":"e","data":{"id":""}}',
            "a name too long": '{"timestamp":1,"event_type":"e","data":{"id":"%s"}}' % ("x" * 300),
            "too large": '{"timestamp":1,"event_type":"e","data":{"id":1,"x":"%s"}}' % ("x" * (2 << 20)),
        }
        for i, (name, line) in enumerate(wrong.items()):
            with self.subTest(name):
                errors = self.errors_of(
                    "import", "-", "--stream", "u-{id}", "--tag", "id:{id}", code=INPUT_OUTPUT,
                    given=good + "\n" + line + "\n" + good,
                )
                self.assertIn("standard input, line 5: ", errors)
                self.assertIn("all 3 events before it are in the log", errors)
                self.assertEqual(len(self.positions()), 3 * (i + 1))

    def test_options_that_cannot_be_meant_touch_nothing(self):
        file = self.file("f.jsonl", to_lines([event("e", {})]))
        for words in (
            [], [file, file], ["-"], [""], [file, "--stream", ""], [file, "--stream", "{"], [file, "--stream", "a}"],
            [file, "--stream", "{}"], [file, "--tag", "x"], [file, "--tag", ":x"], [file, "--tag", "{x}"],
            [file, "--tag", "k:{"], [file, "--stream", "{/a~2}"], [file, "--stream"], [file, "--json"],
        ):
            with self.subTest(words=words):
                self.assertIn("usage: everfold import LOG", self.errors_of("import", *words, code=USAGE))
                self.assertFalse(os.path.exists(self.log))


class Verifying(CommandTest):
    def verified(self, **options):
        return self.lines_of("verify", "--json", **options)[0]

    def test_an_intact_log_is_counted(self):
        for kind in ("segments", "archived"):
            with self.subTest(kind):
                self.log = self.path(kind)
                self.made(kind)
                before = self.tree()
                said = self.verified()
                self.assertTrue(said["intact"])
                self.assertEqual(said["events"], 1000)
                self.assertGreater(said["segments"], 5)
                self.assertEqual(said["archived_segments"] > 0, kind == "archived")
                stored = sum(len(c) for p, (c, _) in before.items() if p.endswith((".evl", ".evz")))
                self.assertEqual(said["stored_bytes"], stored)
                self.assertIn("1,000 events", self.output_of("verify"))
                self.assertEqual(self.tree(), before)

    def test_each_flipped_bit_of_an_event_is_found_and_named(self):
        for kind in ("segments", "archived"):
            self.log = self.path(kind)
            self.made(kind)
            chosen = random.Random(3)
            files = [p for p in self.tree() if p.endswith((".evl", ".evz"))]
            found = 0
            for round_number in range(60):
                path = chosen.choice(files)
                with open(path, "rb") as file:
                    content = file.read()
                used = len(content.rstrip(b"\0"))
                at = chosen.randrange(used)
                with open(path, "r+b") as file:
                    file.seek(at)
                    file.write(bytes([content[at] ^ (1 << chosen.randrange(8))]))
                with self.subTest(kind=kind, round=round_number, at=at):
                    output, errors = self.run_verb("verify", "--json", code=DAMAGED)
                    said = json.loads(output)
                    self.assertFalse(said["intact"])
                    place = said["damage"][0]
                    self.assertEqual(os.path.basename(place["file"]), os.path.basename(path))
                    self.assertIn("damaged: ", errors)
                    self.assertIn("the first position that is lost: ", errors)
                    self.assertIn("  data: ", errors)
                    # Whatever comes before the first lost position can still be read.
                    if place["first_lost"] is not None:
                        self.assertLess(place["first_lost"], 1000)
                    # What is not lost is counted as intact.
                    self.assertGreater(said["events"], 900)
                    found += 1
                with open(path, "r+b") as file:
                    file.write(content)
            self.assertEqual(found, 60)
            self.assertTrue(self.verified()["intact"])

    def test_a_missing_or_cut_segment_is_damage(self):
        self.made("segments")
        first = sorted(p for p in self.tree() if p.endswith(".evl"))[0]
        content = self.tree()[first][0]
        for size in (0, 10, 64, len(content) // 2, len(content) - 1):
            with self.subTest(size=size):
                with open(first, "wb") as file:
                    file.write(content[:size])
                self.assertIn(os.path.basename(first), self.errors_of("verify", code=DAMAGED))
        os.remove(first)
        self.assertIn(os.path.basename(first), self.errors_of("verify", code=DAMAGED))

    def test_data_that_is_not_well_formed_is_damage_though_its_checksum_is_right(self):
        self.made("malformed")
        output, errors = self.run_verb("verify", "--json", code=DAMAGED)
        place = json.loads(output)["damage"][0]
        self.assertEqual(place["first_lost"], 5)
        self.assertTrue(place["file"].endswith(".evl"))
        self.assertGreater(place["offset"], 64)
        self.assertIn("data of this event", errors)
        for words in (["read"], ["read", "--json"], ["export"], ["read", "--where", "/a=1"]):
            self.assertIn("position 5", self.errors_of(*words, code=DAMAGED))
        self.assertEqual(self.positions("--to", "4"), [0, 1, 2, 3, 4])

    def test_a_torn_tail_is_no_damage(self):
        self.made("segments")
        last = sorted(p for p in self.tree() if p.endswith(".evl"))[-1]
        with open(last, "ab") as file:
            file.write(b"garbage" * 50)
        self.assertTrue(self.verified()["intact"])

    def test_it_works_beside_a_writer(self):
        text = to_lines(event("e", {"n": i}) for i in range(30_000))
        with subprocess.Popen(
            [PROGRAM, "import", self.log, "-", "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(text.encode())
            writer.stdin.flush()
            counts = [self.verified()["events"] for _ in range(5)]
            writer.communicate()
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(self.verified()["events"], 30_000)


class BackingUp(CommandTest):
    def test_a_backup_is_the_log_and_a_log(self):
        self.made("archived")
        whole = self.output_of("read", "--json")
        before = self.tree()
        for options, linked in (([], True), (["--copy"], False)):
            with self.subTest(options=options):
                copy = self.path("copy" + "".join(options))
                said = self.lines_of("backup", copy, "--json", *options)[0]
                self.assertEqual(said["events"], 1000)
                self.assertEqual(said["linked_segments"] > 0, linked)
                self.assertEqual(self.output_of("read", "--json", log=copy), whole)
                self.assertIn("intact", self.output_of("verify", log=copy))
                self.append({"type": "t", "data": {}}, log=copy)
                self.assertEqual(len(self.lines_of("read", "--json", log=copy)), 1001)
                self.assertEqual(self.tree(), before)
        self.assertIn("1,000 events", self.output_of("backup", self.path("third")))

    def test_beside_a_writer(self):
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            for i in range(5):
                writer.stdin.write(to_lines([{"type": "t", "data": {"i": i}}]).encode())
                writer.stdin.flush()
                writer.stdout.readline()
                copy = self.path(f"copy-{i}")
                self.run_verb("backup", copy)
                self.assertEqual(len(self.lines_of("read", "--json", log=copy)), i + 1)
            writer.communicate()

    def test_it_goes_into_a_new_directory_only(self):
        self.append({"type": "t", "data": {}})
        before = self.tree()
        for target in (self.log, self.scratch, self.file("file", "content")):
            self.assertIn("a new one", self.errors_of("backup", target, code=REFUSED))
        self.errors_of("backup", self.path("none/deeper"), code=INPUT_OUTPUT)
        self.errors_of("backup", "", code=USAGE)
        self.errors_of("backup", self.path("copy"), log=self.path("none"), code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.path("copy")))
        self.assertEqual(self.tree(), before)


if __name__ == "__main__":
    main()
