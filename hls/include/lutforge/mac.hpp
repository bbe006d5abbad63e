// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Table, digital and binary multiply-accumulate, folded (PE outputs x SIMD inputs a cycle) or unrolled.
#ifndef LUTFORGE_MAC_HPP
#define LUTFORGE_MAC_HPP

#include "types.hpp"

namespace lutforge {

// The product from W and 3W alone: each two-bit digit of the activation selects 0, W, 2W (a shifted wire)
// or 3W. The top digit of a signed activation counts 0, 1, -2, -1 (LUNA-CIM's optimised storage).
template <int BITS, bool SIGNED>
int digit_product(int activation, int w, int w3) {
#pragma HLS INLINE
    const int DIGITS = (BITS + 1) / 2;
    int sum = 0;
    for (int digit = 0; digit < DIGITS; ++digit) {
#pragma HLS UNROLL
        const bool negative = SIGNED && digit == DIGITS - 1;
        const int code = (activation >> (2 * digit)) & 3;
        const int two = negative ? -2 * w : 2 * w;
        const int three = negative ? -w : w3;
        sum += (code == 0 ? 0 : code == 1 ? w : code == 2 ? two : three) * (1 << (2 * digit));
    }
    return sum;
}

// The product from one table per digit of DIGIT_BITS; `top` is the table of the highest digit.
template <int BITS, int DIGIT_BITS, typename T, typename U>
int table_product(int activation, const T* table, const U* top) {
#pragma HLS INLINE
    const int LOWER = (BITS - 1) / DIGIT_BITS;
    const int TOP_BITS = BITS - LOWER * DIGIT_BITS;
    int sum = int(top[(activation >> (LOWER * DIGIT_BITS)) & ((1 << TOP_BITS) - 1)]) * (1 << (LOWER * DIGIT_BITS));
    for (int digit = 0; digit < LOWER; ++digit) {
#pragma HLS UNROLL
        const int code = (activation >> (digit * DIGIT_BITS)) & ((1 << DIGIT_BITS) - 1);
        sum += int(table[code]) * (1 << (digit * DIGIT_BITS));
    }
    return sum;
}

// What an approximate multiplier reads of an activation: its bits from SHIFT on, rounded half up if ROUNDS, the largest
// code where that overflows.
template <int BITS, int SHIFT, bool ROUNDS, bool SIGNED>
int shaped(int activation) {
#pragma HLS INLINE
    const int TOP = (1 << (BITS - SHIFT - (SIGNED ? 1 : 0))) - 1;
    const int kept = (activation >> SHIFT) + (ROUNDS ? (activation >> (SHIFT - 1)) & 1 : 0);
    return kept > TOP ? TOP : kept;
}

// Layer is a generated struct of two static functions over constant tables:
//   int bias(int nf, int pe)
//   int term(int row, int pe, int lane, int x)   the product of one weight with x; row = nf * SF + sf
// ACC: bits of the accumulator. They are derived from the bounds of every partial sum, in any order, so that
// nothing can wrap. OUT_BITS: bits of an element of the output stream.

// bias + sum of terms for each of VECTORS vectors per image. The vector arrives once, in SF beats of SIMD,
// and is kept for the other NF - 1 passes.
template <typename Layer, int VECTORS, int NF, int SF, int PE, int SIMD, int BITS, bool SIGNED, int ACC, int OUT_BITS>
void mac_folded(hls::stream<ap_uint<SIMD * BITS> >& in, hls::stream<ap_uint<PE * OUT_BITS> >& out, unsigned images) {
    typename element<BITS, SIGNED>::type kept[SF][SIMD];
    ap_int<ACC> sums[PE];
#pragma HLS ARRAY_RESHAPE variable=kept complete dim=2
#pragma HLS ARRAY_PARTITION variable=sums complete dim=1
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
            for (int nf = 0; nf < NF; ++nf) {
                for (int sf = 0; sf < SF; ++sf) {
#pragma HLS PIPELINE II=1
                    int x[SIMD], y[PE];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
#pragma HLS ARRAY_PARTITION variable=y complete dim=1
                    if (nf == 0) unpack<SIMD, BITS, SIGNED>(in.read(), x);
                    for (int lane = 0; lane < SIMD; ++lane) {
#pragma HLS UNROLL
                        if (nf == 0) {
                            kept[sf][lane] = x[lane];
                        } else {
                            x[lane] = kept[sf][lane].to_int();
                        }
                    }
                    for (int pe = 0; pe < PE; ++pe) {
#pragma HLS UNROLL
                        int dot = 0;  // a tree of its own: the loop carries one addition
                        for (int lane = 0; lane < SIMD; ++lane) {
#pragma HLS UNROLL
                            dot += Layer::term(nf * SF + sf, pe, lane, x[lane]);
                        }
                        y[pe] = (sf == 0 ? Layer::bias(nf, pe) : sums[pe].to_int()) + dot;
                        sums[pe] = y[pe];
                    }
                    if (sf == SF - 1) out.write(pack<PE, OUT_BITS>(y));
                }
            }
        }
    }
}

// The same with hardware for every weight: OUT outputs of FAN_IN inputs at once, one vector at a time.
template <typename Layer, int VECTORS, int OUT, int FAN_IN, int IN_LANES, int OUT_LANES, int BITS, bool SIGNED, int ACC,
          int OUT_BITS>
void mac_unrolled(hls::stream<ap_uint<IN_LANES * BITS> >& in, hls::stream<ap_uint<OUT_LANES * OUT_BITS> >& out,
                  unsigned images) {
    const int BEATS = FAN_IN / IN_LANES > OUT / OUT_LANES ? FAN_IN / IN_LANES : OUT / OUT_LANES;
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
#pragma HLS PIPELINE II=BEATS
            int x[FAN_IN], y[OUT];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
#pragma HLS ARRAY_PARTITION variable=y complete dim=1
            for (int beat = 0; beat < FAN_IN / IN_LANES; ++beat) {
#pragma HLS UNROLL
                unpack<IN_LANES, BITS, SIGNED>(in.read(), x + beat * IN_LANES);
            }
            for (int j = 0; j < OUT; ++j) {
#pragma HLS UNROLL
                int dot = 0;
                for (int i = 0; i < FAN_IN; ++i) {
#pragma HLS UNROLL
                    dot += Layer::term(0, j, i, x[i]);
                }
                const ap_int<ACC> sum = Layer::bias(0, j) + dot;
                y[j] = sum.to_int();
            }
            for (int beat = 0; beat < OUT / OUT_LANES; ++beat) {
#pragma HLS UNROLL
                out.write(pack<OUT_LANES, OUT_BITS>(y + beat * OUT_LANES));
            }
        }
    }
}

}  // namespace lutforge

#endif
