#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads bytes and the CBOR of events, written from framework/docs/event_encoding.md alone."""
import datetime
import math
import struct
import uuid

SECOND = 10**9
NO_UUID = str(uuid.UUID(int=0))


class Wrong(Exception):
    """Something is not as the documents have it."""


class Bytes:
    """A part of a file, read from front to back and never beyond its end."""

    def __init__(self, name, data, at=0, end=None):
        self.name, self.data, self.at, self.last = name, data, at, at
        self.end = len(data) if end is None else end

    def need(self, condition, sentence):
        """What is wrong, and where what was read last begins."""
        if not condition:
            raise Wrong(f"{self.name}, byte {self.last}: {sentence}")

    def take(self, size):
        self.last = self.at
        self.need(size <= self.end - self.at, f"{size} bytes are to come, {self.end - self.at} are left")
        self.at += size
        return self.data[self.last:self.at]

    def fields(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def text(self, size):
        try:
            return self.take(size).decode("utf-8")
        except UnicodeDecodeError:
            raise Wrong(f"{self.name}, byte {self.last}: text that is not UTF-8") from None

    def uuid(self):
        return str(uuid.UUID(bytes=self.take(16)))

    def part(self, size):
        """The next bytes as a part of their own."""
        self.take(size)
        return Bytes(self.name, self.data, self.last, self.at)

    def only_item(self):
        """The CBOR item that is all there is up to the end."""
        found = self.item(1)
        self.last = self.at
        self.need(self.at == self.end, "something follows the item")
        return found

    def item(self, level):
        """One item of the profile, as its JSON view."""
        major, info = divmod(*self.fields("B"), 32)
        if major == 7 and info in (26, 27):
            number, = struct.unpack(">f" if info == 26 else ">d", self.take(4 if info == 26 else 8))
            return number if math.isfinite(number) else None
        if major == 7:
            self.need(info in (20, 21, 22), "a simple value or number that the profile does not have")
            return (False, True, None)[info - 20]
        self.need(major != 6 and info < 28, "a tag, or a length that is not definite")
        argument = int.from_bytes(self.take(1 << info - 24), "big") if info >= 24 else info
        self.need(info < 24 or argument >= (24, 2**8, 2**16, 2**32)[info - 24], "not the shortest form")
        if major < 2:
            self.need(major == 0 or argument < 2**63, "an integer below -2^63")
            return -1 - argument if major else argument
        if major < 4:
            return self.text(argument) if major == 3 else "0x" + self.take(argument).hex()
        self.need(level <= 64, "containers nest more than 64 deep")
        self.need(argument <= self.end - self.at, f"{argument} items are to come, fewer bytes are left")
        if major == 4:
            return [self.item(level + 1) for _ in range(argument)]
        found = {}
        for _ in range(argument):
            self.need(self.at < self.end and self.data[self.at] >> 5 == 3, "a key that is not text")
            key = self.item(level + 1)
            self.need(key not in found, "a key that comes twice")
            found[key] = self.item(level + 1)
        return found


def time_text(seconds, ns):
    """RFC 3339 in UTC; outside of the years 0000 to 9999, @ and milliseconds."""
    if not -62167219200 <= seconds < 253402300800:
        whole, finer = divmod(abs(seconds * SECOND + ns), 10**6)
        return f"@{'-' * (seconds < 0)}{whole}" + f".{finer:06}".rstrip("0").rstrip(".")
    shift = 400 if seconds < 0 else 0  # the calendar repeats, and Python's has no year 0
    when = datetime.datetime(1970 + shift, 1, 1) + datetime.timedelta(seconds=seconds)
    digits = 3 if ns % 10**6 == 0 else 6 if ns % 10**3 == 0 else 9
    return f"{when.year - shift:04}{when:-%m-%dT%H:%M:%S}.{ns // 10**(9 - digits):0{digits}}Z"
