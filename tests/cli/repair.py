#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""repair: what is intact of a damaged directory, in a new one, with a list of what is not."""
import json
import os
import shutil

from support import DAMAGED, INPUT_OUTPUT, NOT_A_LOG, REFUSED, USAGE, CommandTest, main


class Repairing(CommandTest):
    def setUp(self):
        super().setUp()
        self.new = self.path("new.log")

    def segments(self):
        return sorted(p for p in self.tree() if p.endswith((".evl", ".evz")))

    def repaired(self, code=DAMAGED):
        before = self.tree()
        said = json.loads(self.output_of("repair", "--into", self.new, "--json", code=code))
        self.assertEqual(self.tree(), before)
        with open(os.path.join(self.new, "repair-report.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), said)
        self.assertIn("intact", self.output_of("verify", log=self.new))
        return said

    def contents(self, log):
        return [
            (e["id"], e["stream"], e["recorded_at"], e["occurred_at"], e["data"])
            for e in self.lines_of("read", "--json", log=log)
        ]

    def test_an_intact_log_stays_the_same(self):
        self.made("archived")
        said = self.repaired(code=0)
        self.assertTrue(said["complete"])
        self.assertEqual(said["kept"], [{"first": 0, "last": 999, "now": 0}])
        self.assertEqual(self.output_of("read", "--json", log=self.new), self.output_of("read", "--json"))
        shutil.rmtree(self.new)
        self.assertIn("complete  1,000 events in 1,000 appends", self.output_of("repair", "--into", self.new))

    def test_every_form_of_an_event_is_kept(self):
        self.made("forms")
        whole = self.output_of("read", "--json")
        os.remove(os.path.join(self.log, "LOG"))
        self.assertTrue(self.repaired(code=0)["complete"])
        self.assertEqual(self.output_of("read", "--json", log=self.new), whole)

    def test_what_is_lost_is_listed_and_the_rest_is_there(self):
        self.made("archived")
        whole = self.contents(self.log)
        gone, changed = self.segments()[0], self.segments()[-2]
        os.remove(gone)
        os.remove(os.path.join(self.log, "LOG"))
        with open(changed, "r+b") as file:
            file.seek(9000)
            file.write(b"\0" * 600)
        said = self.repaired()
        self.assertFalse(said["complete"])
        lost = [p for r in said["lost"] for p in range(r["first"], r["last"] + 1)]
        self.assertEqual(said["lost_events"], len(lost))
        self.assertEqual(said["lost"][0]["first"], 0)
        self.assertLess(len(lost), 200)
        kept = self.contents(self.new)
        self.assertEqual(kept, [e for p, e in enumerate(whole) if p not in lost])
        for r in said["kept"]:
            self.assertEqual(kept[r["now"]], whole[r["first"]])
        revisions = [
            r for s in said["streams"] for r in range(s["first_revision"], s["last_revision"] + 1)
        ]
        self.assertEqual({s["stream"] for s in said["streams"]}, {"s"})
        self.assertEqual(revisions, lost)  # one stream alone: its revisions are the positions
        shutil.rmtree(self.new)
        text = self.output_of("repair", "--into", self.new, code=DAMAGED)
        self.assertIn(f"lost: {len(lost)} events, at positions\n  0 to ", text)
        self.assertIn(", now from 0 on", text)

    def test_what_was_removed_on_purpose_is_not_lost(self):
        self.made("removed")
        whole = [e["id"] for e in self.lines_of("read", "--json")]
        verified = json.loads(self.output_of("verify", "--json"))
        self.assertEqual(verified["removed_events"], 1192 - len(whole))
        self.assertEqual(sum(r["events"] for r in verified["removals"]), 1192 - len(whole))
        self.assertEqual({r["why"] for r in verified["removals"]}, {"a run", "every third"})
        self.assertIn(f"removed on purpose: {1192 - len(whole)} events\n", self.output_of("verify"))
        said = self.repaired(code=0)
        self.assertTrue(said["complete"])
        self.assertEqual((said["lost"], said["streams"]), ([], []))
        self.assertEqual(said["removed_events"], 1192 - len(whole))
        self.assertNotEqual(said["from_log"], said["into_log"])
        self.assertEqual(said["removals"], verified["removals"])
        gone = sum(s["last_revision"] + 1 - s["first_revision"] for s in said["removed_of_streams"])
        self.assertEqual(gone, 1192 - len(whole))
        self.assertEqual([e["id"] for e in self.lines_of("read", "--json", log=self.new)], whole)
        shutil.rmtree(self.new)
        text = self.output_of("repair", "--into", self.new)
        self.assertIn(f"removed on purpose before, and not lost: {1192 - len(whole)} events", text)

    def test_a_lost_head_mark_leaves_the_end_unknown(self):
        self.made("segments")
        os.remove(os.path.join(self.log, "head"))
        said = self.repaired()
        self.assertEqual((said["events"], said["lost"], said["is_end_known"]), (1000, [], False))
        shutil.rmtree(self.new)
        self.assertIn("more may be lost, from position 1000 on",
                      self.output_of("repair", "--into", self.new, code=DAMAGED))

    def test_it_goes_into_a_new_directory_only(self):
        self.append({"type": "t", "data": {}})
        before = self.tree()
        for target in (self.log, self.scratch, os.path.join(self.log, "inside")):
            self.errors_of("repair", "--into", target, code=REFUSED)
        self.errors_of("repair", "--into", self.path("none/deeper"), code=INPUT_OUTPUT)
        self.errors_of("repair", "--into", "", code=USAGE)
        self.assertIn("usage: everfold repair LOG --into DIRECTORY", self.errors_of("repair", code=USAGE))
        self.errors_of("repair", "--into", self.new, log=self.path("none"), code=NOT_A_LOG)
        self.assertFalse(os.path.exists(self.new))
        self.assertEqual(self.tree(), before)


class VerifyingOn(CommandTest):
    def test_each_damaged_place_is_named_with_what_is_behind_it(self):
        self.made("segments")
        files = sorted(p for p in self.tree() if p.endswith(".evl"))
        for path in (files[1], files[4]):
            with open(path, "r+b") as file:
                file.seek(6000)
                file.write(b"\0" * 100)
        output, errors = self.run_verb("verify", "--json", code=DAMAGED)
        said = json.loads(output)
        self.assertEqual([d["file"] for d in said["damage"]], [files[1], files[4]])
        lost = sum(d["next_intact"] - d["first_lost"] for d in said["damage"])
        self.assertEqual(said["events"], 1000 - lost)
        self.assertIn("the first of 2 damaged places", errors)
        text, _ = self.run_verb("verify", code=DAMAGED)
        for d in said["damage"]:
            self.assertIn(f"lost from position {d['first_lost']} on; intact again from position {d['next_intact']}: "
                          f"{d['intact_behind']} events", text)


if __name__ == "__main__":
    main()
