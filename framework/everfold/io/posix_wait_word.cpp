// SPDX-License-Identifier: MIT
// A futex in a shared mapping of the file. Nothing here reads or writes the mapped bytes: the
// kernel does, and where the file has become too short for them it says EFAULT instead of sending
// SIGBUS.
#include <everfold/io/posix_wait_word.hpp>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <limits>

namespace everfold::io {

#ifdef __linux__

namespace {

constexpr std::size_t word_size = 4;

// As the kernel compares it: in the order of bytes of this processor.
std::uint32_t in_memory(std::uint32_t little_endian) noexcept {
    std::array<std::byte, word_size> bytes{};
    store_le(bytes.data(), little_endian);
    return std::bit_cast<std::uint32_t>(bytes);
}

::timespec as_timespec(std::chrono::nanoseconds time) noexcept {
    time = std::max(time, std::chrono::nanoseconds{0});
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return {
        static_cast<::time_t>(seconds.count()),
        static_cast<decltype(::timespec::tv_nsec)>((time - seconds).count())};
}

class futex_word final : public wait_word {
public:
    futex_word(int descriptor, std::uint64_t page_at, std::size_t into_page) noexcept
        : size_{into_page + word_size}
        , mapped_{::mmap(
              nullptr, size_, PROT_READ, MAP_SHARED, descriptor, static_cast<::off_t>(page_at)
          )} {
        if (is_mapped())
            word_ = static_cast<std::byte*>(mapped_) + into_page;
    }

    futex_word(const futex_word&) = delete;
    futex_word& operator=(const futex_word&) = delete;
    futex_word(futex_word&&) = delete;
    futex_word& operator=(futex_word&&) = delete;

    ~futex_word() override {
        if (is_mapped())
            ::munmap(mapped_, size_);
    }

    [[nodiscard]] bool is_mapped() const noexcept {
        return mapped_ != MAP_FAILED; // NOLINT(cppcoreguidelines-pro-type-cstyle-cast): a macro
    }

    slept wait(std::uint32_t seen, std::chrono::nanoseconds timeout) noexcept override {
        const auto limit = as_timespec(timeout);
        if (call(FUTEX_WAIT, in_memory(seen), &limit) != -1 || errno == EAGAIN || errno == EINTR)
            return slept::until_woken;
        return errno == ETIMEDOUT ? slept::until_timeout : slept::not_at_all;
    }

    std::size_t wake() noexcept override {
        const auto woken = call(FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr);
        return woken == -1 ? 0 : static_cast<std::size_t>(woken);
    }

private:
    // Not the PRIVATE kind: those who meet here may share nothing but the file.
    [[nodiscard]] long
    call(int operation, std::uint32_t value, const ::timespec* timeout) const noexcept {
        return ::syscall(SYS_futex, word_, operation, value, timeout, nullptr, 0);
    }

    std::size_t size_;
    void* mapped_;
    std::byte* word_{};
};

} // namespace

std::unique_ptr<wait_word> make_posix_wait_word(int descriptor, byte_offset at) {
    const auto page = ::sysconf(_SC_PAGESIZE);
    if (page <= 0 || at.value() % word_size != 0)
        return nullptr;
    const auto into_page = at.value() % static_cast<std::uint64_t>(page);
    auto word = std::make_unique<futex_word>(
        descriptor, at.value() - into_page, static_cast<std::size_t>(into_page)
    );
    if (!word->is_mapped())
        return nullptr;
    return word;
}

#else

std::unique_ptr<wait_word> make_posix_wait_word(int /*descriptor*/, byte_offset /*at*/) {
    return nullptr;
}

#endif

} // namespace everfold::io
