#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sample web_server_log: its answers against a count of our own, wrong lines, wrong files.

  web_server_log.py PROGRAM
"""
import collections
import ctypes
import ctypes.util
import datetime
import hashlib
import json
import os
import pty
import re
import resource
import shutil
import subprocess

from support import DAMAGED, INPUT_OUTPUT, NOT_A_LOG, PROGRAM, REFUSED, USAGE, SampleTest, main

SAMPLE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))),
    "samples", "web_server_log",
)
ACCESS_LOG = os.path.join(SAMPLE, "data", "access.log.zst")
SHA256 = "f15c31e905f86c7b4b6ab44aee74d0a2086dce89f010187d983edea7ef0364ef"
GOOD = b'10.0.0.1 - - [01/Feb/2024:09:30:00 +0100] "GET /a HTTP/1.1" 200 12 "-" "agent"\n'
BAD = b'10.0.0.1 - - [01/Feb/2024:09:30:00 +0100] "GET /cut\n'


def decompressed(path):
    """The library itself: Python before 3.14 has no module for it."""
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    with open(path, "rb") as file:
        given = file.read()
    size = zstd.ZSTD_getFrameContentSize(given, ctypes.c_size_t(len(given)))
    into = ctypes.create_string_buffer(size)
    done = zstd.ZSTD_decompress(into, ctypes.c_size_t(size), given, ctypes.c_size_t(len(given)))
    assert done == size
    return into.raw


def top(counts, number=10):
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))[:number]


def utc(time):
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def counted(text):
    """The answers to the same questions, with nothing of the sample's but the names."""
    form = re.compile(
        r'(\S+) \S+ .+? \[([^]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"'
    )
    statuses, paths, clients = collections.Counter(), collections.Counter(), collections.Counter()
    hours, sent_to, sent, errors, wrong = collections.Counter(), collections.Counter(), [], [], []
    times = []
    for number, line in enumerate(text.decode().splitlines(), 1):
        match = form.fullmatch(line)
        if match is None:
            wrong.append(number)
            continue
        client, time, request, status, size = match.groups()
        time = datetime.datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z")
        method, path, _ = request.split(" ")
        times.append(time)
        statuses[status] += 1
        clients[client] += 1
        paths[path.split("?")[0]] += 1
        hours[utc(time.replace(minute=0, second=0))] += 1
        sent.append(0 if size == "-" else int(size))
        sent_to[client] += sent[-1]
        if int(status) >= 500:
            errors.append({"at": utc(time), "status_code": int(status), "client": client,
                           "message": f"{method} {path}", "error_type": "Internal Server Error"})
    classes, of_day = collections.Counter(), [0] * 24
    for status, count in statuses.items():
        classes[status[0] + "xx"] += count
    for hour, count in hours.items():
        of_day[int(hour[11:13])] += count
    busiest = min(hours.items(), key=lambda item: (-item[1], item[0]))
    return {
        "complete": True,
        "lines": len(text.splitlines()),
        "requests": len(sent),
        "errors": len(errors),
        "unparsed": len(wrong),
        "unparsed_lines": wrong,
        "first": utc(min(times)),
        "last": utc(max(times)),
        "bytes_sent": {"count": len(sent), "average": sum(sent) / len(sent), "minimum": min(sent),
                       "maximum": max(sent), "total": sum(sent), "without_body": sent.count(0)},
        "status_classes": dict(classes),
        "statuses": dict(statuses),
        "paths": len(paths),
        "busiest_paths": [{"path": path, "requests": count} for path, count in top(paths)],
        "clients": len(clients),
        "most_active_clients": [
            {"client": client, "requests": count, "bytes_sent": sent_to[client]}
            for client, count in top(clients)
        ],
        "requests_per_hour": dict(hours),
        "requests_per_hour_of_day": of_day,
        "busiest_hour": {"hour": busiest[0], "requests": busiest[1]},
        "last_errors": errors[-5:],
    }


class WebServerLog(SampleTest):
    def answers(self, *arguments, **options):
        return json.loads(self.output_of(*arguments, "--json", **options))

    def refusal(self, *arguments, **options):
        errors = self.run_program(*arguments, **options)[1]
        self.assertTrue(errors.startswith("web_server_log: "), errors)
        return errors


