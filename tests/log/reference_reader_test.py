#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference reader and the program see the same events, and the same damage.

The bits to flip are chosen anew in each run, by a seed that is printed; EVERFOLD_SEED=N chooses it.
"""
import ctypes
import json
import os
import random
import shutil
import subprocess
import sys

FOLDER = os.path.dirname(os.path.realpath(__file__))
for neighbour in ("cli", "support", "log"):
    sys.path.insert(0, os.path.join(FOLDER, "..", neighbour))
from event_encoding import Bytes, Wrong, time_text  # noqa: E402
from reference_reader import Log  # noqa: E402
from support import DAMAGED, DONE, PROGRAM, START, CommandTest, event, main, to_lines  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

READER, WORKLOAD = sys.argv[3:5]
SEED = int(os.environ.get("EVERFOLD_SEED", random.SystemRandom().randrange(2**32)))


class Checksum(CommandTest):
    # What `xxhsum -b` checks itself with: bytes of a small generator, without and with a seed.
    VECTORS = {
        0: (0x2D06800538D394C2, 0xA8A6B918B2F0364A), 1: (0xC44BDFF4074EECDB, 0x032BE332DD766EF8),
        6: (0x27B56A84CD2D7325, 0x84589C116AB59AB9), 12: (0xA713DAF0DFBB77E7, 0xE7303E1B2336DE0E),
        24: (0xA3FE70BF9D3510EB, 0x850E80FC35BDD690), 48: (0x397DA259ECBA1F11, 0xADC2CBAA44ACC616),
        80: (0xBCDEFBBB2C47C90A, 0xC6DD0CB699532E73), 195: (0xCD94217EE362EC3A, 0xBA68003D370CB3D9),
        403: (0xCDEB804D65C6DEA4, 0x6259F6ECFD6443FD), 512: (0x617E49599013CB6B, 0x3CE457DE14C27708),
        2048: (0xDD59E2C3A5F038E0, 0x66F81670669ABABC), 2240: (0x6E73A90539CF2948, 0x757BA8487D1B5247),
        2367: (0xCB37AEB9E5D361ED, 0xD2DB3415B942B42A),
    }

    def test_it_is_the_one_of_the_published_vectors(self):
        prime, data, state = 0x9E3779B185EBCA8D, bytearray(), 0x9E3779B1
        for _ in range(max(self.VECTORS)):
            data.append(state >> 56)
            state = state * prime % 2**64
        for size, expected in self.VECTORS.items():
            with self.subTest(size=size):
                self.assertEqual((xxh3_64(data[:size]), xxh3_64(data[:size], prime)), expected)

    def test_it_is_the_one_of_the_library_at_every_length(self):
        try:
            theirs = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
        except (OSError, AttributeError):
            self.skipTest("the library is not there to be loaded")
        theirs.argtypes, theirs.restype = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64], ctypes.c_uint64
        chosen = random.Random(SEED)
        for size in (*range(1100), 4088, 10_000, 65_537):
            data, seed = chosen.randbytes(size), chosen.choice((0, 2**64 - 1, chosen.getrandbits(64)))
            self.assertEqual(xxh3_64(data, seed), theirs(data, size, seed), f"{size} bytes, seed {seed}")


class Encoding(CommandTest):
    def test_what_is_not_in_the_profile_is_refused(self):
        for item in (
            "", "00 00", "18 17", "19 00ff", "1b 00000000ffffffff", "3b 8000000000000000", "f9 3c00", "f7", "f8 20",
            "ff", "c0 00", "5f ff", "9f ff", "bf ff", "1c", "61", "61 ff", "62 c080", "81", "9b ffffffffffffffff",
            "a1 00 00", "a1 41 61 00", "a2 61 61 00 61 61 00", "81" * 65 + "00",
        ):
            with self.subTest(item=item), self.assertRaises(Wrong):
                Bytes("item", bytes.fromhex(item)).only_item()

    def test_what_is_in_the_profile_is_read(self):
        for item, value in (
            ("1b ffffffffffffffff", 2**64 - 1), ("3b 7fffffffffffffff", -2**63), ("fa 3fc00000", 1.5),
            ("fa 7f800000", None), ("42 00ff", "0x00ff"), ("62 c3a9", "é"), ("a1 60 80", {"": []}), ("f4", False),
        ):
            with self.subTest(item=item):
                self.assertEqual(Bytes("item", bytes.fromhex(item)).only_item(), value)
        Bytes("item", b"\x81" * 64 + b"\0").only_item()

    def test_times_are_exact(self):
        for time, text in (
            ((0, 0), "1970-01-01T00:00:00.000Z"), ((-1, 999_999_000), "1969-12-31T23:59:59.999999Z"),
            ((951_782_400, 1), "2000-02-29T00:00:00.000000001Z"), ((-62_167_219_200, 0), "0000-01-01T00:00:00.000Z"),
            ((253_402_300_800, 1_000_000), "@253402300800001"), ((-100_000_000_000, 1000), "@-99999999999999.999"),
        ):
            self.assertEqual(time_text(*time), text)


class LogTest(CommandTest):
    def segments(self):
        return sorted(path for path in self.tree() if path.endswith(".evl"))


class SameEvents(LogTest):
    def by_both(self):
        """What both readers print for the log, compared event by event; the count of events."""
        result = subprocess.run(
            [sys.executable, READER, self.log], capture_output=True, text=True, check=False, encoding="utf-8"
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        ours, theirs = self.output_of("read", "--json").splitlines(), result.stdout.splitlines()
        self.assertEqual(len(ours), len(theirs))
        for a, b in zip(ours, theirs):
            # As text again, so that -0.0 is not 0 and the order of fields counts.
            self.assertEqual(json.dumps(json.loads(a)), json.dumps(json.loads(b)))
        return len(ours)

    def test_of_an_empty_log(self):
        self.append()
        self.assertEqual(self.by_both(), 0)

    def test_of_appends_to_several_streams(self):
        data = {
            "": [], "ä\n\"\\\x01🙂": {"deep": [[[{}]]]}, "i": [0, 23, 24, -24, -25, 2**32, 2**64 - 1, -2**63],
            "f": [1.0, -0.0, 0.1, 1e300, 5e-324], "n": [None, True, False], "long": "é" * 3000,
        }
        names = ("users", "straße-7", "🙂", "x" * 255)
        for _ in range(3):
            self.append(*(
                {"type": t, "data": data if i % 2 else {}, "stream": names[i % 4],
                 "tags": ["k:v", "ü:" + "ö" * i][:i % 3], **({"metadata": data} if i % 5 == 0 else {})}
                for i, t in enumerate(("made", "geändert", "x" * 255) * 7)
            ))
        self.assertEqual(self.by_both(), 63)

    def test_of_an_import(self):
        times = (START, START + 1, -5, 0, 2**63 - 1, -2**63, 253_402_300_800_000, -62_167_219_200_001)
        self.import_events(
            (event(f"t{i % 3}", {"id": i % 10, "n": i}, times[i % len(times)]) for i in range(2000)),
            "--stream", "item-{id}", "--tag", "id:{id}", "--tag", "n:{n}",
        )
        self.assertEqual(self.by_both(), 2000)

    def test_of_every_form_of_a_record(self):
        self.made("forms")
        self.assertGreater(len(self.segments()), 1)
        self.assertEqual(self.by_both(), 192)

    def test_of_several_segments(self):
        self.made("segments")
        self.assertGreater(len(self.segments()), 10)
        self.assertEqual(self.by_both(), 1000)

    def test_of_segments_from_which_events_were_removed(self):
        self.made("removed")
        self.assertTrue(any(path.endswith(".evr") for path in self.tree()))
        self.assertEqual(self.by_both(), json.loads(self.output_of("verify", "--json"))["events"])

    def test_of_a_log_with_a_torn_tail_and_after_its_recovery(self):
        self.append(*({"type": "t", "data": {"i": i}} for i in range(10)))
        with open(self.segments()[-1], "ab") as file:
            file.write(b"EFRM" + b"garbage" * 50 + bytes(100))
        log = Log(self.log)
        self.assertEqual(len(log.events), 10)
        self.assertIn("354 bytes from ", log.torn)
        for _ in range(2):
            self.append({"type": "t", "data": {}})
        self.assertEqual(self.by_both(), 12)

    def test_of_the_standard_workload(self):
        self.run_verb("import", WORKLOAD, "--stream", "user-{user_id}", "--tag", "user:{user_id}")
        self.assertEqual(self.by_both(), 20_000)

    def test_it_refuses_what_it_does_not_read(self):
        for kind, words in (("archived", "an archived segment"), ("newer", "a newer format")):
            with self.subTest(kind), self.assertRaisesRegex(Wrong, f"unsupported: {words}"):
                shutil.rmtree(self.log, ignore_errors=True)
                self.made(kind)
                Log(self.log)


class SameDamage(LogTest):
    def setUp(self):
        super().setUp()
        self.chosen = random.Random(SEED)

    def agree(self, events):
        """Whether the log is damaged, as both say; one that is not has these events."""
        result = subprocess.run([PROGRAM, "verify", self.log], capture_output=True, text=True, check=False)
        try:
            found, said = Log(self.log).events, ""
        except (Wrong, OSError) as wrong:
            found, said = None, str(wrong)
        self.assertIn(result.returncode, (DONE, DAMAGED), result.stderr)
        self.assertEqual(
            found is None, result.returncode == DAMAGED,
            f"the reference reader: {said}\neverfold: {result.stdout}{result.stderr}",
        )
        if found is not None:
            self.assertEqual(found[:len(events)], events[:len(found)])
        return found is None

    def changed(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def flip(self, count):
        """Flips so many bits, one at a time; in what files how many made a damaged log."""
        events, before, damages = Log(self.log).events, self.tree(), {}
        for number in range(count):
            path = self.chosen.choice(sorted(before))
            content = before[path][0]
            bit = self.chosen.randrange(len(content) * 8)
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            self.changed(path, flipped)
            kind = os.path.basename(path).split(".")[-1]
            with self.subTest(seed=SEED, number=number, file=os.path.basename(path), byte=bit // 8, bit=bit % 8):
                damages.setdefault(kind, []).append(self.agree(events))
            self.changed(path, content)
        self.assertFalse(self.agree(events))
        return damages

    def test_200_flipped_bits_of_a_small_log(self):
        self.made("forms")
        damages = self.flip(200)
        counts = ", ".join(f"{sum(d)} of {len(d)} in {kind}" for kind, d in sorted(damages.items()))
        print(f"seed {SEED}: damaged by {counts}")
        self.assertTrue(all(damages["evl"]))
        # Either slot is enough, and what the lock says is for messages only.
        self.assertFalse(any(sum((d for kind, d in damages.items() if kind != "evl"), [])))

    def test_flipped_bits_of_several_segments_and_their_indexes(self):
        self.made("segments")
        damages = self.flip(50)
        self.assertTrue(all(damages["evl"]))
        self.assertFalse(any(damages["evi"]))

    def test_flipped_bits_of_segments_from_which_events_were_removed(self):
        self.made("removed")
        damages = self.flip(50)
        self.assertTrue(all(damages["evr"]))

    def test_both_slots(self):
        self.made("forms")
        events, before = Log(self.log).events, self.tree()
        for path in (p for p in before if os.path.basename(p) in ("LOG", "head")):
            content = before[path][0]
            for _ in range(20):
                broken = bytearray(content)
                for slot in (0, len(content) // 2):
                    broken[slot + self.chosen.randrange(100)] ^= 1 << self.chosen.randrange(8)
                self.changed(path, broken)
                with self.subTest(seed=SEED, file=os.path.basename(path)):
                    self.assertTrue(self.agree(events))
            self.changed(path, content)

    def test_files_that_are_cut_or_continued(self):
        self.made("segments")
        events, before = Log(self.log).events, self.tree()
        paths = sorted(p for p in before if not p.endswith("LOCK"))
        for path in paths[:4] + paths[-2:]:
            content = before[path][0]
            is_sealed = path.endswith(".evl") and path != paths[-1]
            for piece in (
                content[:-1], content[:-8], content[:self.chosen.randrange(len(content))], b"",
                content + bytes(5000), content + b"garbage", content + content[-200:],
            ):
                self.changed(path, piece)
                with self.subTest(seed=SEED, file=os.path.basename(path), size=len(piece), of=len(content)):
                    self.assertTrue(self.agree(events) or not is_sealed)
            os.remove(path)
            with self.subTest(file=os.path.basename(path), size=None):
                self.agree(events)
            self.changed(path, content)

    def test_frames_that_are_put_elsewhere(self):
        self.append(*({"type": "t", "data": {"i": i}} for i in range(10)))
        (path,) = self.segments()
        content, events = self.tree()[path][0], Log(self.log).events
        starts = [i for i in range(4096, len(content), 8) if content[i:i + 4] == b"EFRM"] + [len(content)]
        frames = [content[a:b] for a, b in zip(starts, starts[1:])]
        for order in ([1, 0], [0, 2, 1], [0, 0], [1], [0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 9]):
            self.changed(path, content[:starts[0]] + b"".join(frames[i] for i in order))
            with self.subTest(order=order):
                self.assertTrue(self.agree(events))


if __name__ == "__main__":
    main()
