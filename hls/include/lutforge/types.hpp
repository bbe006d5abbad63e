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
// smallest native integer, because a table of class objects takes the compiler minutes.
#ifdef __SYNTHESIS__
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

// One element read from a beat: BITS bits, two's complement if SIGNED.
template <int BITS, bool SIGNED>
struct element {
    typedef ap_uint<BITS> type;
};
template <int BITS>
struct element<BITS, true> {
    typedef ap_int<BITS> type;
};

template <int LANES, int BITS, bool SIGNED>
void unpack(const ap_uint<LANES * BITS>& beat, int values[LANES]) {
#pragma HLS INLINE
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
        typename element<BITS, SIGNED>::type value = beat.range(lane * BITS + BITS - 1, lane * BITS);
        values[lane] = value.to_int();
    }
}

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
