// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/store/log_store.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/schema_report.hpp>

namespace everfold {

namespace {

constexpr const char* memory_path = "memory:";

constexpr store_capabilities in_memory_only{
    .query_conditions = true, .removal = true, .snapshots = true};

log::access access_of(open_mode mode) noexcept {
    switch (mode) {
    case open_mode::create:
        return log::access::create;
    case open_mode::existing:
        return log::access::existing;
    case open_mode::read_only:
        return log::access::read_only;
    }
    return log::access::read_only;
}

/// Throws where the store at `path` would lack what is needed, before anything is opened.
void require_able(
    const std::string& path, const store_capabilities& able, const store_capabilities& needed
) {
    const auto lacking = able.lacking(needed);
    if (lacking.empty())
        return;
    std::string what;
    for (const auto& one : lacking)
        what += (what.empty() ? "" : "; ") + one;
    throw error{
        errc::unsupported,
        "the store '" + path + "' can't do what the program needs: " + what +
            (path == memory_path ? ". Open a directory instead of 'memory:'"
                                 : ". Open it with a mirror (store_options::mirror)")};
}

store open_log(
    const std::string& path,
    const store_options& options,
    const io::machine& machine,
    const store_capabilities& able
) {
    require_able(path, able, options.needs);
    const log::log_options log_options{
        .mode = access_of(options.mode),
        .limits =
            {.segment_bytes_max = options.segment_bytes_max,
             .event_bytes_max = options.event_bytes_max,
             .batch_bytes_max = options.batch_bytes_max},
        .compress_sealed = options.compress_sealed,
        .level = options.level,
        .mirror = options.mirror,
        .segment_age_max = options.segment_age_max,
        .allow_unsafe_file_system = options.allow_unsafe_file_system};
    store out{std::make_shared<log_store>(log::event_log::open(machine, path, log_options), able)};
    if (options.schema)
        require_schema(out, options.schema);
    return out;
}

/// The same engine on files that are in memory only (docs/decisions/0004-in-memory-store.md).
store open_in_memory(const store_options& options) {
    if (!options.mirror.empty())
        throw error{errc::invalid, "a store in memory has no mirror"};
    auto machine = io::posix_machine();
    machine.files = std::make_shared<io::simulated_disk>(false);
    machine.has_background = false;
    auto in_memory = options;
    in_memory.mode = open_mode::create;
    in_memory.level = durability::commit(); // what is appended is as durable as it will be
    in_memory.compress_sealed = false;      // nobody else would do it than the one who appends
    require_able(memory_path, in_memory_only, options.needs);
    in_memory.needs = {};
    return open_log("/log", in_memory, machine, in_memory_only);
}

} // namespace

store open(const std::string& path, const store_options& options) {
    if (path == memory_path)
        return open_in_memory(options);
    return open(path, options, io::posix_machine());
}

store open(const std::string& path, const store_options& options, const io::machine& machine) {
    auto able = in_memory_only;
    able.outlives_process = true;
    able.other_processes = true;
    able.mirrored = !options.mirror.empty();
    return open_log(path, options, machine, able);
}

} // namespace everfold
