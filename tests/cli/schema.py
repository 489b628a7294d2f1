#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""schema: the fields of each event type, as they were seen."""
import json
import os
import re

from support import CONTROL, DONE, NOT_A_LOG, USAGE, CommandTest, main


class Schema(CommandTest):
    def filled(self):
        self.append(
            {"type": "made", "data": {"id": 1, "at": {"city": "Oslo"}, "tags": ["a", None]}},
            {"type": "sold", "data": {"cents": 5}, "stream": "till-1"},
            {"type": "made", "data": {"id": "2", "note": "x"}},
            {"type": "none", "data": {}},
        )

    def test_every_field_is_listed_with_kinds_and_counts(self):
        self.filled()
        lines = self.lines_of("schema", "--json")
        self.assertEqual([(t["type"], t["version"], t["events"]) for t in lines],
                         [("made", 1, 2), ("sold", 1, 1), ("none", 1, 1)])
        made = lines[0]
        self.assertEqual((made["first_position"], made["last_position"], made["malformed"], made["has_more"]),
                         (0, 2, 0, False))
        self.assertEqual(made["fields"], [
            {"path": "id", "seen": 2, "possible": 2, "kinds": {"integer": 1, "text": 1}},
            {"path": "at", "seen": 1, "possible": 2, "kinds": {"map": 1}},
            {"path": "at.city", "seen": 1, "possible": 1, "kinds": {"text": 1}},
            {"path": "tags", "seen": 1, "possible": 2, "kinds": {"array": 1}},
            {"path": "tags[]", "seen": 2, "possible": 2, "kinds": {"text": 1, "null": 1}},
            {"path": "note", "seen": 1, "possible": 2, "kinds": {"text": 1}},
        ])
        text = self.output_of("schema")
        self.assertIn("made version 1  2 events, positions 0 to 2\n", text)
        self.assertIn("sold version 1  1 event, position 1\n", text)
        self.assertRegex(text, r"\n  id +integer or text +2\n")
        self.assertRegex(text, r"\n  at +map +1 of 2\n")
        self.assertTrue(text.endswith("3 types of 4 events\n"), text)

    def test_a_selection_says_whose_schema(self):
        self.filled()
        self.assertEqual([t["type"] for t in self.lines_of("schema", "--json", "--category", "till")], ["sold"])
        some = self.lines_of("schema", "--json", "--type", "made", "--limit", 1)
        self.assertEqual([(t["events"], len(t["fields"])) for t in some], [(1, 5)])
        self.assertEqual(self.output_of("schema", "--stream", "none"), "0 types of 0 events\n")
        self.errors_of("schema", "--since", "then", code=USAGE)

    def test_what_is_out_of_reach_is_not_in_it(self):
        self.filled()
        self.output_of("truncate", "s", "--before", 1)
        self.assertEqual([(t["type"], t["events"]) for t in self.lines_of("schema", "--json")],
                         [("sold", 1), ("made", 1), ("none", 1)])

    def test_names_that_are_data_and_hostile_ones_stay_readable(self):
        name = "\x1b[31mred\x07\u202eabc\nnext"
        self.append({"type": "t", "data": {name: 1, "by": {f"k{i}": i for i in range(65)}}})
        for words in (["schema"], ["schema", "--json"]):
            code, output = self.on_a_terminal(words[0], self.log, *words[1:], NO_COLOR="1")
            self.assertEqual(code, DONE)
            output = output.split("\x1b[K")[-1]
            self.assertIsNone(re.search(CONTROL, output), repr(output))
        fields = self.lines_of("schema", "--json")[0]["fields"]
        self.assertEqual([(f["path"], f["seen"]) for f in fields[1:]], [("by", 1), ("by.*", 65)])
        self.assertIn("\x1b[", self.on_a_terminal("schema", self.log)[1])

    def test_it_only_reads(self):
        self.errors_of("schema", code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.log))
        self.append()
        self.assertEqual(self.output_of("schema"), "0 types of 0 events\n")
        before = self.tree()
        self.output_of("schema", "--json")
        self.assertEqual(self.tree(), before)
        said, _ = self.run_words("schema", "--help")
        self.assertIn("usage: everfold schema LOG [SELECTION]", said)
        self.assertNotIn("schema", json.dumps(self.lines_of("types", "--json")))


if __name__ == "__main__":
    main()
