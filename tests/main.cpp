// SPDX-License-Identifier: MIT
// The main() of every doctest program. doctest calls a run a success where its filter matched no
// test at all; here it fails, so that a renamed test can't leave a green build behind.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace {

bool& has_run_a_test() {
    static bool answer = false;
    return answer;
}

struct run_watcher : doctest::IReporter {
    explicit run_watcher(const doctest::ContextOptions&) {}

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& stats) override {
        has_run_a_test() = stats.numTestCasesPassingFilters > 0;
    }
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
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
