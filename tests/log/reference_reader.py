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
from event_encoding import NO_UUID, SECOND, Bytes, Wrong, time_text  # noqa: E402
from xxh3 import xxh3_64  # noqa: E402

BATCH, MARK, SEAL, STREAM, TYPE, TAG = 1, 2, 3, 1, 2, 3
Entry = collections.namedtuple(
    "Entry", "number id first end end_offset chain end_chain recorded earliest latest epoch kind name"
)


class Log:
    """All of a log, read and checked: its events, and a sentence where it has a torn tail."""

    def __init__(self, directory):
        self.directory, self.id, self.events, self.torn = directory, None, [], None
        self.chain, self.epoch, self.recorded, self.revisions = 0, 0, 0, collections.Counter()
        segments = self.manifest()
        head = self.slots("head", b"H")
        number, named, durable, end, _, state, _, _ = head.fields("4Q2I16sQ")
        head.need((number, named) in [s[:2] for s in segments], "a segment that the manifest does not know")
        head.need(state == 1, "the log was not closed cleanly; this program reads no other")
        for segment in segments:
            self.segment(segment, durable if segment.number == number else 0)
        head.need(end <= len(self.events), f"{end} events are durable, {len(self.events)} are there")

    def file(self, name):
        return Bytes(name, pathlib.Path(self.directory, name).read_bytes())

    def slots(self, name, kind):
        """The payload of the newest slot that checks."""
        file, valid, at = self.file(name), [], 0
        for _ in range(2):
            slot = file.data[at:]
            magic, generation, length, size, log_id = struct.unpack_from("<8sQ2I16s", slot.ljust(40))
            checksum = xxh3_64(slot[:40 + length]).to_bytes(8, "little")
            if magic == b"\x89EVF\r\n\x1a" + kind and slot[40 + length:48 + length] == checksum:
                valid.append((generation, log_id, at + 40, at + 40 + length))
            at = size if valid else file.end // 2
        file.need(valid, "neither slot checks")
        _, log_id, file.at, file.end = max(valid)
        self.id = self.id or log_id
        file.need(self.id == log_id, "it belongs to another log")
        return file

    def manifest(self):
        file, segments = self.slots("LOG", b"L"), []
        file.need(file.fields("2I") == (1, 0), "unsupported: a newer format")
        _, _, self.batch_bytes, _, count, _dead = file.fields("Q2Iq2I")
        for number in range(count):
            *values, events, epoch, kind, properties, length = file.fields("7Q3qQI3H")
            entry = Entry(*values, epoch, kind, file.text(length))
            is_whole = kind == 0 or (properties & 1, events) == (0, entry.end - entry.first)
            file.need(is_whole, "unsupported: a segment from which events were removed")
            file.need("/" not in entry.name and entry.name[:1] not in ("", "."), "an impossible file name")
            file.need((entry.number, entry.kind == 0) == (number, number == count - 1), "segments out of order")
            segments.append(entry)
        return segments

    def segment(self, entry, durable):
        """Checks a segment and takes its events; the head mark knows `durable` bytes of it."""
        file = self.file(entry.name)
        file.need(entry.kind < 2, "unsupported: an archived segment")
        magic, major, _, size, *named, _, required, _, _, _ = file.fields("8s2HI16s4Qq4I")
        own = xxh3_64(file.data[:4088]).to_bytes(8, "little") == file.data[4088:4096]
        file.need(magic == b"\x89EVS\r\n\x1a\0" and own, "a damaged header")
        file.need((major, size, required) == (1, 4096, 0), "unsupported: a newer format")
        file.need(named == [self.id, *entry[:3], entry.chain], "the header of another segment")
        file.need(named[3:] == [len(self.events), self.chain], "what comes before the segment is missing")
        file.at, kind, frames, self.watermark, self.known = 4096, BATCH, 0, 0, set()
        self.names, self.lasts, self.times = {STREAM: [], TYPE: [], TAG: []}, {}, [2**63 - 1, -2**63]
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
            if kind == BATCH:
                self.batch(body, count)
            seal = (entry.first, len(self.events), self.chain, frames)
            body.need(kind != SEAL or body.fields("4Q") == seal, "a seal that does not fit the segment")
            frames += 1
        file.need(file.at == file.end, "something follows the seal")
        found = (len(self.events), file.at, entry.chain, self.chain, self.recorded, *self.times, self.epoch)
        file.need(entry.kind == 0 or found == entry[3:11], "the segment ends otherwise than the manifest says")

    def is_header(self, file, at, seed):
        """Whether the 64 bytes there were written as a frame header for this place."""
        head, own = file.data[at:at + 56], file.data[at + 56:at + 64]
        return head[:4] == b"EFRM" and xxh3_64(head, seed + at).to_bytes(8, "little") == own

    def frame(self, file, seed):
        """Checks the next frame; its kind, count of events and body."""
        start = file.at
        _, kind, flags, size, count, first, epoch, chain, mark, recorded, body_sum, _ = file.fields("I2H2IQ2IQq2Q")
        file.need(self.is_header(file, start, seed), "no frame header that checks")
        file.need(kind in (BATCH, MARK, SEAL) and flags == 0, "a frame of an unknown kind")
        file.need(size % 8 == 0 and size <= self.batch_bytes, "a body of an impossible length")
        file.need(epoch >= self.epoch and recorded >= self.recorded, "a frame of an earlier life")
        file.need(first == len(self.events), f"the frame begins at position {first}, not {len(self.events)}")
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

    def batch(self, body, count):
        before, _append_id = len(self.events), body.take(16)
        while body.at < body.end:
            start = body.at
            size, type_number, bits, small, number = body.fields("IH2BI")
            body.need(size % 8 == 0 and 24 <= size <= body.end - start, "a record of an impossible length")
            record = Bytes(body.name, body.data, body.at, start + size - bits % 8)
            if type_number == 0xFFFF:
                self.name(record, small, number)
            else:
                self.event(record, start, type_number, bits, small, number)
            body.at = start + size
        body.need(len(self.events) - before == count, f"not as many events as the header says, {count}")

    def name(self, record, kind, number):
        version, base = record.fields("IQ")
        name = record.text(record.end - record.at)
        record.need(kind in self.names and number == len(self.names[kind]), "a name out of its order")
        record.need(1 <= record.end - record.last <= 255, "a name of an impossible length")
        record.need((kind, name, version) not in self.known, "a name that was introduced before")
        self.known.add((kind, name, version))
        right_base = {STREAM: self.revisions[name], TYPE: 0, TAG: base}[kind]
        record.need(base == right_base, "a wrong base revision, or a payload that is not CBOR")
        self.names[kind].append((name, version, base))

    def event(self, record, start, type_number, bits, tag_count, number):
        revision, back, *tags = record.fields(f"2I{tag_count}I")
        for kind, used in ((STREAM, [number]), (TYPE, [type_number]), (TAG, tags)):
            record.need(all(n < len(self.names[kind]) for n in used), "a name that no record introduced")
        (stream, _, base), (type_name, version, _) = self.names[STREAM][number], self.names[TYPE][type_number]
        record.need(base + revision == self.revisions[stream], "a revision is missing or comes twice")
        record.need(back * 8 == start - self.lasts.get(number, start), "a wrong back link")
        self.revisions[stream] += 1
        self.lasts[number] = start
        form, recorded = bits >> 3 & 3, divmod(self.recorded, SECOND)
        first_time = divmod(*record.fields("q"), SECOND) if form else recorded
        recorded = first_time if form in (1, 3) else recorded
        occurred = record.fields("qI") if form == 3 else first_time
        record.need(occurred[1] < SECOND, "more nanoseconds than a second has")
        ns = min(max(occurred[0] * SECOND + occurred[1], -2**63), 2**63 - 1)
        self.times = [min(self.times[0], ns), max(self.times[1], ns)]
        own_id = record.uuid() if bits & 32 else self.derived_id()
        causes = {k: record.uuid() for k in ("correlation_id", "causation_id")} if bits & 64 else {}
        metadata = record.part(*record.fields("I")).only_item() if bits & 128 else {}
        self.events.append({
            "position": len(self.events), "revision": base + revision, "stream": stream, "type": type_name,
            "version": version, "id": own_id, "recorded_at": time_text(*recorded),
            "occurred_at": time_text(*occurred), **{k: v for k, v in causes.items() if v != NO_UUID},
            "tags": [self.names[TAG][n][0] for n in tags], "metadata": metadata, "data": record.only_item(),
        })

    def derived_id(self):
        number = int.from_bytes(self.id, "big") ^ len(self.events)
        return Bytes("", (number & ~(15 << 76) | 8 << 76).to_bytes(16, "big")).uuid()


def main():
    try:
        log = Log(sys.argv[1])
    except (Wrong, OSError) as wrong:
        sys.exit(f"reference_reader: {wrong}")
    sys.stdout.writelines(json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in log.events)
    sys.stderr.write(f"{log.torn}\n" if log.torn else "")


if __name__ == "__main__":
    main()
