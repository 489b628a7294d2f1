#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""XXH3-64 with a seed, as https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md has it."""
import struct

P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)
MIX = (0x165667919E3779F9, 0x9FB21C651E98DF25)
ALL = 0xFFFFFFFFFFFFFFFF
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
LANES = struct.Struct("<8Q")
# The eight secrets of a block's stripes begin 8 bytes apart; a block has so many stripes:
STRIPES = (len(SECRET) - 64) // 8


def word(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def half(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def rotated(x, by):
    return (x << by | x >> (64 - by)) & ALL


def folded(a, b):
    product = a * b
    return (product ^ product >> 64) & ALL


def avalanche(x):
    x = (x ^ x >> 37) * MIX[0] & ALL
    return x ^ x >> 32


def avalanche_of_xxh64(x):
    x = (x ^ x >> 33) * P64[1] & ALL
    x = (x ^ x >> 29) * P64[2] & ALL
    return x ^ x >> 32


def up_to_16(data, seed):
    size = len(data)
    if size > 8:
        low = word(data, 0) ^ ((word(SECRET, 24) ^ word(SECRET, 32)) + seed & ALL)
        high = word(data, size - 8) ^ ((word(SECRET, 40) ^ word(SECRET, 48)) - seed & ALL)
        turned = int.from_bytes(low.to_bytes(8, "little"), "big")
        return avalanche(size + turned + high + folded(low, high) & ALL)
    if size > 3:
        seed ^= int.from_bytes((seed & 0xFFFFFFFF).to_bytes(4, "little"), "big") << 32
        x = half(data, size - 4) + (half(data, 0) << 32)
        x ^= (word(SECRET, 8) ^ word(SECRET, 16)) - seed & ALL
        x = (x ^ rotated(x, 49) ^ rotated(x, 24)) * MIX[1] & ALL
        x = (x ^ (x >> 35) + size) * MIX[1] & ALL
        return x ^ x >> 28
    if size > 0:
        x = data[0] << 16 | data[size // 2] << 24 | data[-1] | size << 8
        return avalanche_of_xxh64(x ^ ((half(SECRET, 0) ^ half(SECRET, 4)) + seed & ALL))
    return avalanche_of_xxh64(seed ^ word(SECRET, 56) ^ word(SECRET, 64))


def up_to_240(data, seed):
    size = len(data)

    def mixed(at, secret_at):
        low = word(data, at) ^ (word(SECRET, secret_at) + seed & ALL)
        return folded(low, word(data, at + 8) ^ (word(SECRET, secret_at + 8) - seed & ALL))

    total = size * P64[0]
    if size <= 128:
        for i in range((size + 31) // 32):
            total += mixed(16 * i, 32 * i) + mixed(size - 16 * (i + 1), 32 * i + 16)
        return avalanche(total & ALL)
    total = avalanche(total + sum(mixed(16 * i, 16 * i) for i in range(8)) & ALL)
    total += sum(mixed(16 * i, 16 * (i - 8) + 3) for i in range(8, size // 16))
    return avalanche(total + mixed(size - 16, 136 - 17) & ALL)


def of_any_length(data, seed):
    secret = b"".join(
        (word(SECRET, at) + (-seed if at % 16 else seed) & ALL).to_bytes(8, "little")
        for at in range(0, len(SECRET), 8)
    )
    keys = [LANES.unpack_from(secret, 8 * i) for i in range(STRIPES + 1)]
    sums = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]

    def add(at, key):
        for i, lane in enumerate(LANES.unpack_from(data, at)):
            keyed = lane ^ key[i]
            sums[i ^ 1] += lane
            sums[i] += (keyed & 0xFFFFFFFF) * (keyed >> 32)

    for stripe in range((len(data) - 1) // 64):
        add(64 * stripe, keys[stripe % STRIPES])
        if stripe % STRIPES == STRIPES - 1:
            for i, key in enumerate(keys[STRIPES]):
                lane = sums[i] & ALL
                sums[i] = (lane ^ lane >> 47 ^ key) * P32[0] & ALL
    add(len(data) - 64, LANES.unpack_from(secret, len(secret) - 64 - 7))
    total = len(data) * P64[0]
    for i in range(0, 8, 2):
        at = 11 + 8 * i
        total += folded(sums[i] & ALL ^ word(secret, at), sums[i + 1] & ALL ^ word(secret, at + 8))
    return avalanche(total & ALL)


def xxh3_64(data, seed=0):
    """The 64-bit hash of any bytes."""
    seed &= ALL
    if len(data) <= 16:
        return up_to_16(data, seed)
    return up_to_240(data, seed) if len(data) <= 240 else of_any_length(data, seed)
