// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/io/simulated_nodes.hpp>
#include <everfold/io/simulated_state.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

namespace everfold::io {

using simulated::directory_node;
using simulated::directory_ptr;
using simulated::entry;
using simulated::file_ptr;

namespace {

constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 40U;
constexpr std::size_t owner_bytes_max = 256;
constexpr std::uint64_t page_size = 4096;

void collect_files(
    const directory_node& directory, const std::string& path, std::vector<std::string>& out
) {
    for (const auto& [name, target] : directory.current) {
        if (const auto* below = std::get_if<directory_ptr>(&target))
            collect_files(**below, join(path, name), out);
        else
            out.push_back(join(path, name));
    }
}

/// The content at the moment of mapping. (A real one would show later changes too; no file that is
/// mapped has any.)
class copied_mapping final : public mapping {
public:
    explicit copied_mapping(byte_buffer content)
        : content_{std::move(content)} {}

    [[nodiscard]] bytes_view bytes() const noexcept override { return content_; }

private:
    byte_buffer content_;
};

} // namespace

std::string_view name_of(operation op) noexcept {
    constexpr std::array<std::string_view, 14> names{
        "open",
        "create",
        "read",
        "write",
        "sync_data",
        "sync_all",
        "truncate",
        "list",
        "make_directory",
        "rename",
        "link",
        "remove",
        "sync_directory",
        "lock",
    };
    return names.at(static_cast<std::size_t>(op));
}

class simulated_disk::open_file final : public file {
public:
    open_file(std::shared_ptr<state> s, file_ptr node, std::string path, open_mode mode)
        : state_{std::move(s)}
        , node_{std::move(node)}
        , path_{std::move(path)}
        , mode_{mode} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        const auto lock = state_->begin_whole(operation::read, "read", path_);
        const auto& image = node_->current.view();
        if (at.value() >= image.size() || into.empty())
            return 0;
        const auto begin = static_cast<std::size_t>(at.value());
        const auto size = std::min(into.size(), image.size() - begin);
        std::memcpy(into.data(), &image[begin], size);
        state_->bytes_read[path_] += size;
        return size;
    }

    void write_at(byte_offset at, bytes_view from) override {
        const auto v = state_->begin(operation::write, path_);
        if (mode_ == open_mode::read)
            throw io_error{"write to", path_, EBADF};
        if (from.size() > file_bytes_max || at.value() > file_bytes_max - from.size())
            throw io_error{"write to", path_, EFBIG};
        const bool is_whole = v.error_number == 0 && !v.is_torn;
        const auto arrives = is_whole ? from : from.first(from.size() / 2);
        if (v.is_torn && !from.empty() &&
            at.value() / page_size == (at.value() + from.size() - 1) / page_size)
            node_->before_torn.emplace(node_->current, node_->unsynced.size());
        node_->write(at.value(), arrives, state_->keeps_unsynced);
        if (v.is_torn)
            throw powered_off{}; // NOLINT(hicpp-exception-baseclass): no error to catch
        if (v.error_number != 0)
            throw io_error{"write to", path_, v.error_number};
    }

    void sync_data() override { sync(operation::sync_data); }

    void sync_all() override { sync(operation::sync_all); }

    void truncate(std::uint64_t size) override {
        const auto lock = state_->begin_whole(operation::truncate, "truncate", path_);
        if (mode_ == open_mode::read)
            throw io_error{"truncate", path_, EINVAL};
        if (size > file_bytes_max)
            throw io_error{"truncate", path_, EFBIG};
        node_->truncate(size, state_->keeps_unsynced);
    }

    std::uint64_t size() override {
        const auto lock = state_->look();
        return node_->current.view().size();
    }

    std::unique_ptr<const mapping> map() override {
        const auto lock = state_->begin_whole(operation::read, "map", path_);
        return std::make_unique<copied_mapping>(node_->current.view());
    }

