#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tour of the sample user_management: what samples/run shows a newcomer.

  tour.py PROGRAM
"""
import os
import re
import subprocess
import sys
import time

from support import PROGRAM, SampleTest, main

TOUR = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))),
    "samples", "user_management", "tour",
)


class Tour(SampleTest):
    def take(self, code=0):
        started = time.monotonic()
        result = subprocess.run(
            [TOUR, PROGRAM, self.path("work")], cwd=self.scratch, capture_output=True, text=True, check=False
        )
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout + result.stderr, time.monotonic() - started

    def test_shows_the_whole_story_in_ten_seconds(self):
        output, seconds = self.take()
        for words in ("20,000 events", "User 49", "Zoë Ångström", "As of position 10,000", "Compacted", "Try next:"):
            self.assertIn(words, output)
        self.assertEqual(output.count("  same  "), 4)
        self.assertLess(seconds, 10 if sys.platform == "linux" else 60)
        self.log = self.path("work/users.everfold")
        self.assertEqual(self.replayed()["events"], 20_000)

    def test_shows_commands_that_can_be_typed(self):
        output, _ = self.take()
        commands = re.findall(r"^\$ (.*)$", output, re.MULTILINE)
        self.assertGreater(len(commands), 6)
        tries = re.findall(r"^  (\S*user_management.*)$", output, re.MULTILINE)
        for command in [*(c for c in commands if " import " not in c), *tries]:
            with self.subTest(command=command):
                subprocess.run(command, shell=True, cwd=self.scratch, check=True, capture_output=True)

    def test_can_be_taken_again_and_replaces_only_its_own_log(self):
        self.take()
        self.take()
        log = self.path("work/users.everfold")
        os.rename(log, self.path("gone"))
        subprocess.run([PROGRAM, log, "create", "1", "mine"], check=True, capture_output=True)
        output, _ = self.take(code=1)
        self.assertIn("was not made by the tour", output)
        self.log = log
        self.assertEqual(len(self.users()), 1)


if __name__ == "__main__":
    main()
