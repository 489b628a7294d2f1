// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/simulated_state.hpp>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace everfold::io {

using simulated::directory_ptr;
using simulated::file_node;
using simulated::file_ptr;

namespace {

// The parts of a path that name something; the root and "." have none.
std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), part.size() + 1));
        if (part == ".." && !parts.empty())
            parts.pop_back();
        else if (!part.empty() && part != "." && part != "..")
            parts.push_back(part);
    }
    return parts;
}

bool changes_something(operation op) {
    return op != operation::open && op != operation::read && op != operation::list &&
           op != operation::lock;
}

} // namespace

simulated_disk::state::verdict simulated_disk::state::begin(operation op, const std::string& path) {
    verdict v{look()};
    const auto number = count++;
    if (const auto observes = observer) {
        v.lock.unlock();
        (*observes)(number, op, path);
        v.lock.lock();
    }
    if (off_at && number >= *off_at) {
        v.is_torn = op == operation::write && !is_off;
        is_off = true;
        if (!v.is_torn)
            throw powered_off{}; // NOLINT(hicpp-exception-baseclass): no error to catch
    }
    for (const auto& f : faults)
        if (number == f.at || (f.is_sticky && number > f.at))
            v.error_number = f.error_number;
    if (is_shut_down && changes_something(op))
        v.error_number = EIO;
    v.is_lie = lies_from && number >= *lies_from;
    return v;
}

std::unique_lock<std::mutex>
simulated_disk::state::begin_whole(operation op, const char* verb, const std::string& path) {
    auto v = begin(op, path);
    if (v.error_number != 0)
        throw io_error{verb, path, v.error_number};
    return std::move(v.lock);
}

std::unique_lock<std::mutex> simulated_disk::state::look() const {
    std::unique_lock lock{mutex};
    if (is_off)
        throw powered_off{}; // NOLINT(hicpp-exception-baseclass): no error to catch
    return lock;
}

simulated_disk::state::place
simulated_disk::state::find(const char* verb, const std::string& path) const {
    if (path.empty())
        throw io_error{verb, path, ENOENT};
    if (path.find('\0') != std::string::npos)
        throw io_error{verb, path, EINVAL};
    place p{{}, {}, simulated::entry{root}};
    for (const auto part : parts_of(path)) {
        if (!p.there)
            throw io_error{verb, path, ENOENT};
        if (!p.is_directory())
            throw io_error{verb, path, ENOTDIR};
        p.parent = std::get<directory_ptr>(*p.there);
        p.name = part;
        const auto found = p.parent->current.find(part);
        p.there = found == p.parent->current.end() ? std::nullopt : std::optional{found->second};
    }
    return p;
}

directory_ptr
simulated_disk::state::find_directory(const char* verb, const std::string& path) const {
    const auto p = find(verb, path);
    if (!p.there)
        throw io_error{verb, path, ENOENT};
    if (!p.is_directory())
        throw io_error{verb, path, ENOTDIR};
    return std::get<directory_ptr>(*p.there);
}

file_ptr simulated_disk::state::find_file(const char* verb, const std::string& path) const {
    const auto p = find(verb, path);
    if (!p.there)
        throw io_error{verb, path, ENOENT};
    if (p.is_directory())
        throw io_error{verb, path, EISDIR};
    return std::get<file_ptr>(*p.there);
}

bool simulated_disk::state::is_at(const std::string& path, const file_ptr& node) const {
    try {
        const auto p = find("look at", path);
        return p.there && *p.there == simulated::entry{node};
    } catch (const io_error&) {
        return false;
    }
}

file_ptr simulated_disk::state::create_file(const place& at) const {
    auto created = std::make_shared<file_node>();
    at.parent->change({at.name, {}, created}, keeps_unsynced);
    return created;
}

} // namespace everfold::io
