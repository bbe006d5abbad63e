// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Beats, elements and constants. Bit order: element 0 of a beat lies in its lowest bits.
#ifndef LUTFORGE_TYPES_HPP
#define LUTFORGE_TYPES_HPP

#include <ap_axi_sdata.h>
#include <ap_int.h>
#include <hls_stream.h>

namespace lutforge {

// A constant of BITS bits, two's complement. Synthesis gets the exact width; the C simulation gets the
// smallest native integer, because a table of class objects takes the compiler minutes. A test compiles a
// small design with exact constants, so that what synthesis sees has been through a compiler.
#if defined(__SYNTHESIS__) || defined(LUTFORGE_EXACT_CONSTANTS)
template <int BITS>
struct rom {
    typedef ap_int<BITS> type;
};
#else
template <int BYTES>
struct native {
    typedef long long type;
};
template <>
struct native<1> {
    typedef signed char type;
};
template <>
struct native<2> {
    typedef short type;
};
template <>
struct native<4> {
    typedef int type;
};
template <int BITS>
struct rom {
    typedef typename native<(BITS <= 8 ? 1 : BITS <= 16 ? 2 : BITS <= 32 ? 4 : 8)>::type type;
};
#endif

// One element of a beat: BITS bits, two's complement if SIGNED.
template <int BITS, bool SIGNED>
struct element {
    typedef ap_uint<BITS> type;
};
template <int BITS>
struct element<BITS, true> {
    typedef ap_int<BITS> type;
};

// Largest number that divides both.
template <int A, int B>
struct common_divisor {
    static const int value = common_divisor<B, A % B>::value;
};
template <int A>
struct common_divisor<A, 0> {
    static const int value = A;
};

// A beat of LANES elements -> integers. An element has at most 32 bits, 31 if unsigned.
template <int LANES, int BITS, bool SIGNED>
void unpack(const ap_uint<LANES * BITS>& beat, int values[LANES]) {
#pragma HLS INLINE
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
        typename element<BITS, SIGNED>::type value = beat.range(lane * BITS + BITS - 1, lane * BITS);
        values[lane] = value.to_int();
    }
}

// Integers -> a beat of LANES elements; bits above BITS repeat the sign or are zero, and are dropped.
template <int LANES, int BITS>
ap_uint<LANES * BITS> pack(const int values[LANES]) {
#pragma HLS INLINE
    ap_uint<LANES * BITS> beat = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
        beat.range(lane * BITS + BITS - 1, lane * BITS) = ap_uint<BITS>(values[lane]);
    }
    return beat;
}

}  // namespace lutforge

#endif