class Answers(WebServerLog):
    def test_are_number_by_number_what_another_program_counts(self):
        text = decompressed(ACCESS_LOG)
        self.assertEqual(hashlib.sha256(text).hexdigest(), SHA256)
        output, errors = self.run_program(ACCESS_LOG, "--json")
        answers, wanted = json.loads(output), counted(text)
        self.assertEqual(
            errors, f"web_server_log: {ACCESS_LOG}, line 8899: "
            "the user agent has no closing quotation mark\n",
        )
        self.assertEqual(
            answers["unparsed_lines"],
            [{"line": 8899, "reason": "the user agent has no closing quotation mark"}],
        )
        answers["unparsed_lines"] = [each["line"] for each in answers["unparsed_lines"]]
        self.assertEqual(list(answers), list(wanted))
        for question, answer in wanted.items():
            with self.subTest(question=question):
                self.assertEqual(answers[question], answer)
        self.assertEqual((wanted["requests"], wanted["errors"], wanted["lines"]), (9999, 3, 10_000))

        # The same again, without the access log, and the plain file in another log.
        self.assertEqual(self.output_of("--json"), output)
        plain = self.file("access.log", text)
        self.assertEqual(self.output_of(plain, "--json", log=self.path("plain.everfold")), output)

    def test_for_people_have_the_same_numbers_and_no_colour_in_a_pipe(self):
        output = self.output_of(ACCESS_LOG)
        wanted = counted(decompressed(ACCESS_LOG))
        words = re.sub(r" +", " ", output)
        sent = wanted["bytes_sent"]
        for line in (
            "Recorded 10,000 lines as 10,004 events in ", " requests 9,999\n", " errors 3\n",
            f" clients {wanted['clients']:,}\n", f" count {sent['count']:,}\n", " minimum 0\n",
            f" average {sent['average']:,.2f}\n", f" maximum {sent['maximum']:,}\n",
            f" in all {sent['total']:,} (", "1 line did not parse\n line 8899: ",
            f" busiest hour 2015-05-19 19:00 UTC, {wanted['busiest_hour']['requests']} requests\n",
            *(f" {name} {count:,}" for name, count in [("2xx answered", wanted["status_classes"]["2xx"])]),
            *(f" {each['requests']} {each['path']}\n" for each in wanted["busiest_paths"]),
            *(f" {hour:02} {n:,} █" for hour, n in enumerate(wanted["requests_per_hour_of_day"])),
        ):
            with self.subTest(line=line):
                self.assertIn(line, words)
        self.assertNotIn("\x1b", output)
        # The longest bar is that of the busiest hour of the day.
        bars = re.findall(r"^  (\d\d) +[\d,]+  (\S+)$", output, re.MULTILINE)
        of_day = wanted["requests_per_hour_of_day"]
        self.assertEqual(len(bars), 24)
        self.assertEqual(max(bars, key=lambda bar: len(bar[1]))[0], f"{of_day.index(max(of_day)):02}")

    def test_come_from_a_log_that_is_only_read(self):
        self.run_program(ACCESS_LOG)
        before = self.tree()
        self.run_program()
        self.run_program("--json")
        self.assertEqual(self.tree(), before)

    def test_are_coloured_on_a_terminal_unless_asked_not_to(self):
        self.run_program(self.file("a.log", GOOD))
        for more, is_coloured in {(): True, (("NO_COLOR", "1"),): False, (("TERM", "dumb"),): False}.items():
            environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
            environment |= {"TERM": "xterm", **dict(more)}
            outer, inner = pty.openpty()
            subprocess.run([PROGRAM, self.log], stdout=inner, env=environment, check=True)
            os.close(inner)
            shown = b""
            try:
                while piece := os.read(outer, 65536):
                    shown += piece
            except OSError:
                pass
            os.close(outer)
            self.assertEqual(b"\x1b[" in shown, is_coloured, shown[:300])