    // Nobody sleeps here: time passes only where it is asked for.
    std::unique_ptr<wait_word> word_at(byte_offset /*at*/) override { return nullptr; }

    bool is_in_place() override {
        const auto lock = state_->look();
        return state_->is_at(path_, node_);
    }

private:
    void sync(operation op) {
        const auto v = state_->begin(op, path_);
        if (v.error_number != 0 && !state_->is_shut_down && fail_silently())
            return;
        if (v.error_number != 0 || node_->owes_error) {
            node_->owes_error = false;
            throw io_error{"sync", path_, v.error_number != 0 ? v.error_number : EIO};
        }
        if (!v.is_lie)
            node_->sync();
    }

    /// What becomes of the unsynced writes; whether the caller is not told now.
    bool fail_silently() {
        const auto how = state_->how_syncs_fail;
        if (how == failed_sync::revert)
            node_->revert();
        else
            node_->forget_unsynced();
        state_->is_shut_down = how == failed_sync::shut_down;
        const bool is_silent = how == failed_sync::late && !node_->owes_error;
        node_->owes_error = node_->owes_error || is_silent;
        return is_silent;
    }

    std::shared_ptr<state> state_;
    file_ptr node_;
    std::string path_;
    open_mode mode_;
};

class simulated_disk::held_lock final : public file_lock {
public:
    held_lock(std::shared_ptr<state> s, file_ptr node, std::string path)
        : state_{std::move(s)}
        , node_{std::move(node)}
        , path_{std::move(path)} {}

    held_lock(const held_lock&) = delete;
    held_lock& operator=(const held_lock&) = delete;

    ~held_lock() override {
        const std::scoped_lock lock{state_->mutex};
        node_->is_locked = false;
    }

    [[nodiscard]] bool is_held() const override {
        const auto lock = state_->look();
        return state_->is_at(path_, node_);
    }

    void write_owner(std::string_view text) override {
        const auto lock = state_->look();
        node_->truncate(0, state_->keeps_unsynced);
        node_->write(0, as_bytes(text.substr(0, owner_bytes_max)), state_->keeps_unsynced);
    }

private:
    std::shared_ptr<state> state_;
    file_ptr node_;
    std::string path_;
};

simulated_disk::simulated_disk(bool keeps_unsynced)
    : state_{std::make_shared<state>()} {
    state_->keeps_unsynced = keeps_unsynced;
}

simulated_disk::~simulated_disk() = default;

std::unique_ptr<file> simulated_disk::open(const std::string& path, open_mode mode) {
    const bool is_new = mode == open_mode::create_new;
    const char* verb = is_new ? "create" : "open";
    const auto lock = state_->begin_whole(is_new ? operation::create : operation::open, verb, path);
    if (!is_new)
        return std::make_unique<open_file>(state_, state_->find_file(verb, path), path, mode);
    const auto place = state_->find(verb, path);
    if (place.there)
        throw io_error{verb, path, EEXIST};
    return std::make_unique<open_file>(state_, state_->create_file(place), path, mode);
}

path_kind simulated_disk::kind(const std::string& path, bool) {
    const auto lock = state_->look();
    try {
        const auto place = state_->find("look at", path);
        if (!place.there)
            return path_kind::missing;
        return place.is_directory() ? path_kind::directory : path_kind::regular_file;
    } catch (const io_error& e) {
        if (e.error_number() == ENOENT || e.error_number() == ENOTDIR)
            return path_kind::missing;
        throw;
    }
}

std::vector<std::string> simulated_disk::list(const std::string& directory) {
    const auto lock = state_->begin_whole(operation::list, "list", directory);
    std::vector<std::string> names;
    for (const auto& [name, target] : state_->find_directory("list", directory)->current)
        names.push_back(name);
    return names;
}

