// SPDX-License-Identifier: MIT
#pragma once
// The fields of an aggregate as arguments of a call: one structured binding for each number of
// fields, because C++20 can't bind a pack. The entries differ only in their length.

#include <cstddef>

namespace everfold::detail {

/// The largest number of fields that an aggregate may have.
inline constexpr std::size_t bound_fields_max = 40;

/// `pass` calls f with every field of o. `is_taken` says whether T can be made from as many empty
/// braces, each of which stands for one field, while without braces an array takes one initialiser
/// for each element.
template <std::size_t Count>
struct bound_fields;

// clang-format off
template <> struct bound_fields<0> {
    template <class T> static constexpr bool is_taken = requires { T{}; };
    template <class T, class F> static constexpr decltype(auto) pass(T&, F&& f) { return f(); }
};
template <> struct bound_fields<1> {
    template <class T> static constexpr bool is_taken =
        requires { T{{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0] = o;
        return f(f0);
    }
};
template <> struct bound_fields<2> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1] = o;
        return f(f0,f1);
    }
};
template <> struct bound_fields<3> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2] = o;
        return f(f0,f1,f2);
    }
};
template <> struct bound_fields<4> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3] = o;
        return f(f0,f1,f2,f3);
    }
};
template <> struct bound_fields<5> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4] = o;
        return f(f0,f1,f2,f3,f4);
    }
};
template <> struct bound_fields<6> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5] = o;
        return f(f0,f1,f2,f3,f4,f5);
    }
};
template <> struct bound_fields<7> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6] = o;
        return f(f0,f1,f2,f3,f4,f5,f6);
    }
};
template <> struct bound_fields<8> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7);
    }
};
template <> struct bound_fields<9> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8);
    }
};
template <> struct bound_fields<10> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9);
    }
};
template <> struct bound_fields<11> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10);
    }
};
template <> struct bound_fields<12> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11);
    }
};
template <> struct bound_fields<13> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12);
    }
};
template <> struct bound_fields<14> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13);
    }
};
template <> struct bound_fields<15> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14);
    }
};
template <> struct bound_fields<16> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15);
    }
};
template <> struct bound_fields<17> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16);
    }
};
template <> struct bound_fields<18> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17);
    }
};
template <> struct bound_fields<19> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18);
    }
};
template <> struct bound_fields<20> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19);
    }
};
template <> struct bound_fields<21> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20);
    }
};
template <> struct bound_fields<22> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21);
    }
};
template <> struct bound_fields<23> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22);
    }
};
template <> struct bound_fields<24> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23);
    }
};
template <> struct bound_fields<25> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24);
    }
};
template <> struct bound_fields<26> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25);
    }
};
template <> struct bound_fields<27> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26);
    }
};
template <> struct bound_fields<28> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27);
    }
};
template <> struct bound_fields<29> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28);
    }
};
template <> struct bound_fields<30> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29);
    }
};
template <> struct bound_fields<31> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30);
    }
};
template <> struct bound_fields<32> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31);
    }
};
template <> struct bound_fields<33> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32);
    }
};
template <> struct bound_fields<34> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33);
    }
};
template <> struct bound_fields<35> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34);
    }
};
template <> struct bound_fields<36> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35);
    }
};
template <> struct bound_fields<37> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36);
    }
};
template <> struct bound_fields<38> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37);
    }
};
template <> struct bound_fields<39> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37,f38] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37,f38);
    }
};
template <> struct bound_fields<40> {
    template <class T> static constexpr bool is_taken =
        requires { T{{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},
            {},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}}; };
    template <class T, class F> static constexpr decltype(auto) pass(T& o, F&& f) {
        auto& [f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,
            f21,f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37,f38,f39] = o;
        return f(f0,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f15,f16,f17,f18,f19,f20,f21,
            f22,f23,f24,f25,f26,f27,f28,f29,f30,f31,f32,f33,f34,f35,f36,f37,f38,f39);
    }
};
// clang-format on

} // namespace everfold::detail
