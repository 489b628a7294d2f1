#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bugs that other stores have had, as changes to our own sources, and the test that notices each.

A change is an old text, which stands exactly once in its file, and a new one. Nothing of this is in the
sources themselves: run.py changes a copy of them. Run by itself, prints the table of framework/docs/mutants.md.
"""
from dataclasses import dataclass

LOG = "framework/everfold/log/"
IO = "framework/everfold/io/"
STORE = "framework/everfold/store/"


@dataclass(frozen=True)
class Mutant:
    number: str
    bug: str  # what the changed sources do
    program: str  # tests/test_<program> has the case that must fail
    case: str
    changes: tuple  # (file, old text, new text) each


@dataclass(frozen=True)
class Exhibit:
    """One class of bugs: who was bitten, what we do about it, and mutants that have the bug."""

    number: str
    bug: str
    bitten: str
    rule: str
    mutants: tuple = ()
    absent: str = ""  # why we can't have it


def mutant(number, bug, program, case, *changes):
    return Mutant(number, bug, program, case, tuple(changes))


WRITE_THEN_SYNC = "write_with_room(in_flight_, from.at);\n        file_->sync_data();"
TAIL_KNOWN = "auto known = std::max(durable, state.watermark);"
TAIL_KNOWN_BEHIND = "known = watermark_behind(reader, state.at, state.at.advanced(used));"
NOT_AT_COMMIT = "log.head.mark.in_flight_max > in_flight_max_at_commit(log.content.limits)"

MUSEUM = (
    Exhibit(
        "M01", "Damage in the middle is cut off like a torn end",
        "Pebble 453, NATS 7549, Kafka", "watermarks and head mark tell torn from damaged",
        (mutant(
            "M01", "nothing vouches for what lies before it", "log",
            "a frame that lies about the past is found by what follows it",
            (LOG + "opening.cpp", TAIL_KNOWN, "auto known = byte_offset{};"),
            (LOG + "opening.cpp", TAIL_KNOWN_BEHIND, ""),
        ),),
    ),
    Exhibit(
        "M02", "A bad record is skipped, and the hole goes unnoticed",
        "LevelDB, RocksDB 7701", "a prefix, or no opening",
        (mutant(
            "M02", "the walk goes on at the next header that checks", "store_property",
            "any flipped bit of a closed log is an error, a report, or changes no answer",
            (LOG + "frame_walk.cpp", "state.why = in_words(reader.fault());\n            return;",
             "const auto next = reader.find_header(state.at.advanced(8), end);\n"
             "            if (next) {\n                state.at = next->at;\n                continue;\n"
             "            }\n            state.at = end;\n            return;"),
            (LOG + "frame_walk.cpp", "header.first != state.next", "header.first < state.next"),
            (LOG + "frame_walk.cpp", "header.chain_low != static_cast<std::uint32_t>(state.chain)", "false"),
            (LOG + "frame_walk.cpp", "state.chain = chain;\n            state.next = state.next.advanced",
             "state.chain = chain;\n            state.next = header.first.advanced"),
        ),),
    ),
    Exhibit(
        "M03", "A log cut between two records looks whole",
        "RocksDB 7701", "the end must reach the head mark",
        (mutant(
            "M03", "a walk that ends without a fault is believed", "log",
            "a log cut on a frame boundary is damaged, though every frame in it is whole",
            (LOG + "opening.cpp", TAIL_KNOWN + "\n    if (state.at < known)",
             TAIL_KNOWN + "\n    if (state.at < known && !state.why.empty())"),
        ),),
    ),
    Exhibit(
        "M04", "A read error is taken for the end of the file",
        "RocksDB 6288", "a read error ends the opening",
        (mutant(
            "M04", "what can't be read is not there", "log",
            "a sector that can't be read ends the opening, and nothing is cut off",
            (LOG + "frame_reader.cpp",
             "buffer_size_ = source_->read_at(byte_offset{at}, std::span{buffer_}.first(wanted), scratch_);",
             "try {\n        buffer_size_ = source_->read_at(\n            byte_offset{at}, "
             "std::span{buffer_}.first(wanted), scratch_);\n    } catch (const std::exception&) {\n    }"),
        ),),
    ),
    Exhibit(
        "M05", "A failed sync is repeated, and its second success believed",
        "PostgreSQL 2018, LevelDB 161", "the first failure is the writer's end",
        (mutant(
            "M05", "a failed sync is tried once more", "log",
            "after a failed sync the writer stays failed, reads go on, and reopening believes no cache",
            (LOG + "log_writer_durability.cpp", WRITE_THEN_SYNC,
             "write_with_room(in_flight_, from.at);\n        try {\n            file_->sync_data();\n"
             "        } catch (const io_error&) {\n            file_->sync_data();\n        }"),
        ),),
    ),
    Exhibit(
        "M06", "After a failed sync the page cache is believed",
        "ATC 2020, Rebello and others", "the next opening goes back to what was durable",
        (mutant(
            "M06.1", "the next opening on the same boot believes what it reads", "log",
            "after a failed sync the writer stays failed, reads go on, and reopening believes no cache",
            (LOG + "opening.cpp", "durable.is_same_boot && head.mark.state == head_state::failed", "false"),
        ),
        mutant(
            "M06.2", "a copy of the head mark that need not be durable counts as the safe one", "log",
            "one copy of the head mark is whole whatever fails, is killed and loses power in turn",
            (LOG + "slots.cpp", "is_first_at_risk_ = true;", "is_first_at_risk_ = false;"),
        )),
    ),
    Exhibit(
        "M07", "A new name is not synced",
        "Kafka 3968, etcd 6368, RocksDB 10573, BoltDB", "a directory is synced after each change of a name",
        (
            mutant(
                "M07.1", "a file is replaced without a sync of its directory", "log_crash",
                "power lost at any operation loses nothing that was acknowledged",
                (IO + "file_system.cpp", "files.sync_directory(parent(path));", ""),
            ),
            mutant(
                "M07.2", "a new segment's name is not synced", "log_crash",
                "power lost at any operation loses nothing that was acknowledged",
                (LOG + "segment_file.cpp", "file->sync_all();\n    machine.files->sync_directory(directory);",
                 "file->sync_all();"),
            ),
            mutant(
                "M07.3", "the new name of a segment that was made ahead is not synced", "log_crash",
                "power lost at any operation loses nothing that was acknowledged",
                (LOG + "segment_file.cpp", "next_segment_name), path);\n    machine.files->sync_directory(directory);",
                 "next_segment_name), path);"),
            ),
        ),
    ),
    Exhibit(
        "M08", "What recovery found is served before it is durable",
        "Kafka 8812, PostgreSQL 2015", "a writer syncs before it reads",
        (mutant(
            "M08", "the active segment is not synced at opening", "log",
            "a reader does not see what is written and not yet durable",
            (LOG + "opening.cpp", "active_file->sync_all();\n    files.sync_directory(directory);",
             "files.sync_directory(directory);"),
        ),),
    ),
    Exhibit(
        "M09", "An append is acknowledged before the sync",
        "etcd 14370, NATS 7564", "acknowledged is durable",
        (
            mutant(
                "M09.1", "a group is not synced", "log_crash",
                "power lost at any operation loses nothing that was acknowledged",
                (LOG + "log_writer_durability.cpp", WRITE_THEN_SYNC, "write_with_room(in_flight_, from.at);"),
            ),
            mutant(
                "M09.2", "at the weaker levels a sync does nothing", "log_crash",
                "at every level, a power cut at any operation leaves a prefix with all that was durable",
                (LOG + "log_writer_durability.cpp", "require_lock();\n        file_->sync_data();",
                 "require_lock();"),
            ),
        ),
    ),
    Exhibit(
        "M10", "Readers see what a crash then takes back",
        "etcd 14143, KurrentDB 3972", "readers stop at what is durable",
        (
            mutant(
                "M10.1", "the process reads a group before its sync", "log",
                "after a failed sync the writer stays failed, reads go on, and reopening believes no cache",
                (LOG + "log_writer_durability.cpp", WRITE_THEN_SYNC,
                 "write_with_room(in_flight_, from.at);\n"
                 "        index_group(in_flight_, from, mark.segment_id);\n        file_->sync_data();"),
                (LOG + "log_writer_durability.cpp", "is_durable = true;\n        index_group(in_flight_, from, mark.segment_id);",
                 "is_durable = true;"),
            ),
            mutant(
                "M10.2", "the head mark moves before the sync", "log",
                "a reader does not see what is written and not yet durable",
                (LOG + "log_writer_durability.cpp", WRITE_THEN_SYNC,
                 "write_with_room(in_flight_, from.at);\n        head_->write(encode(mark));\n"
                 "        file_->sync_data();"),
            ),
        ),
    ),
    Exhibit(
        "M11", "What is written during a sync counts as synced",
        "RocksDB 10560", "how far a sync reaches is noted before it begins",
        (mutant(
            "M11", "a sync covers what was written when it returned", "log",
            "what is written while a sync is under way is not durable with it",
            (LOG + "log_writer_durability.cpp", "if (!failed)\n        durable_ = to;",
             "if (!failed)\n        durable_ = written_;"),
        ),),
    ),
    Exhibit(
        "M12", "The check that finds damage is off in some configurations",
        "Pebble 6031", "damage is found at each level, by writer and reader, with a mirror or not",
        (mutant(
            "M12", "after a writer of a weaker level nothing vouches", "log",
            "a durable frame that is missing is found whatever the log's configuration",
            (LOG + "opening.cpp", TAIL_KNOWN,
             "auto known = " + NOT_AT_COMMIT + " ? byte_offset{} : std::max(durable, state.watermark);"),
        ),),
    ),
    Exhibit(
        "M13", "A length of zero, or a zero checksum, means the end",
        "etcd, Redpanda 4099", "nothing ends a log but its end",
        (mutant(
            "M13", "a frame without a body ends the segment", "log",
            "a torn tail is put aside, counted and named, and the log goes on",
            (LOG + "frame_walk.cpp", "const auto& header = frame->header;",
             "const auto& header = frame->header;\n        if (header.body_length == 0)\n            return;"),
        ),),
    ),
    Exhibit(
        "M14", "Old records come back after a rewrite",
        "etcd, FoundationDB, RocksDB", "the tail is cut, and epoch and chain tell lives apart",
        (mutant(
            "M14", "a torn tail stays, and neither epoch nor chain is looked at", "log",
            "what lay behind a torn frame does not come back, though what is appended leads up to it",
            (LOG + "opening.cpp", "active_file->truncate(log.active.at.value());", ""),
            (LOG + "frame_walk.cpp", "header.epoch < state.epoch", "false"),
            (LOG + "frame_walk.cpp", "header.chain_low != static_cast<std::uint32_t>(state.chain)", "false"),
        ),),
    ),
    Exhibit(
        "M15", "Space reserved ahead holds old memory",
        "Scylla 31740", "a file that was made ahead holds zeros, as far as a header",
        (mutant(
            "M15", "garbage follows the header of a segment that was made ahead", "log",
            "a writer that is killed in a segment that was made ahead leaves nothing to put aside",
            (LOG + "segment_file.cpp", "file->write_at(byte_offset{0}, byte_buffer(segment_header_size));",
             "file->write_at(byte_offset{0}, byte_buffer(segment_header_size + 4096, std::byte{0xEE}));"),
        ),),
    ),
    Exhibit(
        "M16", "A short write leaves half a record behind",
        "rocksdb-js 748", "writes are at known places, gone on with, or taken back",
        (
            mutant(
                "M16.1", "a short write is taken for a whole one", "io_interrupted",
                "whatever calls are cut short or interrupted, what was written is read back",
                (IO + "posix.cpp", "done += static_cast<std::size_t>(put);", "done = from.size();"),
            ),
            mutant(
                "M16.2", "what did not fit on the disk is not taken back", "log",
                "P12: a frame that fitted before its group was refused does not come back",
                (LOG + "log_writer.cpp", "file_->truncate(at.value());\n        file_->sync_all();", ""),
            ),
        ),
    ),
    Exhibit(
        "M17", "A full disk leaves metadata ahead of data",
        "KurrentDB 3452, etcd 2819, RocksDB 7784", "data, sync, then the mark",
        (mutant(
            "M17", "the head mark is written before its data", "log",
            "P12: what was refused does not come back, wherever the power is cut afterwards",
            (LOG + "log_writer_durability.cpp", WRITE_THEN_SYNC, "head_->write(encode(mark));\n        " + WRITE_THEN_SYNC),
        ),),
    ),
    Exhibit(
        "M18", "A checkpoint or an index is ahead of the log",
        "etcd 13766, RocksDB", "a checkpoint is confirmed, an index is derived",
        (
            mutant(
                "M18.1", "a checkpoint beyond the end is believed", "store",
                "P9: an older copy of the log is told, at once and after other appends to it",
                (STORE + "checkpoint.cpp", "if (c.next > last)", "if (false)"),
            ),
            mutant(
                "M18.2", "an index of another state of the segment is used", "log",
                "an index of another segment, or of another state of it, is not used",
                (LOG + "segment_files.cpp", "found.content != nullptr && found.of == identity_of(entry)", "found.content != nullptr"),
            ),
        ),
    ),
    Exhibit(
        "M19", "A snapshot is of what the log does not hold",
        "etcd 10219, 11888", "a snapshot names its past, and the log confirms it",
        (mutant(
            "M19", "a snapshot is used unasked", "store",
            "P14: a snapshot of what the log no longer holds is ignored, and the report says so",
            (STORE + "log_store.cpp", "if (found && (!is_place_of(", "if (false && (!is_place_of("),
        ),),
    ),
    Exhibit(
        "M20", "A crash between the steps of a compaction loses or revives",
        "Kafka, etcd 17780, NATS", "the manifest is the one moment of change",
        (mutant(
            "M20", "the old file is removed before the manifest names the new one", "log_crash",
            "power lost at any operation loses nothing that was acknowledged",
            (LOG + "upkeep.cpp", "if (!entries_->replace_entry(entry)) {",
             "files.remove(io::join(directory_, old_file));\n    files.sync_directory(directory_);\n"
             "    if (!entries_->replace_entry(entry)) {"),
            (LOG + "upkeep.cpp", "index_->move_segment(std::move(moved));\n    files.remove(io::join(directory_, old_file));",
             "index_->move_segment(std::move(moved));"),
        ),),
    ),
    Exhibit(
        "M21", "A crash during recovery leaves a log that can't be opened",
        "CockroachDB 68319, sled 851", "recovery can be repeated from any point",
        (mutant(
            "M21", "what a first recovery has put aside is in the way of the second", "log_crash",
            "power lost again at any operation of recovery loses nothing",
            (LOG + "quarantine.cpp", "if (files.kind(path) == io::path_kind::missing)\n            return path;",
             "return path;"),
        ),),
    ),
    Exhibit(
        "M22", "The last segment but one is never verified",
        "KurrentDB 1653", "every segment is read again",
        (mutant(
            "M22", "verifying passes over the last segment but one", "log_repair",
            "P22: any flipped bit of any segment is found in its file, and the rest is counted",
            (LOG + "verification.cpp", "for (std::size_t i = 0; i < entries.size(); ++i) {",
             "for (std::size_t i = 0; i < entries.size(); ++i) {\n            if (i + 2 == entries.size())\n"
             "                continue;"),
        ),),
    ),
    Exhibit(
        "M23", "Cleaning up deletes live data",
        "NATS 7556", "what the manifest does not name is put aside",
        (mutant(
            "M23", "a file that the manifest does not name is removed", "log",
            "a segment that the manifest does not name is put aside and never read",
            (LOG + "quarantine.cpp", "files.rename(path, to);", "files.remove(path);"),
        ),),
    ),
    Exhibit(
        "M24", "A clock that goes backwards breaks the order",
        "RocksDB", "recorded time never falls",
        (mutant(
            "M24", "recorded time is the clock's", "log",
            "recorded time never runs backwards, whatever the clock does",
            (LOG + "batch_framer.cpp", "std::max(here_.recorded_ns, now.to_nanoseconds().value_or(0))",
             "now.to_nanoseconds().value_or(0)"),
            (LOG + "batch_framer.cpp", "last = std::clamp(wanted, last, latest);", "last = wanted;"),
        ),),
    ),
    Exhibit(
        "M25", "An append is repeated after a time-out and made twice",
        "KurrentDB 1949, Redpanda 3039", "the append id is in the frame",
        (mutant(
            "M25", "an append that is repeated is not known again", "store",
            "P21: with an exact expectation an append is known again however long ago it was",
            (STORE + "repeated_append.cpp", "if (batch.id == request.append_id)\n            return batch;", ""),
        ),),
    ),
    Exhibit(
        "M26", "After a failure an append is made twice",
        "RocksDB", "a writer that has failed writes nothing more",
        (mutant(
            "M26", "a failed group does not end the writer", "log",
            "after a failed sync the writer stays failed, reads go on, and reopening believes no cache",
            (LOG + "log_writer_durability.cpp", "fail(failed);\n        rethrow_as_met(failed); // the others",
             "rethrow_as_met(failed); // the others"),
        ),),
    ),
    Exhibit(
        "M27", "Half a batch is visible",
        "Pebble 36", "one frame is one batch",
        (mutant(
            "M27", "each event of a batch is a frame of its own", "log_crash",
            "power lost at any operation loses nothing that was acknowledged",
            (LOG + "batch_framer.cpp", "const auto recorded = recorded_times(events, now);\n",
             "if (events.size() > 1) {\n        auto whole = add_batch(events.first(1), append_id, now, durable);\n"
             "        auto rest = add_batch(events.subspan(1), append_id, now, durable);\n"
             "        for (const auto r : rest.revisions)\n            whole.revisions.push_back(r);\n"
             "        return whole;\n    }\n    const auto recorded = recorded_times(events, now);\n"),
        ),),
    ),
    Exhibit(
        "M28", "A lock is lost by an unrelated close, or by a fork",
        "SQLite, LMDB", "flock, which belongs to the open file",
        (
            mutant(
                "M28.1", "the lock is the process's, and any close of the file ends it", "io",
                "a lock is held once until it is let go",
                (IO + "posix.cpp", "::flock(opened.value(), LOCK_EX | LOCK_NB)",
                 "[&] {\n                    struct ::flock whole {};\n                    whole.l_type = F_WRLCK;\n"
                 "                    return ::fcntl(opened.value(), F_SETLK, &whole);\n                }()"),
            ),
            mutant(
                "M28.2", "a forked child lets its parent's lock go", "io",
                "a lock survives the end of a forked child, which does not hold it",
                (IO + "posix.cpp", "if (::getpid() == pid_)\n", "if (true)\n"),
            ),
            mutant(
                "M28.3", "a lock whose file was replaced still counts", "io",
                "a lock whose file was removed or replaced is no longer held",
                (IO + "posix.cpp", "is_same_file(there, file);", "true;"),
            ),
        ),
    ),
    Exhibit(
        "M29", "A backup copies a tail that is being written",
        "Pebble 5142, KurrentDB", "a backup ends at what is durable",
        (mutant(
            "M29", "all of the active segment's file is copied", "log",
            "P22: a backup made between a write and its sync is a whole log",
            (LOG + "backup.cpp", "work.copy(entry.file, log.active.at.value());", "work.copy_whole(entry.file);"),
        ),),
    ),
    Exhibit(
        "M30", "Ciphertext is durable before its key",
        "NATS 8366", "", absent="nothing is encrypted, so there are no keys",
    ),
    Exhibit(
        "M31", "Verifying compares what was computed before",
        "immudb 2063", "verifying computes every checksum again",
        (mutant(
            "M31", "the content of a frame is not looked at", "log_repair",
            "P22: any flipped bit of any segment is found in its file, and the rest is counted",
            (LOG + "frame_reader.cpp", "checksum(body, header->first.value()) != header->body_checksum", "false"),
        ),),
    ),
    Exhibit(
        "M32", "Positions are in another order than commits",
        "Marten 1629", "one writer, which completes in the order of the log",
        (mutant(
            "M32", "of appends in flight the last one is completed first", "log",
            "appends in flight from one thread are placed and completed in the order of the calls",
            (LOG + "log_writer_durability.cpp", "std::move(completions_.front());\n        completions_.pop_front();",
             "std::move(completions_.back());\n        completions_.pop_back();"),
        ),),
    ),
    Exhibit(
        "M33", "A shared field of an earlier life is believed",
        "SQLite", "the higher generation holds, and marks name their boot",
        (
            mutant(
                "M33.1", "the second slot holds, whatever its generation", "log",
                "of two whole slots the one with the higher generation holds, whichever that is",
                (LOG + "slots.cpp", "second->generation > first->generation", "true"),
            ),
            mutant(
                "M33.2", "a mark of an earlier boot counts as one of this boot", "log",
                "a reader of the next boot sees all that was acknowledged, though the head mark lags",
                (LOG + "opening.cpp", "is_known && mark.boot_id == machine.boot_id", "is_known"),
            ),
        ),
    ),
    Exhibit(
        "M34", "A call that is interrupted, or reads less, is taken for a failure or for the end",
        "many", "loops around each call",
        (
            mutant(
                "M34.1", "an interrupted call is a failure", "io_interrupted",
                "whatever calls are cut short or interrupted, what was written is read back",
                (IO + "posix.cpp", "while (result == -1 && errno == EINTR)", "while (false)"),
            ),
            mutant(
                "M34.2", "a short read is the end of the file", "io_interrupted",
                "whatever calls are cut short or interrupted, what was written is read back",
                (IO + "posix.cpp", "done += static_cast<std::size_t>(got);",
                 "return done + static_cast<std::size_t>(got);"),
            ),
        ),
    ),
    Exhibit(
        "M35", "A torn end is reported as corruption, and each opening complains",
        "Scylla 4700", "a torn tail is a note, zeros are not worth one",
        (
            mutant(
                "M35.1", "a torn tail is damage", "log",
                "a torn tail is put aside, counted and named, and the log goes on",
                (LOG + "opening.cpp", "if (used > in_flight_max)", "if (used > 0)"),
            ),
            mutant(
                "M35.2", "zeros at the end are put aside with a note", "log",
                "zeros after the last frame are not worth a word",
                (LOG + "opening.cpp", "if (torn > 0) {", "if (reader.source().size() > log.active.at.value()) {"),
            ),
        ),
    ),
    Exhibit(
        "M36", "A length that nobody checked asks for gigabytes",
        "etcd 14114, cpp-httplib", "bounded before anything is allocated",
        (
            mutant(
                "M36.1", "a file is read whole, however long", "io",
                "read_whole refuses a file above its limit before reading it",
                (IO + "file_system.cpp", "if (size > size_max)", "if (false)"),
            ),
            mutant(
                "M36.2", "a frame is as long as it says", "log",
                "a frame that says it is longer than can be is refused before its bytes are asked for",
                (LOG + "frame_reader.cpp", "header->body_length > batch_bytes_max_ || ", ""),
                (LOG + "frame_reader.cpp", "header->frame_size() > room", "false"),
            ),
            mutant(
                "M36.3", "a record's field is as long as it says", "log",
                "no bytes make the record reader read outside them",
                (LOG + "record.cpp", "if (size > rest_.size()) {", "if (false) {"),
            ),
        ),
    ),
)

# One deliberate bug for each program of tests, and for the released bytes, that the museum leaves out.
PROGRAMS = (
    mutant(
        "T.base", "a time zone's sign is dropped", "base", "parse takes the forms of RFC 3339",
        ("framework/everfold/base/timestamp.cpp", "return sign * (*hours", "return (*hours"),
    ),
    mutant(
        "T.event", "a number that fits half the bytes takes all", "event",
        "floating numbers take four bytes exactly where that loses nothing",
        ("framework/everfold/event/cbor.cpp", "if (is_narrow()) {", "if (false) {"),
    ),
    mutant(
        "T.golden", "a segment's header has another minor version", "store",
        "P20: what this version writes is, byte for byte, what its format was released with",
        (LOG + "format.cpp", "append_le(out, format_major);\n    append_le(out, std::uint16_t{0});",
         "append_le(out, format_major);\n    append_le(out, std::uint16_t{1});"),
    ),
    mutant(
        "T.log_mirror_crash", "the mirror is not synced", "log_mirror_crash",
        "power lost at any operation leaves all that was acknowledged in the log and its mirror",
        (IO + "mirrored.cpp", "one_->sync_data();\n        other_->sync_data();", "one_->sync_data();"),
    ),
    mutant(
        "T.proof", "the sync before the first read of a recovery is missing", "proof",
        "no suite of the proof finds a violation in its quick share",
        (LOG + "opening.cpp", "active_file->sync_all();\n    files.sync_directory(directory);",
         "files.sync_directory(directory);"),
    ),
    mutant(
        "T.aggregate", "a snapshot of another layout is used", "aggregate",
        "a snapshot of another layout is counted and not used",
        ("framework/everfold/aggregate/repository_engine.cpp", "found.layout == functions_.layout && ", ""),
    ),
    mutant(
        "T.compaction_crash", "the last event of a key goes with those before it", "compaction_crash",
        "P15: whatever interrupts compacting by key, the last event of each key and every state is there",
        (STORE + "key_compaction.cpp", "superseded_.push_back(found->second.at);\n",
         "superseded_.push_back(found->second.at);\n        superseded_.push_back(now.at);\n"),
    ),
    mutant(
        "T.store_memory", "reading keeps what it has read", "store_memory",
        "reading takes no more memory of a log that is ten times as large",
        (STORE + "log_store_cursor.cpp", "    tags_.clear();\n    present(", "    present("),
    ),
    mutant(
        "T.store_transfer", "a copy forgets what caused an event", "store_transfer",
        "a copy has the events of its source, in the same appends, whatever the stores are",
        (STORE + "copy.cpp", "    e.causation_id = event.causation_id;\n", ""),
    ),
    mutant(
        "T.testing", "reading in pieces is not checked", "testing",
        "a store that does one thing wrong fails the case that is about it",
        ("framework/everfold/testing/conformance.cpp", "check.equal(in_pieces, whole, ", "check.equal(whole, whole, "),
    ),
    mutant(
        "T.evolution", "a newer version is read by whoever knows an older one", "evolution",
        "a version that is newer than the program is refused as newer, unless it is additive",
        ("framework/everfold/aggregate/fold.cpp", "steps_[i].reads_newer && ", ""),
    ),
    mutant(
        "T.projection", "a subscription passes over the first event", "projection",
        "P9: a subscription delivers what is there, then what comes, each event once and in order",
        ("framework/everfold/projection/subscription.cpp", "query{wanted_}.from(from)", "query{wanted_}.from(from.next())"),
    ),
    mutant(
        "T.projection_crash", "an event is noted as handled before it is", "projection_crash",
        "P9: killed at any moment, a subscriber handles each event, and few of them again",
        ("framework/everfold/projection/subscription.cpp", "next_ = e.log_position; // the query",
         "next_ = e.log_position.next();\n    save(); // the query"),
    ),
    mutant(
        "T.cli", "a condition with blanks is not read", "cli",
        "a condition compares, with blanks or without",
        ("framework/everfold/cli/where.cpp", 'blanks = " \\t";', 'blanks = "";'),
    ),
)

# Nobody can notice it. A run in which it is killed proves nothing.
CANARY = mutant(
    "canary", "a comment is another one", "log", "the newest whole slot holds",
    (LOG + "slots.cpp", "// The anchor is only ever overwritten while the other slot is durable.",
     "// The canary sings."),
)


def mutants():
    """All but the canary, in order."""
    return [m for exhibit in MUSEUM for m in exhibit.mutants] + list(PROGRAMS)


def table():
    """The lines of the page's table."""
    lines = ["| | bug | bitten | what prevents it | noticed by |", "| --- | --- | --- | --- | --- |"]
    for e in MUSEUM:
        cases = list(dict.fromkeys(f"`{m.case}`" for m in e.mutants))
        lines.append(f"| {e.number} | {e.bug} | {e.bitten} | {e.rule or '—'} | {', '.join(cases) or e.absent} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
