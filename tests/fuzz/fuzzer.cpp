// SPDX-License-Identifier: MIT
// What libFuzzer calls. In half of the cases its own mutations, in the other half ours.

#include "fuzz.hpp"
#include "mutate.hpp"

#include <algorithm>

using namespace everfold;

extern "C" {

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned int seed
);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run(std::as_bytes(std::span{data, size}));
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned int seed
) {
    fuzz::choices choose{seed};
    if (choose.below(2) == 0) {
        size = LLVMFuzzerMutate(data, size, size_max);
    } else {
        const auto bytes = std::as_bytes(std::span{data, size});
        byte_buffer changed{bytes.begin(), bytes.end()};
        fuzz::mutate(changed, size_max, choose);
        size = changed.size();
        std::ranges::copy(changed, std::as_writable_bytes(std::span{data, size}).begin());
    }
    fuzz::repair(std::as_writable_bytes(std::span{data, size}), choose.next());
    return size;
}
}
