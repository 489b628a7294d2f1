// SPDX-License-Identifier: MIT
#pragma once
// Sleeping and waking between processes, on four bytes of a file.

#include <everfold/io/file_system.hpp>

#include <memory>

namespace everfold::io {

/// The word at `at` of an open file; null where the system has none. See file::word_at.
[[nodiscard]] std::unique_ptr<wait_word> make_posix_wait_word(int descriptor, byte_offset at);

} // namespace everfold::io
