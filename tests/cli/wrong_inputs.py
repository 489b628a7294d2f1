#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a new user gets wrong: each answer says what, where, whether data is safe, what to do."""
import os
import resource
import subprocess
import unittest

from support import (
    DAMAGED, INPUT_OUTPUT, IN_USE, NOT_A_LOG, PROGRAM, USAGE, CommandTest, event, main, to_lines,
)

READING = ("read", "export", "streams", "categories", "types", "schema", "stats", "verify")


def as_nobody():
    """Root may do what nobody else may."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


class Paths(CommandTest):
    def refused_by_readers(self, log, code, *words):
        before = sorted(os.listdir(self.scratch))
        for verb in READING:
            with self.subTest(verb=verb):
                errors = self.errors_of(verb, log=log, code=code)
                for word in words:
                    self.assertIn(word, errors)
        self.assertEqual(sorted(os.listdir(self.scratch)), before)

    def test_a_missing_path(self):
        self.refused_by_readers(self.log, NOT_A_LOG, "some.log", "no such directory", "check the path")

    def test_a_path_below_what_is_missing(self):
        deeper = os.path.join(self.log, "deeper")
        self.refused_by_readers(deeper, NOT_A_LOG, "deeper")
        errors = self.errors_of("append", log=deeper, given="", code=INPUT_OUTPUT)
        self.assertIn("No such file", errors)

    def test_an_empty_directory(self):
        os.mkdir(self.log)
        self.refused_by_readers(self.log, NOT_A_LOG, "some.log")
        self.assertEqual(os.listdir(self.log), [])

    def test_a_directory_of_other_files(self):
        os.mkdir(self.log)
        self.file("some.log/notes.txt", "mine")
        self.refused_by_readers(self.log, NOT_A_LOG, "not a log")
        for words in (["append"], ["import", "-", "--stream", "s"]):
            self.assertIn("notes.txt", self.errors_of(*words, given="", code=NOT_A_LOG))
        self.assertEqual(os.listdir(self.log), ["notes.txt"])

    def test_a_file_instead_of_a_directory(self):
        plain = self.file("users.jsonl", to_lines([event("e", {})]))
        self.refused_by_readers(plain, NOT_A_LOG, "users.jsonl", "directory")
        for words in (["append"], ["import", "-", "--stream", "s"]):
            self.assertIn("a log is a directory", self.errors_of(*words, log=plain, given="", code=NOT_A_LOG))

    def test_a_text_file_where_the_manifest_should_be(self):
        os.mkdir(self.log)
        self.file("some.log/LOG", "This is my diary.\n" * 100)
        self.refused_by_readers(self.log, DAMAGED, "LOG")
        self.errors_of("append", given="", code=DAMAGED)

    def test_a_newer_format(self):
        self.made("newer")
        self.refused_by_readers(self.log, NOT_A_LOG, "newer version of Everfold", "program version that wrote it")

    def test_no_permission(self):
        os.chmod(self.scratch, 0o755)
        self.append({"type": "t", "data": {}})  # private: of mode 0700
        for verb in READING:
            errors = self.errors_of(verb, code=INPUT_OUTPUT, preexec_fn=as_nobody) if os.geteuid() == 0 else ""
            if errors:
                self.assertIn("Permission denied", errors)
        closed = self.path("closed")
        os.mkdir(closed, 0o555)
        errors = self.errors_of(
            "append", log=os.path.join(closed, "new.log"), given="", code=INPUT_OUTPUT, preexec_fn=as_nobody
        )
        self.assertIn("Permission denied", errors)
        self.assertIn("new.log", errors)

    def test_a_read_only_disk(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
        folder = next(
            (m[1] for m in mounts if "ro" in m[3].split(",") and os.path.isdir(m[1]) and os.access(m[1], os.X_OK)),
            None,
        )
        if folder is None:
            raise unittest.SkipTest("nothing is mounted for reading only")
        errors = self.errors_of("append", log=os.path.join(folder, "new.log"), given="", code=INPUT_OUTPUT)
        self.assertIn("Read-only file system", errors)

    def test_a_log_in_use(self):
        with subprocess.Popen(
            [PROGRAM, "append", self.log, "--stream", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            writer.stdin.write(to_lines([{"type": "t", "data": {}}]).encode())
            writer.stdin.flush()
            writer.stdout.readline()
            errors = self.errors_of("append", given="", code=IN_USE)
            self.assertIn(f"{writer.pid}", errors)
            self.assertIn("stop the process", errors)
            writer.communicate()

    def test_a_truncated_segment(self):
        self.made("segments")
        segment = sorted(p for p in self.tree() if p.endswith(".evl"))[0]
        os.truncate(segment, 3000)
        self.refused_by_readers(self.log, DAMAGED, os.path.basename(segment), "intact", "backup")
        self.errors_of("append", given="", code=DAMAGED)

    def test_a_link_where_a_segment_should_be(self):
        self.append({"type": "t", "data": {}})
        segment = next(p for p in self.tree() if p.endswith(".evl"))
        os.rename(segment, self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), segment)
        result = subprocess.run([PROGRAM, "read", self.log], capture_output=True, check=False)
        self.assertIn(result.returncode, (DAMAGED, INPUT_OUTPUT))
        self.assertIn(b"\n  data:  ", result.stderr)


class Files(CommandTest):
    def test_an_input_that_cannot_be_read(self):
        for name, why in (("missing.jsonl", "No such file"), ("", "Is a directory")):
            errors = self.errors_of("import", self.path(name), "--stream", "s", code=INPUT_OUTPUT)
            self.assertIn(why, errors)
        self.assertFalse(os.path.exists(self.log))

    def test_an_input_of_another_form(self):
        for name, content in (
            ("table.csv", "id,name\n1,Ada\n"),
            ("array.json", '[{"timestamp":1,"event_type":"e","data":{}}]'),
            ("pretty.json", '{\n  "timestamp": 1\n}\n'),
            ("binary.gz", b"\x1f\x8b\x08\x00" + bytes(range(256))),
            ("wide.txt", '{"timestamp":1}'.encode("utf-16")),
        ):
            with self.subTest(name):
                errors = self.errors_of("import", self.file(name, content), code=INPUT_OUTPUT)
                self.assertIn(f"{name}, line 1: ", errors)
                self.assertIn("all 0 events before it", errors)

    def test_a_full_disk(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        text = to_lines(event("e", {"n": i, "x": "y" * 300}) for i in range(10_000))
        errors = self.errors_of(
            "import", "-", "--stream", "s", given=text, code=INPUT_OUTPUT, preexec_fn=small_files
        )
        self.assertRegex(errors, "[1-9],000 events committed before")
        self.assertIn("what was acknowledged is safe", errors)
        committed = len(self.positions())
        self.assertEqual(committed % 1000, 0)
        self.assertGreater(committed, 0)
        lines = "".join(to_lines([{"type": "t", "data": {"x": "y" * 300}}]) for _ in range(5000))
        log = self.path("other.log")
        output, errors = self.run_verb(
            "append", "--stream", "s", log=log, given=lines, code=INPUT_OUTPUT, preexec_fn=small_files
        )
        self.assertIn("every line that was answered is in the log", errors)
        self.assertEqual(len(self.lines_of("read", "--json", log=log)), len(output.splitlines()))

    def test_a_full_disk_for_the_output(self):
        self.append({"type": "t", "data": {}})
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "export", self.log], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, INPUT_OUTPUT)
        self.assertIn(b"No space left on device", result.stderr)

    def test_a_type_that_no_program_knows_is_shown_as_it_was_stored(self):
        self.append({"type": "née_hier", "data": {"x": [1, {"y": None}]}})
        self.assertEqual(self.lines_of("read", "--json")[0]["type"], "née_hier")
        self.assertIn("née_hier", self.output_of("read"))


class Words(CommandTest):
    def refused(self, *words, says=()):
        with self.subTest(words=words):
            output, errors = self.run_words(*words, code=USAGE)
            self.assertEqual(output, "")
            self.assertTrue(errors.startswith("everfold: "), errors)
            self.assertIn("\n  data:  nothing was read or changed", errors)
            self.assertIn("\n  to do: usage: everfold ", errors)
            for word in says:
                self.assertIn(word, errors)
            self.assertFalse(os.path.exists(self.log))

    def test_no_command_and_no_such_command(self):
        self.refused(says=["no command"])
        self.refused("", says=["no command ''"])
        self.refused("raed", self.log, says=["no command 'raed'"])
        self.refused(self.log, "read", says=["no command"])
        self.refused("--json")

    def test_no_log_and_too_much(self):
        for verb in (*READING, "append"):
            self.refused(verb, says=["LOG"])
            self.refused(verb, "", says=["LOG"])
            self.refused(verb, self.log, "more", says=["more"])
            self.refused(verb, self.log, "--frobnicate", says=["--frobnicate"])

    def test_times_in_forms_that_are_none(self):
        for time in ("yesterday", "2024-01-31", "2024-01-31T09:30:00", "31.01.2024", "1706693400",
                     "2024-02-30T00:00:00Z", "2024-01-31T25:00:00Z", "@", "@12s", ""):
            self.refused("read", self.log, "--since", time, says=["--since", "2024-01-31T09:30:00Z"])
            self.refused("export", self.log, "--until", time, says=["--until"])

    def test_numbers_that_are_none(self):
        for number in ("-1", "x", "1.5", "1e3", "18446744073709551616", ""):
            for option in ("--from", "--to", "--limit"):
                self.refused("read", self.log, option, number, says=[option])

    def test_ranges_that_end_before_they_begin(self):
        self.refused("read", self.log, "--from", "5", "--to", "4", says=["--to 4", "--from 5"])
        self.refused("read", self.log, "--since", "@5", "--until", "@4", says=["--until '@4'", "--since '@5'"])

    def test_options_without_their_value_or_twice(self):
        for option in ("--stream", "--tag", "--since", "--where", "--limit"):
            self.refused("read", self.log, option, says=[option])
        self.refused("read", self.log, "--limit", "1", "--limit", "2", says=["--limit"])
        self.refused("append", self.log, "--stream", "a", "--stream", "b", says=["--stream"])
        self.refused("stats", self.log, "--json=maybe")

    def test_tags_conditions_and_names_that_are_none(self):
        for tag in ("user", ":1", ""):
            self.refused("read", self.log, "--tag", tag, says=["--tag", "user:123"] if tag else ["--tag"])
        for condition in ("user_id=1", "/user_id", "", "/a~2=1"):
            self.refused("read", self.log, "--where", condition, says=["--where"])
        for option in ("--stream", "--category", "--type"):
            self.refused("read", self.log, option, "", says=[option])
            self.refused("read", self.log, option, b"\xff", says=["UTF-8"])


if __name__ == "__main__":
    main()
