// SPDX-License-Identifier: MIT
#pragma once
// Bytes as text (RFC 4648, with padding), where JSON can't say them.

#include <everfold/base/bytes.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace everfold {

void append_base64(std::string& out, bytes_view bytes);

/// Nothing where the text is not exactly what append_base64 writes.
[[nodiscard]] std::optional<byte_buffer> bytes_from_base64(std::string_view text);

} // namespace everfold
