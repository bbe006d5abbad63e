// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// K-input truth tables that all tiles of a layer share, with weight bits that each tile has its own (tiled LUTNet).
#ifndef LUTFORGE_TILED_HPP
#define LUTFORGE_TILED_HPP

#include "types.hpp"

namespace lutforge {

// For each of VECTORS vectors per image, T_IN tiles of SIMD codes in and T_OUT tiles of PE sums out, one pair of tiles a
// cycle. A vector arrives once and is kept for the other T_OUT - 1 passes. Layer is a generated struct of static
// functions over constants:
//   unsigned long long init(int table)   bit a of an INIT vector is the output at address a
//   int wiring(int table, int k)         element of a tile; address bit k is input k, of K - P
//   int neuron(int table)                output of a tile
//   int word(int tile, int table)        weight bits, the P upper bits of the address; tile = to * T_IN + ti
//   int level(int index)                 weight of a level, level 0 (the top bit of a code) first
template <typename Layer, int VECTORS, int T_OUT, int T_IN, int TABLES, int K, int P, int LEVELS, int PE, int SIMD,
          int OUT_BITS>
void tiled_lut_neurons(hls::stream<ap_uint<SIMD * LEVELS> >& in, hls::stream<ap_uint<PE * OUT_BITS> >& out,
                       unsigned images) {
    ap_uint<SIMD * LEVELS> kept[T_IN];
    ap_uint<OUT_BITS> sums[PE];
#pragma HLS ARRAY_PARTITION variable=sums complete dim=1
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
            for (int to = 0; to < T_OUT; ++to) {
                for (int ti = 0; ti < T_IN; ++ti) {
#pragma HLS PIPELINE II=1
                    ap_uint<SIMD * LEVELS> codes;
                    if (to == 0) {
                        codes = in.read();
                        kept[ti] = codes;
                    } else {
                        codes = kept[ti];
                    }
                    int y[PE] = {0};  // the sum of a tile, apart: the loop carries one addition
#pragma HLS ARRAY_PARTITION variable=y complete dim=1
                    for (int table = 0; table < TABLES; ++table) {
#pragma HLS UNROLL
                        const int word = Layer::word(to * T_IN + ti, table) & ((1 << P) - 1);
                        for (int level = 0; level < LEVELS; ++level) {
#pragma HLS UNROLL
                            int address = word << (K - P);
                            for (int k = 0; k < K - P; ++k) {
#pragma HLS UNROLL
                                const bool bit = codes[Layer::wiring(table, k) * LEVELS + LEVELS - 1 - level];
                                address |= int(bit) << k;
                            }
                            if ((Layer::init(table) >> address) & 1) y[Layer::neuron(table)] += Layer::level(level);
                        }
                    }
                    for (int pe = 0; pe < PE; ++pe) {
#pragma HLS UNROLL
                        if (ti > 0) y[pe] += sums[pe].to_int();
                        sums[pe] = y[pe];
                    }
                    if (ti == T_IN - 1) out.write(pack<PE, OUT_BITS>(y));
                }
            }
        }
    }
}

}  // namespace lutforge

#endif
