#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the bodies of frames, written from framework/docs/log_format.md, "Records" and "Remains"."""
from event_encoding import NO_UUID, SECOND, Bytes, time_text

STREAM, TYPE, TAG = 1, 2, 3


class Records:
    """What a log does with them: the reader of segments has its state."""

    def removed_runs(self, body):
        self.chain, = body.fields("Q")
        body.at += 16  # the append id is what a batch begins with
        _frames, count = body.fields("2I")
        runs = [body.fields("2I") for _ in range(count)]
        body.need(runs and all(a + n < b for (a, n), (b, _) in zip(runs, runs[1:])), "runs out of their order")
        return runs

    def provenance(self, body):
        """How many events were removed then."""
        _time, _id, removed, _size, length = body.fields("q3QI")
        body.need(length <= 4096 and body.text(length) is not None, "an impossible reason")
        return removed

    def batch(self, body, count, runs):
        before, _append_id = self.next, body.take(0 if runs else 16)
        self.gone = {before + at + i for at, n in runs for i in range(n)}
        self.unused += len(self.gone)
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
        self.pass_removed()
        body.need(self.next - before == count, f"not as many events as the header says, {count}")

    def pass_removed(self):
        while self.next in self.gone:
            self.next += 1

    def name(self, record, kind, number):
        version, base = record.fields("2I") if kind == TYPE else (0, *record.fields("Q"))
        name = record.text(record.end - record.at)
        known = self.names.get(kind, {})
        in_order = number > max(known, default=-1) if self.rewritten else number == len(known)
        record.need(kind in self.names and in_order, "a name out of its order")
        record.need(1 <= record.end - record.last <= 255, "a name of an impossible length")
        record.need((kind, name, version) not in self.known, "a name that was introduced before")
        self.known.add((kind, name, version))
        if kind == STREAM:
            self.own |= 2 * name.startswith("$")
            self.skip_to(record, name, base)
        record.need(kind != TYPE or base == 0, "a payload that is not CBOR")
        self.names[kind][number] = (name, version, base)

    def skip_to(self, record, stream, revision):
        missing = revision - self.revisions[stream]
        record.need(missing >= 0, "a revision comes twice, or a wrong base revision")
        self.unused -= missing
        self.revisions[stream] = revision

    def event(self, record, start, type_number, bits, tag_count, number):
        revision, back, *tags = record.fields(f"2I{tag_count}I")
        for kind, used in ((STREAM, [number]), (TYPE, [type_number]), (TAG, tags)):
            record.need(all(n in self.names[kind] for n in used), "a name that no record introduced")
        (stream, _, base), (type_name, version, _) = self.names[STREAM][number], self.names[TYPE][type_number]
        self.skip_to(record, stream, base + revision)
        linked = back * 8 == start - self.lasts.get(number, start)
        record.need(self.rewritten or linked, "a wrong back link")
        self.revisions[stream] += 1
        self.lasts[number] = start
        form, recorded = bits >> 3 & 3, divmod(self.recorded, SECOND)
        first_time = divmod(*record.fields("q"), SECOND) if form else recorded
        recorded = first_time if form in (1, 3) else recorded
        occurred = record.fields("qI") if form == 3 else first_time
        record.need(occurred[1] < SECOND, "more nanoseconds than a second has")
        ns = min(max(occurred[0] * SECOND + occurred[1], -2**63), 2**63 - 1)
        self.times = [min(self.times[0], ns), max(self.times[1], ns)]
        self.pass_removed()
        own_id = record.uuid() if bits & 32 else self.derived_id()
        causes = {k: record.uuid() for k in ("correlation_id", "causation_id")} if bits & 64 else {}
        metadata = record.part(*record.fields("I")).only_item() if bits & 128 else {}
        self.events.append({
            "position": self.next, "revision": base + revision, "stream": stream, "type": type_name,
            "version": version, "id": own_id, "recorded_at": time_text(*recorded),
            "occurred_at": time_text(*occurred), **{k: v for k, v in causes.items() if v != NO_UUID},
            "tags": [self.names[TAG][n][0] for n in tags], "metadata": metadata, "data": record.only_item(),
        })
        self.next += 1

    def derived_id(self):
        number = int.from_bytes(self.id, "big") ^ self.next
        return Bytes("", (number & ~(15 << 76) | 8 << 76).to_bytes(16, "big")).uuid()
