// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/rebuilding.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

namespace {

std::unique_ptr<io::file_lock> lock_in(io::file_system& files, const std::string& directory) {
    const auto path = io::join(directory, lock_name);
    auto out = files.try_lock(path);
    if (out == nullptr)
        throw error{
            errc::in_use,
            "'" + printable(directory) + "' is in use by " + printable(files.lock_owner(path))};
    return out;
}

/// What an import makes before its log is whole.
bool is_of_import(const std::string& name) {
    return name == lock_name || name.starts_with(std::string{manifest_name} + '.') ||
           name.starts_with(head_name) || name.starts_with("seg-");
}

} // namespace

void prepare_import(const io::machine& machine, const std::string& into) {
    auto& files = *machine.files;
    if (files.kind(into, true) == io::path_kind::missing)
        files.make_directory(into);
    const auto refuse = [&](const std::string& why) {
        throw error{
            errc::invalid,
            "'" + printable(into) + "' " + why + "; an exact import goes into a new directory"};
    };
    if (files.kind(into, true) != io::path_kind::directory)
        refuse("is no directory");
    const auto names = files.list(into);
    if (std::ranges::find(names, manifest_name) != names.end())
        refuse("holds a log already");
    const bool is_marked = std::ranges::find(names, importing_name) != names.end();
    if (!std::ranges::all_of(names, [&](const std::string& name) {
            return is_marked ? is_of_import(name)
                             : name == lock_name || name.starts_with(importing_name);
        }))
        refuse("is not empty");
    const auto lock = lock_in(files, into);
    // The mark last: as long as anything is left, it says what that is.
    for (const auto& name : files.list(into)) {
        if (name != lock_name && name != importing_name)
            files.remove(io::join(into, name));
    }
    files.sync_directory(into);
    if (!is_marked)
        io::replace_durably(files, io::join(into, importing_name), {});
}

void conclude_import(const io::machine& machine, const std::string& into) {
    machine.files->remove(io::join(into, importing_name));
    machine.files->sync_directory(into);
}

/// Says that it is when the append at hand was recorded, so that it is recorded then.
class rebuilt_log::past_clock final : public io::clock {
public:
    explicit past_clock(std::shared_ptr<io::clock> now)
        : now_{std::move(now)} {}

    timestamp now() override { return at_; }

    std::chrono::nanoseconds monotonic() override { return now_->monotonic(); }

    void set(std::int64_t ns) { at_ = timestamp::from_nanoseconds(ns); }

private:
    std::shared_ptr<io::clock> now_;
    timestamp at_{};
};

rebuilt_log::rebuilt_log(const io::machine& machine, std::string into, const origin& from)
    : clock_{std::make_shared<past_clock>(machine.time)}
    , files_{std::make_shared<io::deferred_files>(machine.files, into, manifest_name)}
    , machine_{machine}
    , into_{std::move(into)} {
    machine_.files = files_;
    machine_.time = clock_;
    machine_.has_background = false;
    clock_->set(from.created_ns);
    prepare_directory(machine_, into_);
    {
        const auto lock = lock_in(*files_, into_);
        create_log(machine_, into_, from.limits, from.log_id);
    }
    log_ = event_log::open(
        machine_,
        into_,
        {.mode = access::existing, .compress_sealed = false, .allow_unsafe_file_system = true}
    );
}

placed rebuilt_log::append(
    std::span<const draft> events, const uuid& append_id, std::int64_t recorded_ns
) {
    clock_->set(recorded_ns);
    auto out = log_->append(events, append_id, [](const stream_heads&) { return true; });
    check(out.has_value(), "an append without a condition happens");
    return std::move(*out);
}

placed rebuilt_log::append(std::span<const draft> events) {
    auto out = log_->append(events, {}, [](const stream_heads&) { return true; });
    check(out.has_value(), "an append without a condition happens");
    return std::move(*out);
}

void rebuilt_log::add_file(std::string_view name, bytes_view content) {
    io::replace_durably(*files_, io::join(into_, name), content);
}

} // namespace everfold::log
