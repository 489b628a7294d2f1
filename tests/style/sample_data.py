#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""samples/user_management/data/users.jsonl is what its generator writes."""
import hashlib
import os
import subprocess
import sys
import tempfile

from common import ROOT, Report

FOLDER = os.path.join(ROOT, "samples", "user_management", "data")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        made = os.path.join(scratch, "users.jsonl")
        command = [sys.executable, os.path.join(FOLDER, "generate.py"), "20000", made]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        report.look(
            digest(made) == digest(os.path.join(FOLDER, "users.jsonl")),
            "users.jsonl is not what `generate.py 20000 users.jsonl` writes",
        )
    report.close()


main()
