#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of the sample user_management: answers, refusals, exit codes, what they leave alone.

  commands.py PROGRAM
"""
import json
import os
import re
import resource
import subprocess
import time

from support import (
    DAMAGED, DONE, IN_USE, INPUT_OUTPUT, NOT_A_LOG, PROGRAM, REFUSED, START, USAGE, SampleTest, created, deleted,
    event, main, to_lines, updated,
)


class Deciding(SampleTest):
    def test_a_user_is_created_updated_and_deleted(self):
        self.run_program("create", 123, "Alice", "alice@example.com")
        self.run_program("create", 456, "Bob")
        self.run_program("update", 123, "email=alice@newemail.com", "phone=555-0123")
        alice, bob = self.users()
        self.assertEqual(bob["email"], None)
        self.assertEqual(list(alice), ["created_at", "email", "name", "phone", "user_id"])
        self.assertEqual(alice["email"], "alice@newemail.com")
        self.assertAlmostEqual(alice["created_at"], time.time() * 1000, delta=60_000)
        self.run_program("delete", 456)
        self.assertEqual([u["user_id"] for u in self.users()], [123])

    def test_created_at_is_the_time_of_the_creating_event_in_milliseconds(self):
        self.run_program("create", 1, "Ada")
        self.assertEqual(self.users()[0]["created_at"], self.exported()[0]["timestamp"])

    def test_a_value_is_text_and_its_forms_are_null_and_json(self):
        self.run_program("create", 1, "Ada", "ada@example.com")
        self.run_program(
            "update", 1, "email=null", "phone=5", "nickname=a=b", 'name:="null"', 'tags:=[1,{"a":null}]',
            "empty=", "truth:=true", "rate:=1.0",
        )
        user = self.users()[0]
        created_at = user.pop("created_at")
        self.assertIsInstance(created_at, int)
        self.assertEqual(json.dumps(user, sort_keys=True), json.dumps({
            "user_id": 1, "name": "null", "email": None, "phone": "5", "nickname": "a=b",
            "tags": [1, {"a": None}], "empty": "", "truth": True, "rate": 1.0,
        }, sort_keys=True))

    def test_what_may_not_be_is_refused_in_one_sentence_and_changes_nothing(self):
        self.run_program("create", 1, "Ada")
        before = self.tree()
        for arguments, words in {
            ("create", 1, "Eve"): "user 1 exists already",
            ("update", 2, "name=Eve"): "there is no user 2",
            ("delete", 2): "there is no user 2",
            ("update", 1, "user_id=2"): "user_id can't be changed",
            ("update", 1, "created_at:=5"): "created_at can't be changed",
            ("update", 1, "name:=5"): "name must be text or null, and is 5",
            ("update", 1, "email:=[]"): "email must be text or null, and is []",
            ("update", 1, "phone:=true"): "phone must be text or null, and is true",
            ("show", 2): "there is no user 2",
            ("history", 2): "nothing ever happened to a user 2",
            ("at", 1, "list"): "the last event is at position 0",
            ("at", "18446744073709551615", "replay"): "the last event is at position 0",
            ("at", "1999-01-01T00:00:00Z", "replay"): "the first event was recorded at 20",
            ("at", 0, "show", 2): "there is no user 2 at that point",
            ("demo",): "holds 1 event already",
        }.items():
            with self.subTest(arguments=arguments):
                errors = self.errors_of(*arguments, code=REFUSED)
                self.assertIn(words, errors)
                self.assertEqual(len(errors.splitlines()), 1, errors)
                self.assertEqual(self.exported(), self.exported())
        after = self.tree()
        self.assertEqual(
            {name: content for name, (content, _) in after.items() if name.endswith(".jsonl")},
            {name: content for name, (content, _) in before.items() if name.endswith(".jsonl")},
        )
        self.assertEqual(self.replayed()["events"], 1)

    def test_a_deleted_user_may_be_created_again(self):
        self.run_program("create", 1, "Ada", "ada@example.com")
        self.run_program("update", 1, "phone=5")
        self.run_program("delete", 1)
        self.errors_of("update", 1, "name=Eve", code=REFUSED)
        self.run_program("create", 1, "Eve")
        user = self.users()[0]
        self.assertEqual((user["name"], user["email"], "phone" in user), ("Eve", None, False))

    def test_ids_are_any_integer_of_64_bits(self):
        ids = [-(2**63), -1, 0, 2**63 - 1]
        for i in reversed(ids):
            self.run_program("create", i, f"user {i}")
        self.run_program("update", -1, "phone=1")
        self.assertIn("user -1", self.output_of("show", -1))
        self.assertEqual([u["user_id"] for u in self.users()], ids)
        self.assertEqual(len(self.output_of("history", -(2**63), "--json").splitlines()), 1)

    def test_decisions_use_the_snapshot_and_what_came_after(self):
        self.import_events(created(i) for i in range(100))
        self.run_program("snapshot")
        self.run_program("update", 5, "name=after")
        self.run_program("snapshot")
        self.run_program("delete", 6)
        self.errors_of("create", 5, "x", code=REFUSED)
        self.run_program("create", 6, "new")
        users = {u["user_id"]: u["name"] for u in self.users()}
        self.assertEqual((len(users), users[5], users[6]), (100, "after", "new"))

    def test_arguments_that_cannot_be_meant_are_usage_errors_and_touch_nothing(self):
        for arguments in (
            [], ["nonsense"], ["create"], ["create", "1"], ["create", "x", "Ada"], ["create", "", "Ada"],
            ["create", "1.5", "Ada"], ["create", "9223372036854775808", "Ada"], ["create", "1 ", "Ada"],
            ["create", "+1", "Ada"], ["create", "1", "Ada", "mail", "more"], ["create", "1", "Ada", "--json"],
            ["create", "1", b"\xff"], ["update", "1"], ["update", "1", "name"], ["update", "1", "=x"],
            ["update", "1", ":=5"], ["update", "1", "name:=oops"], ["update", "1", "name:="],
            ["update", "1", "a:=[1,]"], ["update", "1", "a=1", "a=2"], ["update", "1", "a:={\"k\":1,\"k\":2}"],
            ["delete"], ["show"], ["show", "1", "2"], ["list", "--limit"], ["list", "--limit", "-1"],
            ["list", "--limit", "x"], ["list", "--limit", "18446744073709551616"], ["list", "--frobnicate"],
            ["history"], ["history", "1", "--limit", "3"], ["at"], ["at", "yesterday"], ["at", "-1"],
            ["at", "18446744073709551616"], ["at", "1", "create", "2", "x"], ["at", "1", "show"],
            ["at", "2024-13-01T00:00:00Z"], ["at", "2024-01-01T00:00:00"], ["replay", "x"], ["import"],
            ["import", "a", "b"], ["export", "a", "b"], ["demo", "x"], ["compact", "x"], ["snapshot", "--json"],
        ):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [PROGRAM, self.log, *arguments], capture_output=True, check=False,
                    stdin=subprocess.DEVNULL, timeout=60,
                )
                self.assertEqual(result.returncode, USAGE, result.stderr)
                self.assertIn(b"usage: user_management LOG ", result.stderr)
                self.assertEqual(result.stdout, b"")
                self.assertFalse(os.path.exists(self.log))
        for arguments in ([], ["--frobnicate"], [""], [self.log]):
            result = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False)
            self.assertEqual(result.returncode, USAGE)
            self.assertIn(b"usage: ", result.stderr)

    def test_help_is_given(self):
        for arguments in (["--help"], ["-h"], [self.log, "--help"], [self.log, "update", "--help"]):
            output = subprocess.run([PROGRAM, *arguments], capture_output=True, check=True).stdout
            self.assertIn(b"usage: user_management LOG", output)
        self.assertFalse(os.path.exists(self.log))

    def test_a_log_may_be_called_like_a_command(self):
        for name in ("list", "demo", "create"):
            result = subprocess.run(
                [PROGRAM, name, "create", "1", "list"], cwd=self.scratch, capture_output=True, check=False
            )
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(os.path.isdir(self.path(name)))


class Asking(SampleTest):
    def test_list_has_a_limit_and_a_count(self):
        self.import_events(created(i, f"user {i}") for i in range(1, 1235))
        self.assertIn("1,234 users", self.output_of("list"))
        output = self.output_of("list", "--limit", 3)
        self.assertIn("3 of 1,234 users", output)
        self.assertIn("user 3", output)
        self.assertNotIn("user 4", output)
        self.assertEqual(len(self.output_of("list", "--limit", 3, "--json").splitlines()), 3)
        self.assertEqual(self.output_of("list", "--limit", 0, "--json"), "")
        self.assertEqual(len(self.output_of("at", 9, "list", "--limit", 4, "--json").splitlines()), 4)

    def test_columns_line_up_whatever_the_script(self):
        self.import_events([created(1, "山田 太郎"), created(2, "Zoë Ångström"), created(3, "Bob", email="b@x")])
        rows = self.output_of("list").splitlines()[1:4]

        def column(row):
            before = row[: row.index("2024-01-01")]
            return sum(2 if ord(c) > 0x2E80 else 1 for c in before)

        self.assertEqual(len({column(row) for row in rows}), 1, rows)

    def test_show_is_for_people_and_for_programs(self):
        self.import_events([created(1, "Ada", email="ada@example.com"), updated(1, nickname="Al", email=None)])
        output = self.output_of("show", 1)
        for words in ("User 1", "Ada", "2024-01-01T00:00:00.000Z", "nickname", "Al"):
            self.assertIn(words, output)
        self.assertEqual(
            self.output_of("show", 1, "--json"),
            '{"created_at":1704067200000,"email":null,"name":"Ada","nickname":"Al","user_id":1}\n',
        )

    def test_history_has_each_event_and_what_it_changed(self):
        self.import_events([
            created(1, "Ada"), created(2, "Bob"), updated(1, START + 1, name="Eve", phone="5"),
            event("user_seen", {"user_id": 1, "where": "door"}, START + 2), updated(1, START + 3, name="Eve"),
            event("user_deleted", {"user_id": 1}, START + 4),
        ])
        lines = [json.loads(x) for x in self.output_of("history", 1, "--diff", "--json").splitlines()]
        self.assertEqual([x["position"] for x in lines], [0, 2, 3, 4, 5])
        self.assertEqual([x["timestamp"] - START for x in lines], [0, 1, 2, 3, 4])
        self.assertEqual(lines[2]["data"], {"user_id": 1, "where": "door"})
        self.assertEqual(lines[0]["changes"]["name"], {"after": "Ada"})
        self.assertEqual(lines[1]["changes"], {"name": {"before": "Ada", "after": "Eve"}, "phone": {"after": "5"}})
        self.assertEqual((lines[2]["changes"], lines[3]["changes"]), ({}, {}))
        self.assertEqual(lines[4]["changes"]["phone"], {"before": "5"})
        text = self.output_of("history", 1, "--diff")
        self.assertIn('"Ada" -> "Eve"', text)
        self.assertIn("2024-01-01T00:00:00.003Z", text)
        self.assertIn("changes nothing", text)
        self.assertNotIn("Bob", text)
        self.assertIn("5 events", text)
        self.assertNotIn("->", self.output_of("history", 1))

    def test_at_shows_the_past_by_position_and_by_time(self):
        self.import_events([
            created(1, "Ada"), updated(1, START + 1000, name="Eve"), event("user_deleted", {"user_id": 1}, START + 2000),
        ])
        for when, name in ((0, "Ada"), (1, "Eve"), ("2024-01-01T00:00:00Z", "Ada"), (f"@{START + 999}", "Ada"),
                           ("2024-01-01T00:00:01.000Z", "Eve"), ("2024-01-01T01:00:01.5+01:00", "Eve")):
            self.assertEqual([u["name"] for u in self.users(when)], [name])
            shown = json.loads(self.output_of("at", when, "show", 1, "--json"))
            self.assertEqual(shown["name"], name)
        self.assertEqual(self.users(2), [])
        self.errors_of("at", 2, "show", 1, code=REFUSED)
        self.assertEqual(self.output_of("at", 1), self.output_of("at", 1, "list"))
        self.assertEqual(self.replayed(1)["events"], 2)
        self.assertEqual(self.replayed("2025-01-01T00:00:00Z")["events"], 3)

    def test_at_takes_revisions_of_the_users_and_now(self):
        self.import_events([created(1, "Ada"), updated(1, name="Eve"), created(2, "Bob"), deleted(1)])
        for when, names in (("revision:0", ["Ada"]), ("revision:2", ["Eve", "Bob"]), ("revision:3", ["Bob"]),
                            ("now", ["Bob"])):
            self.assertEqual([u["name"] for u in self.users(when)], names)
        self.assertEqual(self.replayed("revision:1")["events"], 2)
        for when in ("revision:4", "revision:18446744073709551615"):
            self.assertIn("the last one is 3", self.errors_of("at", when, "list", code=REFUSED))
        for when in ("revision:", "revision:x", "revision:-1", "revision 1", "Now"):
            self.assertIn("revision:N", self.errors_of("at", when, "list", code=USAGE))

    def test_diff_is_a_patch_from_any_moment_to_any_other(self):
        self.import_events([
            created(1, "Ada"), updated(1, START + 1000, name="Eve", address={"city": "Oslo"}),
            created(2, "Bob", START + 2000), updated(1, START + 3000, address={"city": "Bergen"}, n=1),
            updated(1, START + 4000, n=1.0), deleted(1, START + 5000),
        ])

        def patch(*moments):
            return json.loads(self.output_of("diff", *moments, "--json"))

        self.assertEqual(patch(1, 3), [
            {"op": "replace", "path": "/1/address/city", "value": "Bergen"},
            {"op": "add", "path": "/1/n", "value": 1},
            {"op": "add", "path": "/2", "value": self.users(2)[1]},
        ])
        self.assertEqual(patch("2024-01-01T00:00:00Z", "revision:1"), [
            {"op": "replace", "path": "/1/name", "value": "Eve"},
            {"op": "add", "path": "/1/address", "value": {"city": "Oslo"}},
        ])
        self.assertEqual(patch("now", 4), [{"op": "add", "path": "/1", "value": self.users(4)[0]}])
        self.assertEqual(self.output_of("diff", 3, 4, "--json"), '[{"op":"replace","path":"/1/n","value":1.0}]\n')
        self.assertEqual(patch(2, 2), [])
        self.assertEqual(self.output_of("diff", 1, 3).splitlines()[:3], [
            "From position 1 to position 3",
            '~ /1/address/city  "Oslo" -> "Bergen"',
            "+ /1/n  1",
        ])
        self.assertTrue(self.output_of("diff", 5, 4).endswith("1 change\n"))
        code, output = self.on_a_terminal("diff", 1, 3)
        self.assertEqual(code, DONE)
        self.assertIn('\x1b[31m"Oslo"\x1b[0m -> \x1b[32m"Bergen"\x1b[0m', output)
        self.assertNotIn("\x1b[31m", self.on_a_terminal("diff", 1, 3, NO_COLOR="1")[1])
        self.errors_of("diff", 1, 9, code=REFUSED)
        for words in (["diff"], ["diff", 1], ["diff", 1, "then"], ["diff", 1, 2, 3]):
            self.errors_of(*words, code=USAGE)

    def test_replay_ends_with_its_figures(self):
        self.import_events(created(i) for i in range(500))
        last = self.output_of("replay").splitlines()[-1]
        figures = json.loads(last)
        self.assertEqual(
            list(figures), ["events", "users", "seconds", "events_per_second", "sha256"]
        )
        self.assertGreater(figures["events_per_second"], 0)
        self.assertNotIn(" ", last)

    def test_compact_says_what_it_saved_and_changes_no_answer(self):
        lines = [created(i, f"user {i} of many") for i in range(1000)]
        lines += [updated(i, START + i, phone=f"+1-555-{i:04}") for i in range(1000)]
        self.import_events(lines)
        questions = [
            ("list", "--json"), ("history", 7, "--diff", "--json"), ("history", 7), ("show", 7, "--json"),
            ("at", 1500, "list", "--json"), ("at", 3, "show", 2), ("export",),
        ]
        answers = [self.output_of(*q) for q in questions]
        figures = json.loads(self.output_of("compact", "--json"))
        self.assertEqual(figures["events"], 2000)
        self.assertLess(figures["bytes_after"], figures["bytes_before"])
        on_disk = sum(len(content) for content, _ in self.tree().values())
        self.assertLess(abs(on_disk - figures["bytes_after"]), max(65536, on_disk // 10))
        self.assertEqual([self.output_of(*q) for q in questions], answers)
        self.assertIn(" -> ", self.output_of("compact"))
        self.assertEqual([self.output_of(*q) for q in questions], answers)

    def test_an_empty_log_is_compacted_without_a_word_of_error(self):
        self.import_events("")
        self.run_program("compact")
        self.run_program("snapshot")
        self.assertEqual(self.output_of("export"), "")
        self.assertIn("0 users", self.output_of("list"))

    def test_the_demo_tells_the_tutorials_story(self):
        output = self.output_of("demo")
        for words in ("Alice", "alice@newemail.com", "555-0123", "Robert", "1 user"):
            self.assertIn(words, output)
        self.assertEqual([(u["user_id"], u["name"]) for u in self.users()], [(123, "Alice")])
        types = [e["event_type"] for e in self.exported()]
        self.assertEqual(types, ["user_created"] * 2 + ["user_updated"] * 3 + ["user_deleted"])


class Places(SampleTest):
    READING = [
        ("show", 1), ("list",), ("list", "--json"), ("history", 1, "--diff"), ("at", 0, "list"),
        ("at", 0, "show", 1), ("at", 0, "replay"), ("diff", 0, "now"), ("replay",), ("export",),
    ]
    WRITING = [("update", 1, "name=x"), ("delete", 1), ("snapshot",), ("compact",)]

    def test_what_is_no_log_is_not_made_one(self):
        os.mkdir(self.path("empty"))
        os.mkdir(self.path("other"))
        self.file("other/notes.txt", "mine")
        plain = self.file("plain", "text")
        for name in ("missing", "empty", "other", "plain", "missing/deeper"):
            for arguments in self.READING + self.WRITING:
                with self.subTest(name=name, arguments=arguments):
                    errors = self.errors_of(*arguments, code=NOT_A_LOG, log=self.path(name))
                    self.assertIn("data: ", errors)
        self.errors_of("create", 1, "Ada", code=NOT_A_LOG, log=self.path("other"))
        self.errors_of("create", 1, "Ada", code=NOT_A_LOG, log=plain)
        self.assertEqual(sorted(os.listdir(self.scratch)), ["empty", "other", "plain"])
        self.assertEqual(os.listdir(self.path("other")), ["notes.txt"])
        self.assertEqual(os.listdir(self.path("empty")), [])

    def test_reading_changes_no_byte_of_the_log(self):
        self.import_events([created(1), *(updated(1, START + i, phone=str(i)) for i in range(50))])
        for step in ("fresh", "snapshot", "compact"):
            if step != "fresh":
                self.run_program(step)
            before = self.tree()
            for arguments in self.READING:
                self.run_program(*arguments)
            self.assertEqual(self.tree(), before, step)

    def test_a_second_writer_is_told_who_is_first_and_readers_read_on(self):
        self.import_events([created(1)])
        with subprocess.Popen(
            [PROGRAM, self.log, "import", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(to_lines(created(i) for i in range(2, 4002)).encode())
            writer.stdin.flush()
            deadline = time.monotonic() + 30
            while self.replayed()["events"] < 3001 and time.monotonic() < deadline:
                time.sleep(0.02)
            for arguments in [("create", 9, "x"), ("demo",), *self.WRITING]:
                with self.subTest(arguments=arguments):
                    errors = self.errors_of(*arguments, code=IN_USE)
                    self.assertIn(str(writer.pid), errors)
            self.errors_of("import", "-", given=to_lines([created(5)]), code=IN_USE)
            for arguments in self.READING:
                self.run_program(*arguments)
            self.assertEqual(self.replayed()["events"], 4001)
            writer.communicate()
            self.assertEqual(writer.returncode, 0)
        self.run_program("update", 1, "name=x")

    def test_damage_is_an_error_and_never_other_data(self):
        self.import_events(created(i, f"user number {i}") for i in range(300))
        truth = self.output_of("export")
        segment = next(path for path in self.tree() if path.endswith(".evl"))
        with open(segment, "rb") as file:
            content = bytearray(file.read())
        used = len(bytes(content).rstrip(b"\0"))
        damaged = 0
        for at in range(used // 10, used, used // 10):
            with open(segment, "r+b") as file:
                file.seek(at)
                file.write(bytes([content[at] ^ 0x10]))
            result = subprocess.run([PROGRAM, self.log, "export"], capture_output=True, check=False)
            if result.returncode == 0:
                self.assertEqual(result.stdout.decode(), truth)
            else:
                damaged += 1
                self.assertEqual(result.returncode, DAMAGED, result.stderr)
                self.assertTrue(truth.startswith(result.stdout.decode()))
                self.assertIn(b"data: ", result.stderr)
            with open(segment, "r+b") as file:
                file.write(content)
        self.assertGreater(damaged, 5)
        self.assertEqual(self.output_of("export"), truth)

    def test_a_torn_tail_alone_is_no_damage_and_the_next_writer_puts_it_aside(self):
        self.import_events(created(i) for i in range(30))
        truth = self.output_of("export")
        for tail in (b"\x00" * 100, b"garbage" * 999, b"\xff"):
            with self.subTest(tail=tail[:3]):
                segment = next(path for path in self.tree() if path.endswith(".evl"))
                with open(segment, "ab") as file:
                    file.write(tail)
                before = self.tree()
                self.assertEqual(self.output_of("export"), truth)
                self.assertEqual(self.tree(), before)
                self.run_program("update", 1, "phone=1")
                self.assertTrue(self.output_of("export").startswith(truth))
                truth = self.output_of("export")
        self.assertEqual(self.replayed()["events"], 33)

    def test_a_disk_that_is_full_is_an_error_and_keeps_what_was_acknowledged(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        text = to_lines(created(i, "x" * 300) for i in range(10_000))
        errors = self.errors_of("import", "-", given=text, code=INPUT_OUTPUT, preexec_fn=small_files)
        self.assertRegex(errors, "[1-9],000 events committed before")
        self.assertIn("data: ", errors)
        committed = int(re.search(r"(\d),000 events committed", errors)[1]) * 1000
        self.assertGreaterEqual(self.replayed()["events"], committed)
        back = self.output_of("export")
        self.assertEqual(
            [json.loads(x)["data"] for x in back.splitlines()],
            [json.loads(x)["data"] for x in text.splitlines()[: back.count("\n")]],
        )
        self.run_program("create", 10**6, "after")

    def test_a_closed_pipe_a_full_disk_and_no_output_at_all_are_errors_of_output(self):
        self.import_events(created(i, "x" * 100) for i in range(3000))
        full = open("/dev/full", "wb")
        self.addCleanup(full.close)
        for arguments in (["list", "--json"], ["list"], ["export"], ["replay"], ["history", "1"], ["show", "1"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [PROGRAM, self.log, *arguments], stdout=full, stderr=subprocess.PIPE, check=False
                )
                self.assertEqual(result.returncode, INPUT_OUTPUT)
                self.assertIn(b"No space left", result.stderr)
                reader, writer = os.pipe()
                os.close(reader)
                result = subprocess.run(
                    [PROGRAM, self.log, *arguments], stdout=writer, stderr=subprocess.PIPE, check=False
                )
                os.close(writer)
                self.assertEqual(result.returncode, INPUT_OUTPUT)
                self.assertIn(b"Broken pipe", result.stderr)
        before = self.output_of("export")
        for streams in (">&-", "<&- >&-", "<&- >&- 2>&-"):
            script = f'"$0" "$1" create {9000 + len(streams)} Zed {streams}'
            result = subprocess.run(["sh", "-c", script, PROGRAM, self.log], capture_output=True, check=False)
            self.assertEqual(result.returncode, INPUT_OUTPUT)
        after = self.output_of("export")
        self.assertTrue(after.startswith(before))
        self.assertEqual(len(after.splitlines()), 3003)

    def test_hostile_data_cannot_drive_the_terminal(self):
        name = "\x1b[31mred\x07\u009b2J\u202eabc\nuser 2"
        self.import_events([created(1, name), updated(1, **{"k\x1b[2J": "v\x1b]0;x\x07"})])
        for arguments in (("show", 1), ("list",), ("history", 1, "--diff"), ("at", 1, "show", 1)):
            output = self.output_of(*arguments)
            self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", output), repr(output))
        self.errors_of("show", 2, code=REFUSED)
        errors = self.errors_of("list", code=NOT_A_LOG, log=self.path("no\x1b[31m"))
        self.assertNotIn("\x1b", errors)
        _, output = self.on_a_terminal("list", "--json", NO_COLOR="1")
        self.assertIsNone(re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", output), repr(output))
        self.assertEqual(json.loads(output)["name"], name)

    def test_colour_and_progress_are_for_terminals(self):
        text = to_lines(created(i, f"user {i}") for i in range(20_000))
        code, output = self.on_a_terminal("import", "-", given=text)
        self.assertEqual(code, 0)
        self.assertRegex(output, r"\rimporting.* events, [0-9,]+/s")
        self.assertIn("\x1b[", self.on_a_terminal("list", "--limit", 3)[1])
        self.assertNotIn("\x1b[", self.on_a_terminal("list", "--limit", 3, NO_COLOR="1")[1])
        self.assertNotIn("\x1b[", self.output_of("list", "--limit", 3))


if __name__ == "__main__":
    main()
