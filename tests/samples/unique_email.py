#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sample unique_email: its story, and that a race for an address has one winner.

  unique_email.py PROGRAM
"""
import os
import subprocess

from support import PROGRAM, SampleTest, main

STORY = """open 1 ada@example.com: done
open 2 Ada@Example.com: refused, 'ada@example.com' belongs to another account
open 2 bob@example.com: done
change 2 ada@example.com: refused, 'ada@example.com' belongs to another account
change 1 countess@example.com: done
change 2 ada@example.com: done
close 2: done
open 3 ada@example.com: done
8 threads, 100 addresses: 100 opened, 700 refused
"""


class UniqueEmail(SampleTest):
    def take(self, *arguments, code=0):
        result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout, result.stderr

    def test_tells_its_story_in_memory_and_in_a_directory(self):
        self.assertEqual(self.take(), (STORY, ""))
        self.assertEqual(self.take(self.log), (STORY, ""))
        self.assertTrue(os.path.isdir(self.log))

    def test_leaves_a_log_that_holds_events_alone(self):
        self.take(self.log)
        said = self.take(self.log, code=1)[1]
        self.assertIn("holds events already", said)

    def test_shows_its_usage_for_what_it_does_not_know(self):
        for arguments in (("--help",), ("a", "b"), ("",)):
            self.assertIn("usage: unique_email [LOG]", self.take(*arguments, code=2)[1])


if __name__ == "__main__":
    main()
