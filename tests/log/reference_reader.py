#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second reader of the log, written from framework/docs/log_format.md alone.

reference_reader.py DIRECTORY checks all of a log that was closed cleanly and prints its events, one JSON
object a line. Where something is wrong it prints what and where instead, and ends with exit code 1.
"""
import collections
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from event_encoding import Bytes, Wrong  # noqa: E402
from log_records import STREAM, TAG, TYPE, Records  # noqa: E402
from two_slots import newest_payload  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

BATCH, MARK, SEAL, REMAINS, PROVENANCE = 1, 2, 3, 4, 5
Entry = collections.namedtuple(
    "Entry",
    "number id first end end_offset chain end_chain recorded earliest latest left epoch kind properties name"
)


class Log(Records):
    """All of a log, read and checked: its events, and a sentence where it has a torn tail."""

    def __init__(self, directory):
        self.directory, self.id, self.events, self.torn = directory, None, [], None
        self.next, self.chain, self.epoch, self.recorded, self.revisions = 0, 0, 0, 0, collections.Counter()
        self.gone, self.unused = set(), 0  # positions removed from the batch; removed events, less missing revisions
        segments = self.manifest()
        head = self.slots("head", b"H")
        number, named, durable, end, _, state, _, _ = head.fields("4Q2I16sQ")
        head.need((number, named) in [s[:2] for s in segments], "a segment that the manifest does not know")
        head.need(state == 1, "the log was not closed cleanly; this program reads no other")
        for segment in segments:
            self.segment(segment, durable if segment.number == number else 0)
        head.need(end <= self.next, f"{end} positions are durable, {self.next} are there")

    def file(self, name):
        return Bytes(name, pathlib.Path(self.directory, name).read_bytes())

    def slots(self, name, kind):
        file = self.file(name)
        self.id = newest_payload(file, kind, self.id)
        return file

    def manifest(self):
        file, segments = self.slots("LOG", b"L"), []
        file.need(file.fields("2I") == (1, 0), "unsupported: a newer format")
        _, _, self.batch_bytes, _, count, _dead = file.fields("Q2Iq2I")
        for number in range(count):
            *values, length = file.fields("7Q3qQI3H")
            entry = Entry(*values, file.text(length))
            file.need("/" not in entry.name and entry.name[:1] not in ("", "."), "an impossible file name")
            file.need((entry.number, entry.kind == 0) == (number, number == count - 1), "segments out of order")
            segments.append(entry)
        return segments

    def segment(self, entry, durable):
        """Checks a segment and takes its events; the head mark knows `durable` bytes of it."""
        file = self.file(entry.name)
        file.need(entry.kind < 2, "unsupported: an archived segment")
        magic, major, _, size, *named, _, required, _, _, _ = file.fields("8s2HI16s4Qq4I")
        checksum = xxh3_64(file.data[:4088]).to_bytes(8, "little")
        file.need(magic == b"\x89EVS\r\n\x1a\0" and file.data[4088:4096] == checksum, "a damaged header")
        self.rewritten, self.own, before, recorded = entry.properties & 1, 0, len(self.events), 0
        file.need((major, size, required) == (1, 4096, self.rewritten), "unsupported: a newer format")
        file.need(named == [self.id, *entry[:3], entry.chain], "the header of another segment")
        file.need(named[3:] == [self.next, self.chain], "what comes before the segment is missing")
        file.at, kind, frames, self.watermark, self.known = 4096, BATCH, 0, 0, set()
        self.names, self.lasts, self.times = {STREAM: {}, TYPE: {}, TAG: {}}, {}, [2**63 - 1, -2**63]
        seed = xxh3_64(self.id + struct.pack("<Q", entry.id))
        while kind != SEAL:
            start = file.at
            try:
                kind, count, body = self.frame(file, seed)
            except Wrong as wrong:
                left = len(file.data[start:].rstrip(b"\0"))
                if entry.kind == 1 or not self.is_torn(file, start, left, seed, durable):
                    raise
                self.torn = f"{wrong}; {left} bytes from {start} on are a torn tail" if left else None
                return
            if kind in (BATCH, REMAINS):
                self.batch(body, count, self.removed_runs(body) if kind == REMAINS else [])
            recorded += self.provenance(body) if kind == PROVENANCE else 0
            seal = (entry.first, self.next, self.chain, frames)
            body.need(kind != SEAL or body.fields("4Q") == seal, "a seal that does not fit the segment")
            frames += 1
        file.need(file.at == file.end, "something follows the seal")
        left = len(self.events) - before
        found = (self.next, file.at, entry.chain, self.chain, self.recorded, *self.times, left, self.epoch)
        right = found == entry[3:12] and entry.properties == self.rewritten | self.own
        file.need(entry.kind == 0 or right, "the segment ends otherwise than the manifest says")
        file.need(recorded == entry.end - entry.first - left or entry.kind == 0, "events are missing, unrecorded")
        file.need(self.unused >= 0, "more revisions are missing than events were removed")

    def is_header(self, file, at, seed):
        """Whether the 64 bytes there were written as a frame header for this place."""
        head, own = file.data[at:at + 56], file.data[at + 56:at + 64]
        return head[:4] == b"EFRM" and xxh3_64(head, seed + at).to_bytes(8, "little") == own

    def frame(self, file, seed):
        """Checks the next frame; its kind, count of events and body."""
        start = file.at
        _, kind, flags, size, count, first, epoch, chain, mark, recorded, body_sum, _ = file.fields("I2H2IQ2IQq2Q")
        file.need(self.is_header(file, start, seed), "no frame header that checks")
        file.need(BATCH <= kind <= (PROVENANCE if self.rewritten else SEAL) and flags == 0, "an unknown kind of frame")
        file.need(size % 8 == 0 and size <= self.batch_bytes, "a body of an impossible length")
        file.need(epoch >= self.epoch and recorded >= self.recorded, "a frame of an earlier life")
        file.need(first == self.next, f"the frame begins at position {first}, not {self.next}")
        file.need(chain == self.chain & 0xFFFFFFFF, "the chain is broken")
        body = file.part(size)
        file.need(body_sum == xxh3_64(file.data[body.at:body.end], first), "the body's checksum is wrong")
        file.need(file.fields("2I") == (size + 72, size + 72 ^ 0xFFFFFFFF), "the trailer is wrong")
        self.epoch, self.recorded, self.watermark = epoch, recorded, mark
        if kind == BATCH:
            self.chain = xxh3_64(struct.pack("<2Q", self.chain, body_sum))
        return kind, count, body

    def is_torn(self, file, start, left, seed, durable):
        """Whether what lies from `start` on can be an append that was never acknowledged."""
        later = [at for at in range(start, file.end - 63, 8) if self.is_header(file, at, seed)]
        marks = [struct.unpack_from("<Q", file.data, at + 32)[0] for at in later]
        return start >= max(durable, self.watermark, *marks) and left <= 2 * (self.batch_bytes + 72)


def main():
    try:
        log = Log(sys.argv[1])
    except (Wrong, OSError) as wrong:
        sys.exit(f"reference_reader: {wrong}")
    lines = (json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in log.events)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stderr.write(f"{log.torn}\n" if log.torn else "")


if __name__ == "__main__":
    main()
