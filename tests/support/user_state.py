#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference fold of a user history, as an oracle for the sample.

  user_state.py HISTORY.jsonl [--until POSITION] > users.jsonl

Folds in the file's order. user_created sets user_id, name, email (null if absent) and created_at (the
event's timestamp in ms), also for a known user; user_updated merges all of its data into a known user;
user_deleted removes the user; anything else changes nothing. --until folds positions 0 to POSITION.

Prints the canonical state: one user a line, ordered by user_id, keys sorted, no spaces, UTF-8. The last
line of standard error is "COUNT users, sha256 HEX" of what was printed.
"""
import argparse
import hashlib
import json
import sys


def fold(lines, until=None):
    """{user_id: fields}. Positions count the lines that are not blank."""
    users = {}
    entries = (json.loads(line) for line in lines if line.strip())
    for position, entry in enumerate(entries):
        if until is not None and position > until:
            break
        data, event_type = entry["data"], entry["event_type"]
        user_id = data.get("user_id")
        if event_type == "user_created":
            users[user_id] = {
                "user_id": user_id,
                "name": data["name"],
                "email": data.get("email"),
                "created_at": entry["timestamp"],
            }
        elif event_type == "user_updated" and user_id in users:
            users[user_id].update(data)
        elif event_type == "user_deleted":
            users.pop(user_id, None)
    return users


def canonical_lines(users):
    for user_id in sorted(users):
        yield json.dumps(
            users[user_id], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("history")
    parser.add_argument("--until", type=int)
    options = parser.parse_args()
    with open(options.history, encoding="utf-8") as file:
        users = fold(file, options.until)
    digest = hashlib.sha256()
    sys.stdout.reconfigure(encoding="utf-8")
    for line in canonical_lines(users):
        digest.update(line.encode())
        sys.stdout.write(line)
    print(f"{len(users)} users, sha256 {digest.hexdigest()}", file=sys.stderr)


if __name__ == "__main__":
    main()
