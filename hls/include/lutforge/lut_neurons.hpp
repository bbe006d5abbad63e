// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// An array of K-input truth tables whose outputs are summed per neuron (LUTNet).
#ifndef LUTFORGE_LUT_NEURONS_HPP
#define LUTFORGE_LUT_NEURONS_HPP

#include "types.hpp"

namespace lutforge {

// One vector of ELEMENTS codes in, one vector of NEURONS sums out. Layer is a generated struct of static
// functions over constants:
//   unsigned long long init(int table)   bit a of an INIT vector is the output at address a
//   int inputs(int table)                of a table, at most K; those that make no difference are left out
//   int wiring(int table, int k)         input bit, numbered element * BITS + bit; address bit k is input k
//   int neuron(int table), weight(int table)
// This is the C model of the RTL black box of the same shape; the tables are the real ones.
template <typename Layer, int TABLES, int K, int ELEMENTS, int BITS, int NEURONS, int IN_LANES, int OUT_LANES, int OUT_BITS>
void lut_array(hls::stream<ap_uint<IN_LANES * BITS> >& in, hls::stream<ap_uint<OUT_LANES * OUT_BITS> >& out) {
    const int BEATS = ELEMENTS / IN_LANES > NEURONS / OUT_LANES ? ELEMENTS / IN_LANES : NEURONS / OUT_LANES;
#pragma HLS PIPELINE II=BEATS
    bool x[ELEMENTS * BITS];
    int sums[NEURONS] = {0};
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
#pragma HLS ARRAY_PARTITION variable=sums complete dim=1
    for (int beat = 0; beat < ELEMENTS / IN_LANES; ++beat) {
#pragma HLS UNROLL
        int codes[IN_LANES];
#pragma HLS ARRAY_PARTITION variable=codes complete dim=1
        unpack<IN_LANES, BITS, false>(in.read(), codes);
        for (int lane = 0; lane < IN_LANES; ++lane) {
#pragma HLS UNROLL
            for (int bit = 0; bit < BITS; ++bit) {
#pragma HLS UNROLL
                x[(beat * IN_LANES + lane) * BITS + bit] = (codes[lane] >> bit) & 1;
            }
        }
    }
    for (int table = 0; table < TABLES; ++table) {
#pragma HLS UNROLL
        int address = 0;
        for (int k = 0; k < K; ++k) {
#pragma HLS UNROLL
            if (k < Layer::inputs(table)) address |= int(x[Layer::wiring(table, k)]) << k;
        }
        if ((Layer::init(table) >> address) & 1) sums[Layer::neuron(table)] += Layer::weight(table);
    }
    for (int beat = 0; beat < NEURONS / OUT_LANES; ++beat) {
#pragma HLS UNROLL
        out.write(pack<OUT_LANES, OUT_BITS>(sums + beat * OUT_LANES));
    }
}

}  // namespace lutforge

#endif
