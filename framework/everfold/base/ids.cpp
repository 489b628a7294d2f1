// SPDX-License-Identifier: MIT
#include <everfold/base/ids.hpp>

#include <ostream>

namespace everfold {

std::ostream& operator<<(std::ostream& out, position p) {
    return out << p.value();
}

std::ostream& operator<<(std::ostream& out, revision r) {
    return out << r.value();
}

std::ostream& operator<<(std::ostream& out, byte_offset o) {
    return out << o.value();
}

} // namespace everfold
