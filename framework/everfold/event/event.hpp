// SPDX-License-Identifier: MIT
#pragma once
// Everything that a program which has events uses of this room; JSON values are in
// everfold/json.hpp.

#include <everfold/event/codec.hpp>
#include <everfold/event/event_info.hpp>
#include <everfold/event/event_type.hpp>
#include <everfold/event/fingerprint.hpp>
#include <everfold/event/fold_traits.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/event/last_wins.hpp>
#include <everfold/event/patch.hpp>
#include <everfold/event/reflect.hpp>
#include <everfold/event/stored_forms.hpp>
#include <everfold/event/tags.hpp>
#include <everfold/event/unknown_fields.hpp>