class Lines(WebServerLog):
    def test_that_do_not_parse_are_reported_kept_and_counted(self):
        text = BAD + GOOD + b"\n" + GOOD + b"x" * 200_000 + b"\n" + GOOD[:-1]
        output, errors = self.run_program("-", "--json", given=text)
        answers = json.loads(output)
        wanted = {
            1: "the request has no closing quotation mark", 3: "it is empty", 5: "it is longer than 64 KiB",
        }
        self.assertEqual((answers["lines"], answers["requests"], answers["unparsed"]), (6, 3, 3))
        self.assertEqual({e["line"]: e["reason"] for e in answers["unparsed_lines"]}, wanted)
        self.assertEqual(errors.splitlines(), [
            f"web_server_log: standard input, line {line}: {reason}" for line, reason in wanted.items()
        ])
        self.assertEqual(self.answers(), answers)

    def test_that_do_not_parse_may_be_many(self):
        output, errors = self.run_program("-", given=GOOD + BAD * 3000)
        self.assertIn("3,000 lines did not parse", output)
        self.assertIn("and 2,990 others", output)
        self.assertEqual(len(errors.splitlines()), 21)
        self.assertIn("and 2980 more lines did not parse", errors)
        answers = self.answers()
        self.assertEqual((answers["unparsed"], len(answers["unparsed_lines"])), (3000, 1000))

    def test_have_the_time_of_their_zone(self):
        answers = self.answers("-", given=GOOD)
        self.assertEqual(answers["first"], "2024-02-01T08:30:00.000Z")
        self.assertEqual(answers["requests_per_hour"], {"2024-02-01T08:00:00.000Z": 1})

    def test_with_hostile_bytes_are_kept_and_shown_without_harm(self):
        evil = GOOD.replace(b"/a", b"/\x1b[2J\xff\xc3\xa9\xe2\x80\xae\\x1b?q\x00")
        output = self.run_program("-", given=evil.replace(b"200", b"500"))[0]
        for raw in ("\x1b", "\u202e", "\x00", "\udcff"):
            self.assertNotIn(raw, output)
        self.assertIn("\\xff\u00e9", output)
        answers = self.answers()
        self.assertEqual(answers["busiest_paths"], [{"path": "/\x1b[2J\\xff\u00e9\u202e\\x1b", "requests": 1}])
        self.assertEqual(answers["last_errors"][0]["message"], "GET /\x1b[2J\\xff\u00e9\u202e\\x1b?q\x00")

    def test_of_a_client_that_speaks_no_http_are_requests_too(self):
        answers = self.answers("-", given=GOOD.replace(b"GET /a HTTP/1.1", b"\\x16\\x03\\x01") + GOOD)
        self.assertEqual((answers["requests"], answers["unparsed"]), (2, 0))
        self.assertEqual(answers["busiest_paths"][-1], {"path": "\\x16\\x03\\x01", "requests": 1})


