#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The sample tutorial: the results that the tutorial promises, out of logs that are really there.

  tutorial.py PROGRAM
"""
import os
import re
import subprocess

from support import PROGRAM, SampleTest, main

LOGS = {"basic": 1, "web": 1, "rotate": 4, "users": 1}


class Tutorial(SampleTest):
    def take(self, *arguments, code=0, **more):
        result = subprocess.run(
            [*arguments], capture_output=True, text=True, check=False, cwd=self.scratch,
            env={**os.environ, **more},
        )
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout, result.stderr

    def test_has_the_results_of_the_tutorial_in_its_four_sections(self):
        output, errors = self.take(PROGRAM, self.path("work"))
        times = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"
        output, count = re.subn(times, "TIME", output)
        self.assertEqual((count, errors), (3, ""))
        self.assertEqual(output, f"""=== Append-Only Log Demo ===

1. Basic Logging Demo
Logged 3 events

2. Web Server Logging Demo
Response time stats: average 45, minimum 0, maximum 90, count 10

3. Log Rotation Demo
Rotated to segment 2
Rotated to segment 3
Rotated to segment 4
Total events across rotated segments: 20 in 4 segments

4. User Management System Demo
Current users: [1, 2]
Alice has 3 events in history
  TIME: user_created - {{"user_id":1,"name":"Alice"}}
  TIME: user_updated - {{"user_id":1,"email":"alice@example.com"}}
  TIME: user_updated - {{"user_id":1,"phone":"555-0123"}}

=== Demo Complete ===
The four logs are in {self.path("work")}
""")

    def test_leaves_four_logs_with_the_segments_that_it_counted(self):
        self.take(PROGRAM, self.path("work"))
        self.assertEqual(sorted(os.listdir(self.path("work"))), sorted(f"demo_{n}.everfold" for n in LOGS))
        for name, segments in LOGS.items():
            found = [f for _, _, names in os.walk(self.path(f"work/demo_{name}.everfold")) for f in names]
            self.assertEqual(sum(f.endswith((".evl", ".evz")) for f in found), segments, found)

    def test_does_not_count_what_an_earlier_run_left(self):
        self.take(PROGRAM, self.path("work"))
        _, errors = self.take(PROGRAM, self.path("work"), code=1)
        self.assertIn("holds events already", errors)
        self.take(PROGRAM, "-x", code=2)
        self.take(PROGRAM, "a", "b", code=2)

    def test_without_a_directory_makes_one_of_its_own_each_time(self):
        temporary = self.path("temporary")
        os.mkdir(temporary)
        for _ in range(2):
            output, _ = self.take(PROGRAM, TMPDIR=temporary)
            self.assertTrue(os.path.isdir(output.splitlines()[-1].removeprefix("The four logs are in ")))
        self.assertEqual(len(os.listdir(temporary)), 2)


if __name__ == "__main__":
    main()
