// SPDX-License-Identifier: MIT
#pragma once
// Everything that a program with events, a state and an aggregate needs. Not in here, for the sake
// of compile time: everfold/json.hpp, for fields of type nlohmann::json.

#if __cplusplus < 202002L
#error "Everfold needs C++20: compile with -std=c++20, in Meson with cpp_std=c++20"
#else

#include <everfold/aggregate/aggregate.hpp>
#include <everfold/aggregate/as_of.hpp>
#include <everfold/aggregate/boundary.hpp>
#include <everfold/aggregate/decider.hpp>
#include <everfold/aggregate/diff.hpp>
#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/aggregate/stream_table.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/durability.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/patch.hpp>
#include <everfold/event/reflect.hpp>
#include <everfold/event/unknown_fields.hpp>
#include <everfold/projection/live.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/context.hpp>
#include <everfold/store/copy.hpp>
#include <everfold/store/exact_transfer.hpp>
#include <everfold/store/key_compaction.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/schema_report.hpp>
#include <everfold/store/store.hpp>
#include <everfold/store/tools.hpp>

#endif
