// SPDX-License-Identifier: MIT
#pragma once
// Payloads as JSON text, for people and for programs that don't read CBOR. Includes no JSON
// library.

#include <everfold/base/bytes.hpp>

#include <string>

namespace everfold {

/// Compact JSON of one encoded item, in the order of the bytes. Bytes are text, `"0x"` and
/// hexadecimal digits; NaN and the infinities, which JSON does not have, are null. Throws
/// encoding_error.
[[nodiscard]] std::string json_text_from_cbor(bytes_view item);

} // namespace everfold
