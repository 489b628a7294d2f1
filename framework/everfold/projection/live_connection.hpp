// SPDX-License-Identifier: MIT
#pragma once
// The way to end what live::on() began.

#include <memory>
#include <utility>

namespace everfold {

namespace detail {
class live_slot;
} // namespace detail

/// Refers to one slot of a `live`; copies refer to the same. Letting go of it ends nothing.
///
/// Threads: all members may be called from any thread.
class live_connection {
public:
    /// Refers to nothing.
    live_connection() noexcept = default;
    explicit live_connection(std::shared_ptr<detail::live_slot> slot) noexcept
        : slot_{std::move(slot)} {}

    /// The slot is not called again. When this returns it is not running either, so that what it
    /// refers to may be destroyed; only from inside a slot it returns at once. Do not hold a lock
    /// that the slot takes.
    void disconnect();

    /// False after disconnect(), and once its `live` has stopped.
    [[nodiscard]] bool is_connected() const noexcept;

private:
    std::shared_ptr<detail::live_slot> slot_{};
};

/// A connection that ends with its scope.
class scoped_live_connection {
public:
    scoped_live_connection() noexcept = default;
    scoped_live_connection(live_connection c) noexcept // NOLINT(google-explicit-constructor)
        : connection_{std::move(c)} {}
    scoped_live_connection(const scoped_live_connection&) = delete;
    scoped_live_connection& operator=(const scoped_live_connection&) = delete;
    scoped_live_connection(scoped_live_connection&& other) noexcept
        : connection_{std::exchange(other.connection_, {})} {}

    scoped_live_connection& operator=(scoped_live_connection&& other) noexcept {
        if (this != &other) {
            connection_.disconnect();
            connection_ = std::exchange(other.connection_, {});
        }
        return *this;
    }

    ~scoped_live_connection() { connection_.disconnect(); }

    void disconnect() { connection_.disconnect(); }

    [[nodiscard]] bool is_connected() const noexcept { return connection_.is_connected(); }

    /// Keeps it connected beyond this scope.
    live_connection release() noexcept { return std::exchange(connection_, {}); }

private:
    live_connection connection_{};
};

} // namespace everfold
