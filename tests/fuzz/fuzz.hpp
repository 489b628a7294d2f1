// SPDX-License-Identifier: MIT
#pragma once
// What a target is: a function of any bytes, and another that makes changed bytes fit again, so
// that a change gets past the checksums. framework/docs/fuzzing.md.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>

#include <cstdint>
#include <span>

namespace everfold::fuzz {

/// Of the target. Throws, or fails a check, where the code under test is wrong.
void run(bytes_view input);

/// Of the target. Does less for some values of `choice`, so that damage is seen, too.
void repair(std::span<std::byte> input, std::uint32_t choice);

/// Ends the process, with the sentence.
void require(bool holds, const char* sentence) noexcept;

/// Whether `f` gave an answer. An error of ours is none; whatever else it throws flies on.
template <class F>
[[nodiscard]] bool answers(F&& f) {
    try {
        f();
        return true;
    } catch (const error&) {
        return false;
    }
}

/// Bytes from the front of an input; zeros where it has ended.
class input_reader {
public:
    explicit input_reader(bytes_view rest) noexcept
        : rest_{rest} {}

    template <std::integral T>
    [[nodiscard]] T number() noexcept {
        T out{};
        if (rest_.size() >= sizeof(T))
            out = load_le<T>(rest_.data());
        rest_ = rest_.subspan(rest_.size() < sizeof(T) ? rest_.size() : sizeof(T));
        return out;
    }

    [[nodiscard]] bytes_view rest() const noexcept { return rest_; }

private:
    bytes_view rest_;
};

} // namespace everfold::fuzz
