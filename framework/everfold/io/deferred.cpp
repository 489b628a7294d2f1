// SPDX-License-Identifier: MIT
#include <everfold/io/deferred.hpp>

#include <utility>

namespace everfold::io {

namespace {

class deferred_file final : public file {
public:
    explicit deferred_file(std::unique_ptr<file> to)
        : to_{std::move(to)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        return to_->read_at(at, into);
    }

    void write_at(byte_offset at, bytes_view from) override { to_->write_at(at, from); }

    void sync_data() override {}

    void sync_all() override {}

    void truncate(std::uint64_t size) override { to_->truncate(size); }

    std::uint64_t size() override { return to_->size(); }

    std::unique_ptr<const mapping> map() override { return to_->map(); }

    std::unique_ptr<wait_word> word_at(byte_offset at) override { return to_->word_at(at); }

private:
    std::unique_ptr<file> to_;
};

} // namespace

deferred_files::deferred_files(
    std::shared_ptr<file_system> to, std::string directory, std::string_view last
)
    : to_{std::move(to)}
    , directory_{std::move(directory)}
    , last_{join(directory_, last)} {}

deferred_files::~deferred_files() = default;

std::string deferred_files::place_of(const std::string& path) const {
    return path == last_ ? path + ".unfinished" : path;
}

void deferred_files::finish() {
    for (const auto& name : to_->list(directory_)) {
        const auto path = join(directory_, name);
        if (to_->kind(path, false) == path_kind::regular_file)
            to_->open(path, open_mode::write)->sync_all();
    }
    to_->sync_directory(directory_);
    to_->sync_directory(parent(directory_));
    to_->rename(place_of(last_), last_);
    to_->sync_directory(directory_);
}

std::unique_ptr<file> deferred_files::open(const std::string& path, open_mode mode) {
    return std::make_unique<deferred_file>(to_->open(place_of(path), mode));
}

path_kind deferred_files::kind(const std::string& path, bool follow) {
    return to_->kind(place_of(path), follow);
}

std::vector<std::string> deferred_files::list(const std::string& directory) {
    return to_->list(directory);
}

void deferred_files::make_directory(const std::string& path) {
    to_->make_directory(path);
}

void deferred_files::rename(const std::string& from, const std::string& to) {
    to_->rename(place_of(from), place_of(to));
}

void deferred_files::link(const std::string& from, const std::string& to) {
    to_->link(place_of(from), place_of(to));
}

void deferred_files::remove(const std::string& path) {
    to_->remove(place_of(path));
}

void deferred_files::sync_directory(const std::string& /*path*/) {}

std::unique_ptr<file_lock> deferred_files::try_lock(const std::string& path) {
    return to_->try_lock(path);
}

std::string deferred_files::lock_owner(const std::string& path) {
    return to_->lock_owner(path);
}

bool deferred_files::is_open_for_writing(const std::string& path) {
    return to_->is_open_for_writing(place_of(path));
}

std::uint64_t deferred_files::process_id() const noexcept {
    return to_->process_id();
}

std::string deferred_files::unsafe_kind(const std::string& directory) {
    return to_->unsafe_kind(directory);
}

bool deferred_files::is_within(const std::string& inner, const std::string& outer) {
    return to_->is_within(inner, outer);
}

} // namespace everfold::io
