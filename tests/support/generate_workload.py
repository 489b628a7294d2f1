#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The generator of the sample's data, for tests: generate_workload.py EVENTS OUT.jsonl [--seed N] [--unsorted]."""
import os
import runpy

HERE = os.path.dirname(os.path.realpath(__file__))
SAMPLE = os.path.join(HERE, "..", "..", "samples", "user_management")
runpy.run_path(os.path.join(SAMPLE, "data", "generate.py"), run_name="__main__")
