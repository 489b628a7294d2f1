// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <proof/failing_memory.hpp>
#include <support/sanitized.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof::memory {

namespace {

constinit std::atomic<watched> whose{watched::nobody};
constinit thread_local bool is_mine = false;
constinit thread_local int plenties = 0;

constinit std::atomic<std::int64_t> blocks{0};
constinit std::atomic<std::int64_t> bytes{0};
constinit std::atomic<std::uint64_t> counted{0};
constinit std::atomic<std::uint64_t> fails_at{0}; // 0: never
constinit std::atomic<bool> is_sticky{false};
constinit std::atomic<std::uint64_t> failed{0};

// The thread sanitizer has its own operator new, which Clang does not let a program replace.
#if !EVERFOLD_TEST_THREAD_SANITIZED
bool is_watched() noexcept {
    const auto now = whose.load(std::memory_order_relaxed);
    return now != watched::nobody && (now == watched::all_threads || is_mine);
}

bool fails() noexcept {
    const auto at = fails_at.load(std::memory_order_relaxed);
    if (at == 0 || plenties > 0)
        return false;
    const auto number = 1 + counted.fetch_add(1, std::memory_order_relaxed);
    const bool out = number == at || (number > at && is_sticky.load(std::memory_order_relaxed));
    if (out)
        failed.fetch_add(1, std::memory_order_relaxed);
    return out;
}
#endif

} // namespace

#if !EVERFOLD_TEST_THREAD_SANITIZED
/// Null where there is no memory. An `alignment` of 0 is any.
void* take(std::size_t size, std::size_t alignment) noexcept {
    const bool is_seen = is_watched();
    if (is_seen && fails())
        return nullptr;
    size = std::max<std::size_t>(size, 1);
    void* room = nullptr;
    if (alignment == 0)
        room = std::malloc(size);
    else if (posix_memalign(&room, std::max(alignment, sizeof(void*)), size) != 0)
        return nullptr;
    if (is_seen && room != nullptr) {
        blocks.fetch_add(1, std::memory_order_relaxed);
        bytes.fetch_add(
            static_cast<std::int64_t>(malloc_usable_size(room)), std::memory_order_relaxed
        );
    }
    return room;
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
    auto* const room = take(size, alignment);
    if (room == nullptr)
        throw std::bad_alloc{};
    return room;
}

void give_back(void* room) noexcept {
    if (room != nullptr && is_watched()) {
        blocks.fetch_sub(1, std::memory_order_relaxed);
        bytes.fetch_sub(
            static_cast<std::int64_t>(malloc_usable_size(room)), std::memory_order_relaxed
        );
    }
    std::free(room);
}
#endif

bool is_replaced() noexcept {
    return EVERFOLD_TEST_THREAD_SANITIZED == 0;
}

void watch(watched of) noexcept {
    blocks = 0;
    bytes = 0;
    is_mine = of == watched::this_thread;
    whose = of;
}

alive now_alive() noexcept {
    return {blocks, bytes};
}

void fail_at(std::uint64_t at, bool sticky) noexcept {
    counted = 0;
    failed = 0;
    is_sticky = sticky;
    fails_at = at;
}

std::uint64_t heal() noexcept {
    fails_at = 0;
    return failed;
}

plenty::plenty() noexcept {
    ++plenties;
}

plenty::~plenty() {
    --plenties;
}

namespace {

/// What a wrapper holds, which goes as it came: by code that has memory.
template <class T>
class held {
public:
    explicit held(std::unique_ptr<T> of) noexcept
        : of_{std::move(of)} {}

    held(const held&) = delete;
    held& operator=(const held&) = delete;
    held(held&&) = delete;
    held& operator=(held&&) = delete;

    ~held() {
        const plenty mine;
        of_.reset();
    }

    [[nodiscard]] T* operator->() const noexcept { return of_.get(); }

private:
    std::unique_ptr<T> of_;
};

class own_mapping final : public io::mapping {
public:
    explicit own_mapping(std::unique_ptr<const io::mapping> of)
        : of_{std::move(of)} {}

    [[nodiscard]] bytes_view bytes() const noexcept override { return of_->bytes(); }

private:
    held<const io::mapping> of_;
};

class own_file final : public io::file {
public:
    explicit own_file(std::unique_ptr<io::file> of)
        : of_{std::move(of)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        const plenty mine;
        return of_->read_at(at, into);
    }

    void write_at(byte_offset at, bytes_view from) override {
        const plenty mine;
        of_->write_at(at, from);
    }

    void sync_data() override {
        const plenty mine;
        of_->sync_data();
    }

    void sync_all() override {
        const plenty mine;
        of_->sync_all();
    }

    void truncate(std::uint64_t size) override {
        const plenty mine;
        of_->truncate(size);
    }

