// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/projection/live.hpp>
#include <everfold/store/context.hpp>
#include <everfold/store/query.hpp>

#include <boost/signals2/connection.hpp>
#include <boost/signals2/signal.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace everfold {
namespace detail {

/// One slot, shared by the signal that calls it and the connections that may end it.
class live_slot {
public:
    /// Calls `f` unless the slot was disconnected.
    template <class F>
    void run(F&& f) {
        const std::lock_guard lock{running_};
        if (!connection_.connected())
            return;
        const runner_mark mark{runner_};
        f();
    }

    /// Called once, before anybody else knows of the slot but the signal.
    void connect_with(const std::function<boost::signals2::connection()>& connect) {
        const std::lock_guard lock{running_};
        connection_ = connect();
    }

    void disconnect() {
        connection_.disconnect();
        if (runner_ != std::this_thread::get_id())
            const std::lock_guard wait_until_it_is_done{running_};
    }

    [[nodiscard]] bool is_connected() const noexcept { return connection_.connected(); }

private:
    struct runner_mark {
        explicit runner_mark(std::atomic<std::thread::id>& of)
            : runner{of} {
            runner = std::this_thread::get_id();
        }
        runner_mark(const runner_mark&) = delete;
        runner_mark& operator=(const runner_mark&) = delete;
        ~runner_mark() { runner = std::thread::id{}; }

        std::atomic<std::thread::id>& runner;
    };

    boost::signals2::connection connection_{};
    std::mutex running_{};                  // held while the slot runs
    std::atomic<std::thread::id> runner_{}; // the thread that it runs on
};

} // namespace detail

void live_connection::disconnect() {
    if (slot_)
        slot_->disconnect();
}

bool live_connection::is_connected() const noexcept {
    return slot_ && slot_->is_connected();
}

/// The thread and the signals, at a place of their own so that a `live` can be moved.
class live::engine {
public:
    explicit engine(store s)
        : store_{std::move(s)}
        , next_{store_.end()}
        , thread_{[this] { follow(); }} {}

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    engine(engine&&) = delete;
    engine& operator=(engine&&) = delete;

    ~engine() {
        check(!is_own_thread(), "a live is not destroyed by one of its own slots");
        stop();
    }

    live_connection connect(std::string_view type, any_slot slot) {
        check(slot != nullptr, "a slot can be called");
        auto shared = std::make_shared<detail::live_slot>();
        shared->connect_with([&] {
            return events_.connect([this, shared, slot = std::move(slot), type = std::string{type}](
                                       const recorded_event& e
                                   ) {
                if (type.empty() || type == e.type)
                    deliver(*shared, slot, e);
            });
        });
        return live_connection{std::move(shared)};
    }

    live_connection connect_errors(error_slot slot) {
        check(slot != nullptr, "a slot can be called");
        auto shared = std::make_shared<detail::live_slot>();
        shared->connect_with([&] {
            return errors_.connect([this, shared, slot = std::move(slot)](
                                       const std::exception_ptr& thrown, const recorded_event& e
                                   ) {
                try {
                    shared->run([&] { slot(thrown, e); });
                } catch (...) { // who listens to the listeners
                    keep(std::current_exception());
                }
            });
        });
        return live_connection{std::move(shared)};
    }

    bool wait_for(position p, std::chrono::milliseconds timeout) {
        std::unique_lock lock{mutex_};
        moved_.wait_for(lock, timeout, [&] { return next_ > p || has_ended_; });
        return next_ > p;
    }

    void close() {
        if (is_own_thread())
            throw error{errc::invalid, "a live can't be closed by one of its own slots"};
        stop();
        auto thrown = std::exception_ptr{};
        {
            const std::lock_guard lock{mutex_};
            thrown = failure_ ? failure_ : unheard_;
            failure_ = unheard_ = nullptr;
        }
        if (thrown)
            std::rethrow_exception(thrown);
    }

private:
    // How long a wish to stop may have to wait for a store at rest.
    static constexpr std::chrono::milliseconds patience{20};

    [[nodiscard]] bool is_own_thread() const noexcept { return std::this_thread::get_id() == own_; }

    void follow() noexcept {
        own_ = std::this_thread::get_id();
        try {
            while (!is_stopping_)
                if (store_.wait_for(next(), patience))
                    deliver_from(next());
        } catch (...) {
            const std::lock_guard lock{mutex_};
            failure_ = std::current_exception();
        }
        {
            const std::lock_guard lock{mutex_};
            has_ended_ = true;
        }
        moved_.notify_all();
    }

    void deliver_from(position first) {
        for (const auto& e : store_.read(query{}.from(first))) {
            events_(e);
            {
                const std::lock_guard lock{mutex_};
                next_ = e.log_position.next();
            }
            moved_.notify_all();
            if (is_stopping_)
                return;
        }
    }

    // One slot's failure is not the next one's.
    void deliver(detail::live_slot& shared, const any_slot& slot, const recorded_event& e) {
        try {
            const handling cause{e};
            shared.run([&] { slot(e); });
        } catch (...) {
            const auto thrown = std::current_exception();
            if (errors_.empty())
                keep(thrown);
            else
                errors_(thrown, e);
        }
    }

    void keep(const std::exception_ptr& thrown) {
        const std::lock_guard lock{mutex_};
        if (!unheard_)
            unheard_ = thrown;
    }

    [[nodiscard]] position next() {
        const std::lock_guard lock{mutex_};
        return next_;
    }

    void stop() {
        is_stopping_ = true;
        const std::lock_guard lock{stopping_};
        if (!thread_.joinable())
            return;
        thread_.join();
        events_.disconnect_all_slots();
        errors_.disconnect_all_slots();
    }

    store store_;
    boost::signals2::signal<void(const recorded_event&)> events_{};
    boost::signals2::signal<void(const std::exception_ptr&, const recorded_event&)> errors_{};
    std::mutex mutex_{};              // of the five below
    std::condition_variable moved_{}; // next_ or has_ended_ has changed
    position next_;                   // the first one that is not yet delivered
    bool has_ended_{};
    std::exception_ptr failure_{}; // what ended the delivery
    std::exception_ptr unheard_{}; // the first that a slot threw and nobody listened to
    std::atomic<bool> is_stopping_{};
    std::atomic<std::thread::id> own_{};
    std::mutex stopping_{}; // one join
    std::thread thread_;    // last: it uses all of the above
};

live::live(store s)
    : engine_{std::make_unique<engine>(std::move(s))} {}

live::live(live&&) noexcept = default;
live& live::operator=(live&&) noexcept = default;
live::~live() = default;

live_connection live::connect(std::string_view type, any_slot slot) {
    check(engine_ != nullptr, "a live that was moved from is not used");
    return engine_->connect(type, std::move(slot));
}

live_connection live::on_any(any_slot slot) & {
    return connect({}, std::move(slot));
}

live live::on_any(any_slot slot) && {
    connect({}, std::move(slot));
    return std::move(*this);
}

live_connection live::on_error(error_slot slot) & {
    check(engine_ != nullptr, "a live that was moved from is not used");
    return engine_->connect_errors(std::move(slot));
}

live live::on_error(error_slot slot) && {
    on_error(std::move(slot));
    return std::move(*this);
}

bool live::wait_for(position p, std::chrono::milliseconds timeout) {
    check(engine_ != nullptr, "a live that was moved from is not used");
    return engine_->wait_for(p, timeout);
}

void live::close() {
    if (engine_)
        engine_->close();
}

} // namespace everfold
