// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <linux/futex.h>
#include <proof/one_at_a_time.hpp>
#include <pthread.h>
#include <support/sanitized.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <thread>

namespace everfold::proof::schedule {

namespace {

enum class state : std::uint8_t { runnable, waits, waits_with_an_end, finished };

struct task {
    state is{state::runnable};
    const void* on{};
    bool has_timed_out{};
};

/// What one thread waits for. It sleeps at once: one that spins or yields gives its time to other
/// programs, at each of a million turns.
class turn {
public:
    void wait() noexcept {
        while (is_there_.load() == 0)
            ::syscall(SYS_futex, &is_there_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
        is_there_ = 0;
    }

    void give() noexcept {
        is_there_ = 1;
        ::syscall(SYS_futex, &is_there_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

private:
    std::atomic<int> is_there_{};
};

constexpr std::size_t nobody = ~std::size_t{0};

/// Of one run. Only who has the baton touches it.
class baton {
public:
    baton(std::size_t threads, points where, const chooser& choose)
        : tasks_(threads)
        , turns_(threads + 1)
        , where_{where}
        , choose_{choose} {}

    void wait_for_turn(std::size_t me) noexcept { turns_[me].wait(); }

    /// Me, too.
    void let_others(std::size_t me) { pass_on(me); }

    void wait_on(std::size_t me, const void* on, bool has_an_end = false) {
        auto& mine = tasks_[me];
        mine = {has_an_end ? state::waits_with_an_end : state::waits, on, false};
        pass_on(me);
    }

    [[nodiscard]] bool has_timed_out(std::size_t me) const { return tasks_[me].has_timed_out; }

    void wake(const void* on, bool all) {
        for (auto& t : tasks_) {
            if (t.on != on || (t.is != state::waits && t.is != state::waits_with_an_end))
                continue;
            t = {};
            if (!all)
                return;
        }
    }

    void finish(std::size_t me) {
        tasks_[me].is = state::finished;
        pass_on(me);
    }

    void begin() { give_to(next()); }

    void wait_for_all() noexcept { turns_.back().wait(); }

    [[nodiscard]] bool has_points_at_locks() const noexcept {
        return where_ == points::calls_and_locks;
    }

    result out{};

private:
    void pass_on(std::size_t me) {
        const auto to = next();
        if (to == me)
            return;
        give_to(to);
        if (tasks_[me].is != state::finished)
            wait_for_turn(me);
    }

    void give_to(std::size_t to) noexcept { turns_[to].give(); }

    std::size_t next() {
        std::vector<std::size_t> can;
        for (std::size_t i = 0; i < tasks_.size(); ++i)
            if (tasks_[i].is == state::runnable)
                can.push_back(i);
        if (can.size() > 1) {
            ++out.steps;
            return can[choose_(can.size())];
        }
        if (can.size() == 1)
            return can.front();
        // Time passes where nobody can go on.
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (tasks_[i].is != state::waits_with_an_end)
                continue;
            tasks_[i] = {state::runnable, nullptr, true};
            return i;
        }
        const auto waits = [](const task& t) { return t.is == state::waits; };
        out.has_deadlock = std::any_of(tasks_.begin(), tasks_.end(), waits);
        for (std::size_t i = 0; i < tasks_.size(); ++i)
            if (waits(tasks_[i]))
                out.waiting += " " + std::to_string(i);
        return tasks_.size(); // the turn of who waits for all
    }

    std::vector<task> tasks_;
    std::vector<turn> turns_; // and that of who waits for all
    points where_;
    const chooser& choose_;
};

std::atomic<baton*> running{nullptr};
thread_local std::size_t mine = nobody;

baton* mine_is() noexcept {
    return mine == nobody ? nullptr : running.load(std::memory_order_relaxed);
}

} // namespace

bool is_controlled() noexcept {
    return EVERFOLD_TEST_THREAD_SANITIZED == 0;
}

result run(const std::vector<std::function<void()>>& threads, points where, const chooser& choose) {
    std::vector<std::thread> all;
    if (!is_controlled()) {
        for (const auto& one : threads)
            all.emplace_back(one);
        for (auto& one : all)
            one.join();
        return {.steps = 1};
    }
    auto kept = std::make_unique<baton>(threads.size(), where, choose);
    auto& now = *kept;
    running = &now;
    for (std::size_t i = 0; i < threads.size(); ++i)
        all.emplace_back([&, i] {
            now.wait_for_turn(i);
            mine = i;
            threads[i]();
            mine = nobody;
            now.finish(i);
        });
    now.begin();
    now.wait_for_all();
    running = nullptr;
    auto out = now.out;
    for (auto& one : all)
        out.has_deadlock ? one.detach() : one.join();
    if (out.has_deadlock)
        static_cast<void>(kept.release()); // they wait for it, as long as the process lives
    return out;
}

void point() {
    if (auto* const b = mine_is())
        b->let_others(mine);
    else if (!is_controlled())
        std::this_thread::yield();
}

namespace {

// The sanitizer watches the locks itself.
#if !EVERFOLD_TEST_THREAD_SANITIZED
template <class F>
F* real(const char* name) noexcept {
    auto* const found = ::dlsym(RTLD_NEXT, name);
    if (found == nullptr)
        std::abort();
    return reinterpret_cast<F*>(found); // NOLINT: what dlsym is for
}

/// Until `take` succeeds, which others may keep it from.
template <class Take>
int take_in_turn(baton& b, const void* what, const Take& take) {
    const auto me = mine;
    if (b.has_points_at_locks())
        b.let_others(me);
    for (;;) {
        const int answer = take();
        if (answer != EBUSY)
            return answer;
        b.wait_on(me, what);
    }
}
#endif

} // namespace

} // namespace everfold::proof::schedule

#if !EVERFOLD_TEST_THREAD_SANITIZED

namespace schedule = everfold::proof::schedule;

// The names are the system's.
extern "C" {

int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
    static auto* const lock = schedule::real<int(pthread_mutex_t*)>("pthread_mutex_lock");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return lock(m);
    return schedule::take_in_turn(*b, m, [&] { return pthread_mutex_trylock(m); });
}

int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
    static auto* const unlock = schedule::real<int(pthread_mutex_t*)>("pthread_mutex_unlock");
    const int out = unlock(m);
    if (auto* const b = schedule::mine_is())
        b->wake(m, true);
    return out;
}

int pthread_rwlock_rdlock(pthread_rwlock_t* l) noexcept {
    static auto* const lock = schedule::real<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return lock(l);
    return schedule::take_in_turn(*b, l, [&] { return pthread_rwlock_tryrdlock(l); });
}

int pthread_rwlock_wrlock(pthread_rwlock_t* l) noexcept {
    static auto* const lock = schedule::real<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return lock(l);
    return schedule::take_in_turn(*b, l, [&] { return pthread_rwlock_trywrlock(l); });
}

int pthread_rwlock_unlock(pthread_rwlock_t* l) noexcept {
    static auto* const unlock = schedule::real<int(pthread_rwlock_t*)>("pthread_rwlock_unlock");
    const int out = unlock(l);
    if (auto* const b = schedule::mine_is())
        b->wake(l, true);
    return out;
}

int pthread_cond_signal(pthread_cond_t* c) noexcept {
    static auto* const signal = schedule::real<int(pthread_cond_t*)>("pthread_cond_signal");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return signal(c);
    b->wake(c, false);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t* c) noexcept {
    static auto* const broadcast = schedule::real<int(pthread_cond_t*)>("pthread_cond_broadcast");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return broadcast(c);
    b->wake(c, true);
    return 0;
}

int pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
    static auto* const wait =
        schedule::real<int(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return wait(c, m);
    pthread_mutex_unlock(m);
    b->wait_on(schedule::mine, c);
    return pthread_mutex_lock(m);
}

int pthread_cond_clockwait(
    pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock, const struct timespec* until
) {
    static auto* const wait =
        schedule::real<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
            "pthread_cond_clockwait"
        );
    auto* const b = schedule::mine_is();
    if (b == nullptr)
        return wait(c, m, clock, until);
    pthread_mutex_unlock(m);
    b->wait_on(schedule::mine, c, true);
    const bool has_timed_out = b->has_timed_out(schedule::mine);
    pthread_mutex_lock(m);
    return has_timed_out ? ETIMEDOUT : 0;
}

} // extern "C"
#endif