    std::uint64_t size() override {
        const plenty mine;
        return of_->size();
    }

    std::unique_ptr<const io::mapping> map() override {
        std::unique_ptr<const io::mapping> out;
        {
            const plenty mine;
            out = of_->map();
        }
        return std::make_unique<own_mapping>(std::move(out));
    }

    bool is_in_place() override {
        const plenty mine;
        return of_->is_in_place();
    }

private:
    held<io::file> of_;
};

class own_lock final : public io::file_lock {
public:
    explicit own_lock(std::unique_ptr<io::file_lock> of)
        : of_{std::move(of)} {}

    [[nodiscard]] bool is_held() const override {
        const plenty mine;
        return of_->is_held();
    }

    void write_owner(std::string_view text) override {
        const plenty mine;
        of_->write_owner(text);
    }

private:
    held<io::file_lock> of_;
};

class own_files final : public io::file_system {
public:
    explicit own_files(std::shared_ptr<io::file_system> of)
        : of_{std::move(of)} {}

    std::unique_ptr<io::file> open(const std::string& path, io::open_mode mode) override {
        std::unique_ptr<io::file> out;
        {
            const plenty mine;
            out = of_->open(path, mode);
        }
        return std::make_unique<own_file>(std::move(out));
    }

    io::path_kind kind(const std::string& path, bool follow) override {
        const plenty mine;
        return of_->kind(path, follow);
    }

    std::vector<std::string> list(const std::string& directory) override {
        std::vector<std::string> names;
        {
            const plenty mine;
            names = of_->list(directory);
        }
        return std::vector<std::string>{names}; // as the caller's memory allows
    }

    void make_directory(const std::string& path) override {
        const plenty mine;
        of_->make_directory(path);
    }

    void rename(const std::string& from, const std::string& to) override {
        const plenty mine;
        of_->rename(from, to);
    }

    void link(const std::string& from, const std::string& to) override {
        const plenty mine;
        of_->link(from, to);
    }

    void remove(const std::string& path) override {
        const plenty mine;
        of_->remove(path);
    }

    void sync_directory(const std::string& path) override {
        const plenty mine;
        of_->sync_directory(path);
    }

    std::unique_ptr<io::file_lock> try_lock(const std::string& path) override {
        std::unique_ptr<io::file_lock> out;
        {
            const plenty mine;
            out = of_->try_lock(path);
        }
        return out == nullptr ? nullptr : std::make_unique<own_lock>(std::move(out));
    }

    std::string lock_owner(const std::string& path) override {
        const plenty mine;
        return of_->lock_owner(path);
    }

    bool is_open_for_writing(const std::string& path) override {
        const plenty mine;
        return of_->is_open_for_writing(path);
    }

    std::uint64_t process_id() const noexcept override { return of_->process_id(); }

    std::string unsafe_kind(const std::string& directory) override {
        const plenty mine;
        return of_->unsafe_kind(directory);
    }

    bool is_within(const std::string& inner, const std::string& outer) override {
        const plenty mine;
        return of_->is_within(inner, outer);
    }

private:
    std::shared_ptr<io::file_system> of_;
};

} // namespace

std::shared_ptr<io::file_system> with_memory_of_its_own(std::shared_ptr<io::file_system> files) {
    return std::make_shared<own_files>(std::move(files));
}

} // namespace everfold::proof::memory

#if !EVERFOLD_TEST_THREAD_SANITIZED
namespace memory = everfold::proof::memory;

void* operator new(std::size_t size) {
    return memory::take_or_throw(size, 0);
}
void* operator new[](std::size_t size) {
    return memory::take_or_throw(size, 0);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return memory::take(size, 0);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return memory::take(size, 0);
}
void* operator new(std::size_t size, std::align_val_t to) {
    return memory::take_or_throw(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size, std::align_val_t to) {
    return memory::take_or_throw(size, static_cast<std::size_t>(to));
}
void* operator new(std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
    return memory::take(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
    return memory::take(size, static_cast<std::size_t>(to));
}
void operator delete(void* room) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room) noexcept {
    memory::give_back(room);
}
void operator delete(void* room, std::size_t) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room, std::size_t) noexcept {
    memory::give_back(room);
}
void operator delete(void* room, const std::nothrow_t&) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room, const std::nothrow_t&) noexcept {
    memory::give_back(room);
}
void operator delete(void* room, std::align_val_t) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room, std::align_val_t) noexcept {
    memory::give_back(room);
}
void operator delete(void* room, std::size_t, std::align_val_t) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room, std::size_t, std::align_val_t) noexcept {
    memory::give_back(room);
}
void operator delete(void* room, std::align_val_t, const std::nothrow_t&) noexcept {
    memory::give_back(room);
}
void operator delete[](void* room, std::align_val_t, const std::nothrow_t&) noexcept {
    memory::give_back(room);
}
#endif
