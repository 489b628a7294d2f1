#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The state and its digest are those of the oracle, tests/support/user_state.py.

  digests.py PROGRAM
"""
import hashlib
import json
import os
import random
import subprocess
import sys

from support import SUPPORT, START, SampleTest, created, deleted, event, main, oracle_text, to_lines, updated


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class Digests(SampleTest):
    def workload(self, count, seed):
        path = self.path(f"{count}-{seed}.jsonl")
        generator = os.path.join(SUPPORT, "generate_workload.py")
        subprocess.run(
            [sys.executable, generator, str(count), path, "--seed", str(seed)],
            check=True, stdout=subprocess.DEVNULL,
        )
        with open(path, encoding="utf-8") as file:
            return file.read()

    def agree(self, text, positions=()):
        """The program agrees with the oracle, now and as of the positions."""
        count = text.count("\n")
        wanted = oracle_text(text)
        seen = self.replayed()
        self.assertEqual(seen["sha256"], sha256(wanted))
        self.assertEqual((seen["events"], seen["users"]), (count, wanted.count("\n")))
        self.assertEqual(self.output_of("list", "--json"), wanted)
        for position in positions:
            wanted = oracle_text(text, position)
            seen = self.replayed(position)
            self.assertEqual(seen["sha256"], sha256(wanted), f"as of {position}")
            self.assertEqual(seen["events"], position + 1)
            self.assertEqual(self.output_of("at", position, "list", "--json"), wanted)

    def through_a_life(self, text, seed):
        """Import, snapshot, more, compact: the same answers in every state of the log."""
        lines = text.splitlines(keepends=True)
        count = len(lines)
        r = random.Random(seed)
        positions = sorted({0, count - 1, *(r.randrange(count) for _ in range(3))})
        cut = count * 3 // 5
        self.import_events("".join(lines[:cut]))
        self.run_program("snapshot")
        self.import_events("".join(lines[cut:]))
        self.agree(text, positions)
        history = self.output_of("history", 7, "--diff")
        self.run_program("compact")
        self.agree(text, positions)
        self.assertEqual(self.output_of("history", 7, "--diff"), history)
        # A log goes on after compaction, and is compacted again.
        more = to_lines([created(7, "Zoë", START + 10**9), updated(7, START + 10**9, phone=None)])
        self.import_events(more)
        self.agree(text + more, positions)
        self.run_program("compact")
        self.agree(text + more, positions)

    def test_of_1000_events_with_five_seeds_are_the_oracles(self):
        for seed in range(1, 6):
            with self.subTest(seed=seed):
                self.log = self.path(f"log-{seed}")
                self.through_a_life(self.workload(1000, seed), seed)

    def test_of_20000_events_with_two_seeds_are_the_oracles(self):
        for seed in (1, 2):
            with self.subTest(seed=seed):
                self.log = self.path(f"log-{seed}")
                self.through_a_life(self.workload(20000, seed), seed)

    def test_of_100000_events_are_the_oracles(self):
        text = self.workload(100000, 3)
        self.import_events(text)
        self.agree(text, (61234,))
        self.run_program("compact")
        self.agree(text, (61234,))

    def test_follow_the_order_of_the_file_and_not_of_its_timestamps(self):
        for seed in (4, 5):
            with self.subTest(seed=seed):
                self.log = self.path(f"log-{seed}")
                entries = [json.loads(line) for line in self.workload(1000, seed).splitlines()]
                times = [e["timestamp"] for e in entries]
                random.Random(seed).shuffle(times)
                for entry, time in zip(entries, times):
                    entry["timestamp"] = time
                self.through_a_life(to_lines(entries), seed)

    def test_as_of_a_time_hold_what_was_recorded_up_to_it(self):
        for is_sorted in (True, False):
            with self.subTest(is_sorted=is_sorted):
                self.log = self.path(f"log-{is_sorted}")
                text = self.workload(1000, 6)
                if not is_sorted:
                    lines = text.splitlines(keepends=True)
                    random.Random(6).shuffle(lines)
                    text = "".join(lines)
                self.import_events(text)
                # An imported event is recorded at its time, but never before the one in front of it.
                recorded, latest = [], 0
                for line in text.splitlines():
                    latest = max(latest, json.loads(line)["timestamp"])
                    recorded.append(latest)
                r = random.Random(7)
                for _ in range(6):
                    time = r.randrange(recorded[0], recorded[-1] + 2)
                    last = max(i for i, t in enumerate(recorded) if t <= time)
                    self.assertEqual(
                        self.replayed(f"@{time}")["sha256"], sha256(oracle_text(text, last))
                    )
                errors = self.errors_of("at", f"@{recorded[0] - 1}", "replay", code=1)
                self.assertIn("the first event was recorded at 2024-01-01T00:00:0", errors)

    def test_of_random_values_are_the_oracles(self):
        for seed in range(10):
            with self.subTest(seed=seed):
                self.log = self.path(f"log-{seed}")
                r = random.Random(seed)
                text = to_lines(random_history(r, 400))
                self.import_events(text)
                self.agree(text, (r.randrange(400),))
                self.run_program("compact")
                self.agree(text, (r.randrange(400),))

    def test_of_an_empty_log_is_that_of_nothing(self):
        self.import_events("")
        seen = self.replayed()
        self.assertEqual((seen["events"], seen["users"], seen["sha256"]), (0, 0, sha256("")))
        self.assertEqual(self.output_of("list", "--json"), "")


def random_text(r):
    alphabet = "aZ09 \"\\/\b\f\n\r\t\x00\x01\x1f\x7f\x80\x9b\xa0éß€\u2028\ufeff\uffff山😀\U0010ffff"
    return "".join(r.choice(alphabet) for _ in range(r.randrange(12)))


def random_float(r):
    kind = r.randrange(4)
    if kind == 0:
        return r.choice([0.0, -0.0, 1.0, 1e16, 1e15, 123456789012345680.0, 1e-4, 1e-5, 5e-324,
                         1.7976931348623157e308, 0.1, 1e22, 1e23, 9007199254740993.0, 2.5e-7])
    if kind == 1:
        return r.random() * 10 ** r.randrange(-20, 20)
    if kind == 2:
        return float(r.randrange(-10**17, 10**17))
    return r.uniform(-1, 1) * 2.0 ** r.randrange(-1060, 1020)


def random_value(r, depth=0):
    kind = r.randrange(9 if depth < 5 else 6)
    if kind == 0:
        return r.choice([None, True, False])
    if kind == 1:
        return r.choice([0, -1, 23, 24, 255, 256, 65535, 65536, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
                         2**64 - 1, -(2**31), -(2**63)])
    if kind == 2:
        return r.randrange(-(2**63), 2**64)
    if kind == 3:
        return random_float(r)
    if kind in (4, 5):
        return random_text(r)
    if kind == 6:
        return [random_value(r, depth + 1) for _ in range(r.randrange(4))]
    return {random_text(r): random_value(r, depth + 1) for _ in range(r.randrange(5))}


def random_history(r, count):
    """Events of few users, so that updates, deletions and creations meet, some of unknown users."""
    keys = ["nickname", "created_at", "tags", "Name", "é", "", "user", "山"]
    for _ in range(count):
        user_id = r.choice([1, 2, 3, -5, 0, 2**63 - 1, -(2**63)])
        timestamp = r.choice([START + r.randrange(10**6), 0, -1, -(2**63), 2**63 - 1, r.randrange(2**50)])
        extra = {r.choice(keys): random_value(r) for _ in range(r.randrange(4))}
        kind = r.randrange(10)
        if kind < 3:
            data = {"name": random_text(r), **extra, "user_id": user_id}
            if r.random() < 0.7:
                data["email"] = r.choice([None, random_text(r)])
            yield event("user_created", data, timestamp)
        elif kind < 8:
            for field in ("name", "email", "phone"):
                if r.random() < 0.4:
                    extra[field] = r.choice([None, random_text(r)])
            yield updated(user_id, timestamp, **extra)
        elif kind < 9:
            yield event("user_deleted", {"user_id": user_id, **extra}, timestamp)
        else:
            name = "".join(c for c in random_text(r) if c.isprintable())
            yield event(f"user_{name}seen", extra, timestamp)


if __name__ == "__main__":
    main()
