#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests of the sample user_management share: running it, events, the oracle."""
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import termios
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
SUPPORT = os.path.join(os.path.dirname(HERE), "support")
sys.path.insert(0, SUPPORT)
import user_state  # noqa: E402

PROGRAM = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else "user_management"
DONE, REFUSED, USAGE, NOT_A_LOG, DAMAGED, IN_USE, INPUT_OUTPUT = range(7)
START = 1704067200000


def event(event_type, data, timestamp=START):
    return {"timestamp": timestamp, "datetime": "", "event_type": event_type, "data": data}


def created(user_id, name="Ada", timestamp=START, **more):
    return event("user_created", {"user_id": user_id, "name": name, **more}, timestamp)


def updated(user_id, timestamp=START, **more):
    return event("user_updated", {"user_id": user_id, **more}, timestamp)


def deleted(user_id, timestamp=START):
    return event("user_deleted", {"user_id": user_id}, timestamp)


def to_lines(events):
    return "".join(json.dumps(e) + "\n" for e in events)


def oracle_text(history, until=None):
    """The canonical state after `history`, a text of JSON Lines."""
    users = user_state.fold(io.StringIO(history), until)
    return "".join(
        json.dumps(users[i], sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
        for i in sorted(users)
    )


class SampleTest(unittest.TestCase):
    """A test with a scratch directory and a log in it that is not there yet."""

    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="user_management_test_")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.log = self.path("users.everfold")

    def path(self, name):
        return os.path.join(self.scratch, name)

    def file(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return self.path(name)

    def run_program(self, *arguments, code=DONE, given=None, log=None, **options):
        """Runs it on the log, expects the exit code, returns (output, errors) as text."""
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        result = subprocess.run(
            [PROGRAM, log or self.log, *map(str, arguments)],
            input=given.encode() if isinstance(given, str) else given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True, check=False, env=environment, timeout=240, **options,
        )
        output = result.stdout.decode("utf-8", "surrogateescape")
        errors = result.stderr.decode("utf-8", "surrogateescape")
        self.assertEqual(
            result.returncode, code,
            f"{' '.join(map(str, arguments))[:200]}\noutput: {output[-800:]}\nerrors: {errors[-800:]}",
        )
        return output, errors

    def output_of(self, *arguments, **options):
        return self.run_program(*arguments, **options)[0]

    def on_a_terminal(self, *arguments, given=None, **variables):
        """(exit code, what the terminal got) with a terminal as output and error."""
        main_end, terminal = pty.openpty()
        settings = termios.tcgetattr(terminal)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        process = subprocess.Popen(
            [PROGRAM, self.log, *map(str, arguments)], stdout=terminal, stderr=terminal,
            stdin=subprocess.PIPE, env={**environment, "TERM": "xterm", **variables},
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

    def errors_of(self, *arguments, **options):
        """What it says on standard error where it fails; never nothing."""
        errors = self.run_program(*arguments, **options)[1]
        self.assertTrue(errors.startswith("user_management: "), errors)
        return errors

    def import_events(self, events, **options):
        text = events if isinstance(events, (str, bytes)) else to_lines(events)
        return self.output_of("import", "-", given=text, **options)

    def replayed(self, *at):
        """The last line of replay, or of `at … replay`, as JSON."""
        arguments = ("at", *at, "replay") if at else ("replay",)
        return json.loads(self.output_of(*arguments).splitlines()[-1])

    def users(self, *at):
        arguments = ("at", *at, "list", "--json") if at else ("list", "--json")
        return [json.loads(line) for line in self.output_of(*arguments).splitlines()]

    def exported(self):
        return [json.loads(line) for line in self.output_of("export").splitlines()]

    def tree(self):
        """Every file of the log with its content and the time it changed."""
        found = {}
        for folder, _, names in os.walk(self.log):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = (file.read(), os.stat(path).st_mtime_ns)
        return found


def main(module="__main__"):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    # A test counts once, however many of its subtests failed.
    failed = len({str(getattr(t, "test_case", t)) for t, _ in result.failures + result.errors})
    print(f"[check] {result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