void simulated_disk::make_directory(const std::string& path) {
    constexpr auto verb = "create directory";
    const auto lock = state_->begin_whole(operation::make_directory, verb, path);
    const auto place = state_->find(verb, path);
    if (place.there)
        throw io_error{verb, path, EEXIST};
    const auto created = std::make_shared<directory_node>();
    place.parent->change({place.name, {}, created}, state_->keeps_unsynced);
}

void simulated_disk::rename(const std::string& from, const std::string& to) {
    const auto lock = state_->begin_whole(operation::rename, "rename", from);
    const auto source = state_->find("rename", from);
    const auto target = state_->find("rename", to);
    if (!source.there)
        throw io_error{"rename", from, ENOENT};
    if (!source.parent || !target.parent)
        throw io_error{"rename", from, EBUSY};
    if (target.there && *target.there == *source.there)
        return;
    if (source.is_directory()) {
        if (target.there && !target.is_directory())
            throw io_error{"rename", from, ENOTDIR};
        if (target.there && !std::get<directory_ptr>(*target.there)->current.empty())
            throw io_error{"rename", from, ENOTEMPTY};
        // As between file systems: a directory that survived a power cut in two places, or in
        // itself, would be no tree.
        if (source.parent != target.parent)
            throw io_error{"rename", from, EXDEV};
    } else if (target.is_directory()) {
        throw io_error{"rename", from, EISDIR};
    }
    const bool keeps = state_->keeps_unsynced;
    if (source.parent == target.parent) {
        source.parent->change({target.name, source.name, *source.there}, keeps);
    } else {
        target.parent->change({target.name, {}, *source.there}, keeps);
        source.parent->change({{}, source.name, *source.there}, keeps);
    }
}

void simulated_disk::link(const std::string& from, const std::string& to) {
    const auto lock = state_->begin_whole(operation::link, "link", from);
    const auto file = state_->find_file("link", from);
    const auto target = state_->find("link", to);
    if (target.there)
        throw io_error{"link", to, EEXIST};
    target.parent->change({target.name, {}, file}, state_->keeps_unsynced);
}

void simulated_disk::remove(const std::string& path) {
    const auto lock = state_->begin_whole(operation::remove, "remove", path);
    const auto file = state_->find_file("remove", path);
    const auto place = state_->find("remove", path);
    place.parent->change({{}, place.name, file}, state_->keeps_unsynced);
}

void simulated_disk::sync_directory(const std::string& path) {
    constexpr auto verb = "sync directory";
    const auto v = state_->begin(operation::sync_directory, path);
    if (v.error_number != 0)
        throw io_error{verb, path, v.error_number};
    const auto directory = state_->find_directory(verb, path);
    if (!v.is_lie)
        directory->sync();
}

std::unique_ptr<file_lock> simulated_disk::try_lock(const std::string& path) {
    const auto lock = state_->begin_whole(operation::lock, "lock", path);
    const auto place = state_->find("lock", path);
    const auto node = place.there ? state_->find_file("lock", path) : state_->create_file(place);
    if (node->is_locked)
        return nullptr;
    auto held = std::make_unique<held_lock>(state_, node, path);
    node->is_locked = true;
    return held;
}

std::string simulated_disk::lock_owner(const std::string& path) {
    const auto lock = state_->look();
    if (!state_->find("read", path).there)
        return {};
    const auto node = state_->find_file("read", path);
    const bytes_view text = node->current.view();
    return std::string{as_text(text.first(std::min(text.size(), owner_bytes_max)))};
}

std::string simulated_disk::unsafe_kind(const std::string& directory) {
    const auto lock = state_->look();
    [[maybe_unused]] const auto must_exist =
        state_->find_directory("ask for the file system of", directory);
    return {};
}

bool simulated_disk::is_within(const std::string& inner, const std::string& outer) {
    constexpr auto verb = "ask for the place of";
    const auto lock = state_->look();
    const auto wanted = state_->find_directory(verb, outer);
    // There are no links, so the way to it leads through all that it lies in.
    for (auto at = inner;; at = parent(at)) {
        if (state_->find_directory(verb, at) == wanted)
            return true;
        if (at == "/" || at == "." || parent(at) == at)
            return false;
    }
}

