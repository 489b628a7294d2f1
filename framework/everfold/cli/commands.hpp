// SPDX-License-Identifier: MIT
#pragma once
// One function a command. Each opens the log in the weakest mode that will do, writes its answer
// to `out` and throws what failure.hpp turns into an exit code.

#include <everfold/cli/arguments.hpp>
#include <everfold/cli/output.hpp>

namespace everfold::cli {

void append_events(const arguments& args, output& out);
void import_events(const arguments& args, output& out);
void export_events(const arguments& args, output& out);
void copy_events(const arguments& args, output& out);
void read_events(const arguments& args, output& out);
void list_streams(const arguments& args, output& out);
void list_categories(const arguments& args, output& out);
void show_stream(const arguments& args, output& out);
void describe_stream(const arguments& args, output& out);
void show_schema(const arguments& args, output& out);
void list_types(const arguments& args, output& out);
void show_stats(const arguments& args, output& out);
void verify_log(const arguments& args, output& out);
void back_up_log(const arguments& args, output& out);
void repair_log(const arguments& args, output& out);
void truncate_stream(const arguments& args, output& out);
void tombstone_stream(const arguments& args, output& out);
void retain_stream(const arguments& args, output& out);
void scavenge_log(const arguments& args, output& out);
void list_removals(const arguments& args, output& out);

} // namespace everfold::cli
