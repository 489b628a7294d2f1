// SPDX-License-Identifier: MIT
// The main() of every doctest program. doctest calls a run a success where its filter matched no
// test at all; here it fails, so that a renamed test can't leave a green build behind. A case that
// fails says with which command it alone runs again: whatever is random has a seed in the case.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

bool& has_run_a_test() {
    static bool answer = false;
    return answer;
}

/// Set by whoever runs the program, where a case needs it.
std::string environment() {
    std::string out;
    for (const auto* name : {"EVERFOLD_SOURCE_ROOT", "EVERFOLD_BUILD_ROOT"}) {
        if (const char* value = std::getenv(name))
            out.append(name).append("='").append(value).append("' ");
    }
    return out;
}

/// For the shell, and for doctest's filter, where a comma would separate two names.
std::string pattern_of(const char* name) {
    std::string out{name};
    std::ranges::replace(out, ',', '?');
    std::ranges::replace(out, '\'', '?');
    return "'--test-case=" + out + "'";
}

struct run_watcher : doctest::IReporter {
    explicit run_watcher(const doctest::ContextOptions& options)
        : options_{&options} {}

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& stats) override {
        has_run_a_test() = stats.numTestCasesPassingFilters > 0;
    }
    void test_case_start(const doctest::TestCaseData& begun) override { case_ = begun.m_name; }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        if (stats.failure_flags == 0 || case_ == nullptr)
            return;
        std::printf(
            "again: %s'%s' %s\n",
            environment().c_str(),
            options_->binary_name.c_str(),
            pattern_of(case_).c_str()
        );
        std::fflush(stdout);
    }
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

private:
    const doctest::ContextOptions* options_;
    const char* case_{};
};

} // namespace

REGISTER_LISTENER("run_watcher", 1, run_watcher);

int main(int argc, char** argv) {
    doctest::Context context{argc, argv};
    const int failed = context.run();
    // --help, --list-test-cases and their like run nothing on purpose.
    if (context.shouldExit())
        return failed;
    if (failed == 0 && !has_run_a_test()) {
        std::fputs("no test case matches the filter: nothing was tested\n", stderr);
        return 1;
    }
    return failed;
}
