#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads files of two slots, written from framework/docs/log_format.md, "Two-slot files"."""
import struct

from xxh3 import xxh3_64


def newest_payload(file, kind, log_id):
    """Narrows the file to the payload of the newest slot that checks; its log id, which must be the given one."""
    valid, at = [], 0
    for _ in range(2):
        slot = file.data[at:]
        magic, generation, length, size, found = struct.unpack_from("<8sQ2I16s", slot.ljust(40))
        checksum = xxh3_64(slot[:40 + length]).to_bytes(8, "little")
        if magic == b"\x89EVF\r\n\x1a" + kind and slot[40 + length:48 + length] == checksum:
            valid.append((generation, found, at + 40, at + 40 + length))
        at = size if valid else file.end // 2
    file.need(valid, "neither slot checks")
    _, found, file.at, file.end = max(valid)
    file.need(log_id in (None, found), "it belongs to another log")
    return found
