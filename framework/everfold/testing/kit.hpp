// SPDX-License-Identifier: MIT
#pragma once
// The kit for tests of one's own events, states and decisions: docs/guide/testing.md.

#include <everfold/testing/failed.hpp>
#include <everfold/testing/fake_clock.hpp>
#include <everfold/testing/fold_checks.hpp>
#include <everfold/testing/given_event.hpp>
#include <everfold/testing/random_value.hpp>
#include <everfold/testing/scenario.hpp>
