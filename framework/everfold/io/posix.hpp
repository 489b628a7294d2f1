// SPDX-License-Identifier: MIT
#pragma once
// The machine the process really runs on.

#include <everfold/io/file_system.hpp>

namespace everfold::io {

/// Files by POSIX calls (close-on-exec, no symbolic link followed as a path's last part, private
/// modes whatever the umask) and locks by flock. Relative paths start from the directory that is
/// current now, wherever the program goes later.
[[nodiscard]] std::shared_ptr<file_system> posix_files();

/// posix_files(), the system's clocks and its random source.
[[nodiscard]] machine posix_machine();

} // namespace everfold::io
