#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a user-management history as JSON Lines; the same numbers always give the same bytes.

  generate.py EVENTS OUT.jsonl [--seed 1] [--unsorted]

EVENTS is a multiple of ten: each of EVENTS/10 users, with ids from 1, has exactly ten events.
  the first      user_created with user_id, name and email (null for one in ten)
  the next eight user_updated with user_id and some of name, email (null for one in twenty) and phone
  the last       user_deleted for one in five, else one more user_updated
All events are shuffled together, so a user's events are spread over the whole history. Time starts at
2024-01-01T00:00:00Z and advances by 0 to 19 ms an event; --unsorted moves each timestamp by up to
10 s either way. One name in fifty has letters outside ASCII. Only random(), shuffle() and randrange()
of a seeded generator are used, which have not changed since Python 3.2. Prints the file's SHA-256.
"""
import argparse
import array
import datetime
import hashlib
import json
import random

FIRST_NAMES = """Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Mallory Niaj Olivia Peggy Rupert
Sybil Trent Victor Walter Wendy""".split()
LAST_NAMES = """Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez
Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin""".split()
RARE_NAMES = ["Zo\u00eb \u00c5ngstr\u00f6m", "\u5c71\u7530 \u592a\u90ce", 'Ren\u00e9e "Ren" O\'Neil', "J\u00fcrgen M\u00fcller"]
DOMAINS = ["example.com", "mail.example.org", "corp.example.net"]

EPOCH = datetime.datetime(1970, 1, 1)
START_MS = 1704067200000
EVENTS_PER_USER = 10


class History:
    def __init__(self, seed):
        self.generator = random.Random(seed)
        self.random = self.generator.random

    def name(self):
        draw = self.random()
        if draw < 0.02:
            return RARE_NAMES[int(draw * 200)]
        return FIRST_NAMES[int(self.random() * 20)] + " " + LAST_NAMES[int(self.random() * 20)]

    def email(self, user, null_share):
        if self.random() < null_share:
            return None
        number = int(self.random() * 1000)
        return f"user{user}.{number}@{DOMAINS[int(self.random() * 3)]}"

    def phone(self):
        area = 200 + int(self.random() * 800)
        exchange = int(self.random() * 1000)
        return f"+1-{area:03d}-{exchange:03d}-{int(self.random() * 10000):04d}"

    def event(self, user, nth):
        """(event type, data) of a user's nth event, from 1."""
        if nth == 1:
            return "user_created", {
                "user_id": user, "name": self.name(), "email": self.email(user, 0.1)
            }
        if nth == EVENTS_PER_USER and self.random() < 0.2:
            return "user_deleted", {"user_id": user}
        data = {"user_id": user}
        chosen = 1 + int(self.random() * 7)
        if chosen & 1:
            data["name"] = self.name()
        if chosen & 2:
            data["email"] = self.email(user, 0.05)
        if chosen & 4:
            data["phone"] = self.phone()
        return "user_updated", data

    def entries(self, users):
        """(milliseconds, event type, data), in order."""
        order = array.array("I", (u for u in range(1, users + 1) for _ in range(EVENTS_PER_USER)))
        self.generator.shuffle(order)
        seen = bytearray(users + 1)
        now = START_MS
        for user in order:
            seen[user] += 1
            now += int(self.random() * 20)
            yield now, *self.event(user, seen[user])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", type=int)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unsorted", action="store_true")
    options = parser.parse_args()
    if options.events <= 0 or options.events % EVENTS_PER_USER:
        parser.error(f"EVENTS is to be a multiple of {EVENTS_PER_USER}")

    # Its own generator, so that only the timestamps differ.
    shift = random.Random(options.seed)
    digest = hashlib.sha256()
    with open(options.out, "wb") as file:
        for now, event_type, data in History(options.seed).entries(options.events // EVENTS_PER_USER):
            if options.unsorted:
                now += shift.randrange(-10000, 10001)
            moment = EPOCH + datetime.timedelta(milliseconds=now)
            entry = {
                "timestamp": now,
                "datetime": moment.isoformat(timespec="milliseconds"),
                "event_type": event_type,
                "data": data,
            }
            line = (json.dumps(entry) + "\n").encode()
            file.write(line)
            digest.update(line)
    print(f"{options.out}: {options.events} events, SHA-256 {digest.hexdigest()}")


if __name__ == "__main__":
    main()