class Refusals(WebServerLog):
    def test_of_arguments_that_cannot_be_meant(self):
        for arguments in (["--json"], [""], ["a", "b", "c"], ["--frobnicate"], [self.log, "--limit"], ["a", ""]):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [PROGRAM, *arguments], capture_output=True, check=False, cwd=self.scratch,
                    stdin=subprocess.DEVNULL,
                )
                self.assertEqual((result.returncode, result.stdout), (USAGE, b""))
                self.assertIn(b"usage: web_server_log LOG [ACCESS_LOG] [--json]", result.stderr)
        self.assertEqual(os.listdir(self.scratch), [])
        self.assertIn("Exit code", subprocess.check_output([PROGRAM, "--help"], text=True))

    def test_of_files_that_are_no_access_log_make_no_log(self):
        for name, content, words in (
            ("empty.log", b"", "it is empty"),
            ("one.log", b"hello\n", "its only line is not of Apache's combined format; line 1: it ends in"),
            ("cut.zst", open(ACCESS_LOG, "rb").read()[:100], "is cut off; nothing was recorded"),
            ("binary", os.urandom(300_000), "is of Apache's combined format"),
        ):
            with self.subTest(name=name):
                errors = self.refusal(self.file(name, content), code=INPUT_OUTPUT)
                self.assertIn(words, errors)
                self.assertFalse(os.path.exists(self.log))
        self.assertIn("No such file", self.refusal(self.path("missing"), code=INPUT_OUTPUT))
        self.assertIn("directory", self.refusal(self.scratch, code=INPUT_OUTPUT))
        self.assertFalse(os.path.exists(self.log))

    def test_of_places_that_hold_no_log_or_a_full_one(self):
        good = self.file("good.log", GOOD)
        self.refusal(code=NOT_A_LOG)
        self.refusal(code=NOT_A_LOG, log=self.scratch)
        self.run_program(good)
        errors = self.refusal(good, code=REFUSED)
        self.assertIn("holds 2 events already", errors)
        self.assertEqual(self.answers()["requests"], 1)

    def test_of_a_damaged_log(self):
        self.run_program(ACCESS_LOG)
        path = max(
            (os.path.join(folder, name) for folder, _, names in os.walk(self.log) for name in names),
            key=os.path.getsize,
        )
        with open(path, "r+b") as file:
            file.seek(100_000)
            file.write(b"\0" * 100)
        self.assertIn("  to do: ", self.refusal(code=DAMAGED))

    def test_of_an_access_log_that_is_damaged_on_the_way_say_what_is_in_the_log(self):
        whole = decompressed(ACCESS_LOG)
        zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
        zstd.ZSTD_compress.restype = ctypes.c_size_t
        into = ctypes.create_string_buffer(len(whole))
        size = zstd.ZSTD_compress(
            into, ctypes.c_size_t(len(whole)), whole, ctypes.c_size_t(len(whole)), 1
        )
        errors = self.refusal(self.file("cut.zst", into.raw[: size // 2]), code=INPUT_OUTPUT)
        self.assertRegex(errors, r"is cut off; [\d,]+ events before that are in the log")
        output, errors = self.run_program("--json")
        answers = json.loads(output)
        self.assertEqual((answers["complete"], answers["lines"]), (False, None))
        self.assertIn("was not read to its end", errors)
        self.assertGreater(answers["requests"], 1000)

    def test_of_an_output_that_cannot_be_written(self):
        self.run_program(ACCESS_LOG)
        if os.path.exists("/dev/full"):
            with open("/dev/full", "wb") as full:
                result = subprocess.run([PROGRAM, self.log], stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual(result.returncode, INPUT_OUTPUT, result.stderr)

    def test_of_a_disk_that_is_full_leave_what_was_recorded(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        self.refusal(ACCESS_LOG, code=INPUT_OUTPUT, preexec_fn=limit)
        answers = json.loads(self.run_program("--json")[0])
        self.assertFalse(answers["complete"])


class Tour(WebServerLog):
    def test_shows_the_answers_and_commands_that_can_be_typed(self):
        for _ in range(2):
            output = subprocess.check_output(
                [os.path.join(SAMPLE, "tour"), PROGRAM, self.path("work")], cwd=self.scratch, text=True,
                stderr=subprocess.STDOUT,
            )
            self.assertIn("Busiest paths", output)
            tries = re.findall(r"^  (\S*web_server_log .*)$", output, re.MULTILINE)
            self.assertEqual(len(tries), 3)
            for command in tries:
                subprocess.run(command, shell=True, cwd=self.scratch, check=True, capture_output=True)
        # Without arguments the program starts the tour, which takes its directory from where it is.
        place = self.path("built/samples/web_server_log")
        os.makedirs(place)
        program = shutil.copy(PROGRAM, place)
        output = subprocess.check_output([program], text=True, stderr=subprocess.STDOUT)
        self.assertIn("Busiest paths", output)
        self.assertTrue(os.path.isdir(self.path("built/tour/web_server.everfold")))
        log = self.path("work/web_server.everfold")
        os.rename(log, self.path("gone"))
        os.mkdir(log)
        result = subprocess.run(
            [os.path.join(SAMPLE, "tour"), PROGRAM, self.path("work")], capture_output=True, text=True,
            check=False,
        )
        self.assertEqual(result.returncode, 1)
        self.assertIn("was not made by the tour", result.stderr)


if __name__ == "__main__":
    main()