std::uint64_t simulated_disk::operation_count() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->count;
}

void simulated_disk::fail_at(std::uint64_t at, int error_number, bool sticky) {
    const std::scoped_lock lock{state_->mutex};
    if (error_number == 0)
        state_->faults.clear();
    else
        state_->faults.push_back({at, error_number, sticky});
}

void simulated_disk::syncs_fail_as(failed_sync how) {
    const std::scoped_lock lock{state_->mutex};
    state_->how_syncs_fail = how;
}

void simulated_disk::lie_from(std::uint64_t at) {
    const std::scoped_lock lock{state_->mutex};
    state_->lies_from = at;
}

void simulated_disk::power_off_at(std::uint64_t at) {
    const std::scoped_lock lock{state_->mutex};
    state_->off_at = at;
}

std::shared_ptr<simulated_disk>
simulated_disk::after_power_cut(power_cut kind, std::uint64_t seed) const {
    auto after = std::make_shared<simulated_disk>(state_->keeps_unsynced);
    const std::scoped_lock lock{state_->mutex};
    after->state_->root = state_->keeps_unsynced
                              ? simulated::after_power_cut(state_->root, kind, seed)
                              : simulated::deep_copy(state_->root);
    return after;
}

std::shared_ptr<simulated_disk>
simulated_disk::after_chosen_cut(power_cut kind, const chooser& choose) const {
    auto after = std::make_shared<simulated_disk>(state_->keeps_unsynced);
    const std::scoped_lock lock{state_->mutex};
    after->state_->root = simulated::after_chosen_cut(state_->root, kind, choose);
    return after;
}

std::shared_ptr<simulated_disk> simulated_disk::after_kill() const {
    auto after = std::make_shared<simulated_disk>(state_->keeps_unsynced);
    const std::scoped_lock lock{state_->mutex};
    after->state_->root = state_->is_shut_down
                              ? simulated::after_power_cut(state_->root, power_cut::lose_all, 0)
                              : simulated::deep_copy(state_->root);
    return after;
}

std::uint64_t simulated_disk::bytes_read(const std::string& path) const {
    const std::scoped_lock lock{state_->mutex};
    const auto found = state_->bytes_read.find(path);
    return found == state_->bytes_read.end() ? 0 : found->second;
}

byte_buffer simulated_disk::content(const std::string& path) const {
    const std::scoped_lock lock{state_->mutex};
    return state_->find_file("read", path)->current.view();
}

void simulated_disk::set_content(const std::string& path, byte_buffer content) {
    const std::scoped_lock lock{state_->mutex};
    const auto place = state_->find("write to", path);
    if (!place.there) {
        const auto created = state_->create_file(place);
        // Durable at once, whatever else is pending in the directory.
        place.parent->durable.insert_or_assign(place.name, created);
    }
    const auto node = state_->find_file("write to", path);
    node->current = simulated::shared_bytes{std::move(content)};
    node->durable = node->current;
    node->forget_unsynced();
}

std::vector<std::string> simulated_disk::files_below(const std::string& directory) const {
    const std::scoped_lock lock{state_->mutex};
    std::vector<std::string> out;
    const auto place = state_->find("list", directory);
    if (place.is_directory())
        collect_files(*std::get<directory_ptr>(*place.there), directory, out);
    std::sort(out.begin(), out.end());
    return out;
}

void simulated_disk::observe(
    std::function<void(std::uint64_t number, operation op, const std::string& path)> observer
) {
    const std::scoped_lock lock{state_->mutex};
    state_->observer =
        observer ? std::make_shared<const state::observer_type>(std::move(observer)) : nullptr;
}

} // namespace everfold::io
