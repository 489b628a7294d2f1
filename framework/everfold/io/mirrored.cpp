// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/io/mirrored.hpp>

#include <cerrno>
#include <utility>

namespace everfold::io {

namespace {

/// Sleeps as readers of the one file do, and wakes those of both.
class mirrored_word final : public wait_word {
public:
    mirrored_word(std::unique_ptr<wait_word> one, std::unique_ptr<wait_word> other)
        : one_{std::move(one)}
        , other_{std::move(other)} {}

    [[nodiscard]] slept
    wait(std::uint32_t seen, std::chrono::nanoseconds timeout) noexcept override {
        return one_->wait(seen, timeout);
    }

    std::size_t wake() noexcept override { return one_->wake() + other_->wake(); }

private:
    std::unique_ptr<wait_word> one_;
    std::unique_ptr<wait_word> other_;
};

class mirrored_file final : public file {
public:
    mirrored_file(std::unique_ptr<file> one, std::unique_ptr<file> other)
        : one_{std::move(one)}
        , other_{std::move(other)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        return one_->read_at(at, into);
    }

    void write_at(byte_offset at, bytes_view from) override {
        one_->write_at(at, from);
        other_->write_at(at, from);
    }

    void sync_data() override {
        one_->sync_data();
        other_->sync_data();
    }

    void sync_all() override {
        one_->sync_all();
        other_->sync_all();
    }

    void truncate(std::uint64_t size) override {
        one_->truncate(size);
        other_->truncate(size);
    }

    std::uint64_t size() override { return one_->size(); }

    std::unique_ptr<const mapping> map() override { return one_->map(); }

    std::unique_ptr<wait_word> word_at(byte_offset at) override {
        auto one = one_->word_at(at);
        auto other = other_->word_at(at);
        if (one == nullptr || other == nullptr)
            return nullptr;
        return std::make_unique<mirrored_word>(std::move(one), std::move(other));
    }

private:
    std::unique_ptr<file> one_;
    std::unique_ptr<file> other_;
};

class both_locks final : public file_lock {
public:
    both_locks(std::unique_ptr<file_lock> one, std::unique_ptr<file_lock> other)
        : one_{std::move(one)}
        , other_{std::move(other)} {}

    [[nodiscard]] bool is_held() const override { return one_->is_held() && other_->is_held(); }

    void write_owner(std::string_view text) override {
        one_->write_owner(text);
        other_->write_owner(text);
    }

private:
    std::unique_ptr<file_lock> one_;
    std::unique_ptr<file_lock> other_;
};

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.pop_back();
    return path;
}

/// Does `change` unless what it asks for is so already, as `number` says.
template <class Change>
void unless(int number, Change change) {
    try {
        change();
    } catch (const io_error& e) {
        if (e.error_number() != number)
            throw;
    }
}

} // namespace

std::unique_ptr<file_lock> both(std::unique_ptr<file_lock> one, std::unique_ptr<file_lock> other) {
    return std::make_unique<both_locks>(std::move(one), std::move(other));
}

mirrored_files::mirrored_files(
    std::shared_ptr<file_system> to, std::string directory, std::string mirror
)
    : to_{std::move(to)}
    , directory_{without_slash(std::move(directory))}
    , mirror_{std::move(mirror)} {
    check(!directory_.empty() && !mirror_.empty(), "both directories have a name");
}

mirrored_files::~mirrored_files() = default;

std::string mirrored_files::twin_of(const std::string& path) const {
    if (without_slash(path) == directory_)
        return mirror_;
    const auto below = directory_.ends_with('/') ? directory_ : directory_ + '/';
    if (!path.starts_with(below))
        return {};
    return join(mirror_, std::string_view{path}.substr(below.size()));
}

std::unique_ptr<file> mirrored_files::open(const std::string& path, open_mode mode) {
    auto one = to_->open(path, mode);
    const auto twin = twin_of(path);
    if (mode == open_mode::read || twin.empty())
        return one;
    // The directory had no such file, so nobody needs the mirror's.
    if (mode == open_mode::create_new)
        unless(ENOENT, [&] { to_->remove(twin); });
    return std::make_unique<mirrored_file>(std::move(one), to_->open(twin, mode));
}

path_kind mirrored_files::kind(const std::string& path, bool follow) {
    return to_->kind(path, follow);
}

std::vector<std::string> mirrored_files::list(const std::string& directory) {
    return to_->list(directory);
}

void mirrored_files::make_directory(const std::string& path) {
    to_->make_directory(path);
    if (const auto twin = twin_of(path); !twin.empty())
        unless(EEXIST, [&] { to_->make_directory(twin); });
}

void mirrored_files::rename(const std::string& from, const std::string& to) {
    const auto twin_from = twin_of(from);
    const auto twin_to = twin_of(to);
    check(twin_from.empty() == twin_to.empty(), "a file stays in the directory that is mirrored");
    to_->rename(from, to);
    if (!twin_from.empty())
        to_->rename(twin_from, twin_to);
}

void mirrored_files::link(const std::string& from, const std::string& to) {
    to_->link(from, to);
    const auto twin_from = twin_of(from);
    const auto twin_to = twin_of(to);
    if (twin_to.empty())
        return;
    check(!twin_from.empty(), "what is linked lies in the directory that is mirrored");
    unless(ENOENT, [&] { to_->remove(twin_to); });
    to_->link(twin_from, twin_to);
}

void mirrored_files::remove(const std::string& path) {
    to_->remove(path);
    if (const auto twin = twin_of(path); !twin.empty())
        unless(ENOENT, [&] { to_->remove(twin); });
}

void mirrored_files::sync_directory(const std::string& path) {
    to_->sync_directory(path);
    if (const auto twin = twin_of(path); !twin.empty())
        to_->sync_directory(twin);
}

std::unique_ptr<file_lock> mirrored_files::try_lock(const std::string& path) {
    return to_->try_lock(path);
}

std::string mirrored_files::lock_owner(const std::string& path) {
    return to_->lock_owner(path);
}

bool mirrored_files::is_open_for_writing(const std::string& path) {
    return to_->is_open_for_writing(path);
}

std::uint64_t mirrored_files::process_id() const noexcept {
    return to_->process_id();
}

std::string mirrored_files::unsafe_kind(const std::string& directory) {
    return to_->unsafe_kind(directory);
}

bool mirrored_files::is_within(const std::string& inner, const std::string& outer) {
    return to_->is_within(inner, outer);
}

} // namespace everfold::io
