// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Operations on each element: threshold, rescale, affine, encode, and the sum of two streams. The channels of one of VECTORS vectors per
// image pass in GROUPS beats of LANES.
#ifndef LUTFORGE_POINTWISE_HPP
#define LUTFORGE_POINTWISE_HPP

#include "types.hpp"

namespace lutforge {

// Layer is a generated struct with static `int apply(int group, int lane, int x)`.
template <typename Layer, int VECTORS, int GROUPS, int LANES, int BITS, bool SIGNED, int OUT_BITS>
void pointwise(hls::stream<ap_uint<LANES * BITS> >& in, hls::stream<ap_uint<LANES * OUT_BITS> >& out, unsigned images) {
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
            for (int group = 0; group < GROUPS; ++group) {
#pragma HLS PIPELINE II=1
                int x[LANES], y[LANES];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
#pragma HLS ARRAY_PARTITION variable=y complete dim=1
                unpack<LANES, BITS, SIGNED>(in.read(), x);
                for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                    y[lane] = Layer::apply(group, lane, x[lane]);
                }
                out.write(pack<LANES, OUT_BITS>(y));
            }
        }
    }
}

// Each element becomes STEP bits; Layer offers static `ap_uint<STEP> encode(int group, int lane, int x)`.
template <typename Layer, int VECTORS, int GROUPS, int LANES, int BITS, bool SIGNED, int STEP>
void encode(hls::stream<ap_uint<LANES * BITS> >& in, hls::stream<ap_uint<LANES * STEP> >& out, unsigned images) {
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
            for (int group = 0; group < GROUPS; ++group) {
#pragma HLS PIPELINE II=1
                int x[LANES];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
                unpack<LANES, BITS, SIGNED>(in.read(), x);
                ap_uint<LANES * STEP> bits = 0;
                for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                    bits.range(lane * STEP + STEP - 1, lane * STEP) = Layer::encode(group, lane, x[lane]);
                }
                out.write(bits);
            }
        }
    }
}

// The sum of two streams; BEATS times an image.
template <int BEATS, int LANES, int LEFT_BITS, bool LEFT_SIGNED, int RIGHT_BITS, bool RIGHT_SIGNED, int OUT_BITS>
void add(hls::stream<ap_uint<LANES * LEFT_BITS> >& in, hls::stream<ap_uint<LANES * RIGHT_BITS> >& in1,
         hls::stream<ap_uint<LANES * OUT_BITS> >& out, unsigned images) {
    for (unsigned image = 0; image < images; ++image) {
        for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1
            int x[LANES], y[LANES];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
#pragma HLS ARRAY_PARTITION variable=y complete dim=1
            unpack<LANES, LEFT_BITS, LEFT_SIGNED>(in.read(), x);
            unpack<LANES, RIGHT_BITS, RIGHT_SIGNED>(in1.read(), y);
            for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                x[lane] += y[lane];
            }
            out.write(pack<LANES, OUT_BITS>(x));
        }
    }
}

// Number of thresholds exceeded, strictly.
template <int STEPS, typename T>
int count_exceeded(int x, const T* thresholds) {
#pragma HLS INLINE
    int count = 0;
    for (int step = 0; step < STEPS; ++step) {
#pragma HLS UNROLL
        count += x > thresholds[step] ? 1 : 0;
    }
    return count;
}

// One bit per threshold: bit s is x > thresholds[s].
template <int STEPS, typename T>
ap_uint<STEPS> thermometer(int x, const T* thresholds) {
#pragma HLS INLINE
    ap_uint<STEPS> bits = 0;
    for (int step = 0; step < STEPS; ++step) {
#pragma HLS UNROLL
        bits[step] = x > thresholds[step];
    }
    return bits;
}

// (x * multiplier + 2**(shift - 1)) >> shift, half up, clamped. multiplier < 2**16 and shift < 32, so that
// 49 bits hold every intermediate.
inline int rescale(int x, int multiplier, int shift, int low, int high) {
#pragma HLS INLINE
    const long long half = shift > 0 ? 1LL << (shift - 1) : 0;
    const long long value = (static_cast<long long>(x) * multiplier + half) >> shift;
    return value < low ? low : value > high ? high : static_cast<int>(value);
}

// x * scale + offset, which bounds keep within 32 bits.
inline int affine(int x, int scale, int offset) {
#pragma HLS INLINE
    return static_cast<int>(static_cast<long long>(x) * scale + offset);
}

}  // namespace lutforge

#endif
