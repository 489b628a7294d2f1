#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests of the command share: COMMAND MAKE_LOG are their two arguments."""
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import termios
import unittest

PROGRAM, MAKE_LOG = (os.path.realpath(path) for path in sys.argv[1:3])
DONE, REFUSED, USAGE, NOT_A_LOG, DAMAGED, IN_USE, INPUT_OUTPUT = range(7)
START = 1704067200000
CONTROL = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]"


def event(event_type, data, timestamp=START):
    return {"timestamp": timestamp, "datetime": "", "event_type": event_type, "data": data}


def to_lines(objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


def clean_environment(**more):
    return {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **more}


class CommandTest(unittest.TestCase):
    """A test with a scratch directory and a log in it that is not there yet."""

    maxDiff = None

    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="everfold_command_test_")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.log = self.path("some.log")

    def path(self, name):
        return os.path.join(self.scratch, name)

    def file(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return self.path(name)

    def made(self, kind):
        subprocess.run([MAKE_LOG, kind, self.log], check=True)

    def run_words(self, *words, code=DONE, given=None, **options):
        """Runs the command with exactly these words; returns (output, errors) as text."""
        result = subprocess.run(
            [PROGRAM, *words], input=given.encode() if isinstance(given, str) else given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True, check=False, timeout=240, env=clean_environment(), **options,
        )
        output = result.stdout.decode("utf-8", "surrogateescape")
        errors = result.stderr.decode("utf-8", "surrogateescape")
        self.assertEqual(
            result.returncode, code,
            f"{str(words)[:300]}\noutput: {output[-800:]}\nerrors: {errors[-800:]}",
        )
        return output, errors

    def run_verb(self, verb, *arguments, log=None, **options):
        return self.run_words(verb, log or self.log, *map(str, arguments), **options)

    def output_of(self, *arguments, **options):
        return self.run_verb(*arguments, **options)[0]

    def errors_of(self, *arguments, **options):
        """What it says where it fails: what is wrong, what became of the data, what to do."""
        output, errors = self.run_verb(*arguments, **options)
        self.assertTrue(errors.startswith("everfold: "), errors)
        self.assertIn("\n  data:  ", errors)
        self.assertIn("\n  to do: ", errors)
        return errors

    def lines_of(self, *arguments, **options):
        return [json.loads(line) for line in self.output_of(*arguments, **options).splitlines()]

    def positions(self, *selection):
        return [e["position"] for e in self.lines_of("read", "--json", *selection)]

    def append(self, *objects, arguments=("--stream", "s"), **options):
        return self.output_of("append", *arguments, given=to_lines(objects), **options)

    def import_events(self, events, *arguments):
        return self.output_of("import", "-", *(arguments or ("--stream", "users")), given=to_lines(events))

    def tree(self):
        """Every file of the log with its content and the time it changed."""
        found = {}
        for folder, _, names in os.walk(self.log):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = (file.read(), os.stat(path).st_mtime_ns)
        return found

    def on_a_terminal(self, *words, given=None, **variables):
        """(exit code, what the terminal got) with a terminal as output and error."""
        main_end, terminal = pty.openpty()
        settings = termios.tcgetattr(terminal)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        process = subprocess.Popen(
            [PROGRAM, *map(str, words)], stdout=terminal, stderr=terminal, stdin=subprocess.PIPE,
            env=clean_environment(TERM="xterm", **variables),
        )
        os.close(terminal)
        if given:
            process.stdin.write(given.encode())
        process.stdin.close()
        output = b""
        while True:
            try:
                piece = os.read(main_end, 65536)
            except OSError:
                break
            if not piece:
                break
            output += piece
        os.close(main_end)
        return process.wait(), output.decode()


def main(module="__main__"):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    # A test counts once, however many of its subtests failed.
    failed = len({str(getattr(t, "test_case", t)) for t, _ in result.failures + result.errors})
    print(f"[check] {result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
