// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The programmable array: PE x SIMD table multipliers, a memory of activations and one of partial sums.
//
// Two processes. `array_load` reads the program and runs ahead of `array_work` as far as its FIFOs reach, a tile of
// weights. While a tile passes over its positions, the tables of the next grow in the other bank, as many of them as
// there are positions; what is left then is grown before the next pass. Values do not depend on who is ahead.
//
// A program that is none ends early and never hangs: words that are no command are dropped (array_load); a tile before
// any layer, and extents beyond the memories, make the array skip all commands that follow. Places outside a memory read as
// 0 and are not written. In each case the packet of answers is ended by a beat of zeros, which a driver sees as TLAST that
// comes too early.
#ifndef LUTFORGE_ARRAY_HPP
#define LUTFORGE_ARRAY_HPP

#include "array_results.hpp"

namespace lutforge {

template <typename S>
void array_write(const array_word& head, hls::stream<array_word>& commands,
                 typename S::activation activations[S::ACTIVATION_WORDS][S::BANKS][S::PE]) {
#pragma HLS INLINE off
    typename S::activation word[S::SIMD];
#pragma HLS ARRAY_PARTITION variable=word complete dim=1
    const unsigned beats = field<16, 16>(head) * S::WORD_BEATS;
    array_address at = field<32, 16>(head);
    int part = 0;
    for (unsigned beat = 0; beat < beats; ++beat) {
#pragma HLS PIPELINE II=1
        const array_word taken = commands.read();
        for (int lane = 0; lane < S::SIMD; ++lane) {
#pragma HLS UNROLL
            if (lane / 8 == part) word[lane] = ap_uint<8>(taken.range(lane % 8 * 8 + 7, lane % 8 * 8)).to_uint();
        }
        if (++part < S::WORD_BEATS) continue;
        part = 0;
        if (at < S::ACTIVATION_WORDS) {
            for (int lane = 0; lane < S::SIMD; ++lane) {
#pragma HLS UNROLL
                activations[at.to_uint()][lane / S::PE][lane % S::PE] = word[lane];
            }
        }
        ++at;
    }
}

// One tile over every position of its layer, a position a cycle, while the next tile grows.
template <typename S>
void array_pass(const array_layer& layer, const array_word& head, int bank, array_grower<S>& grower,
                hls::stream<array_word>& weights,
                typename S::activation activations[S::ACTIVATION_WORDS][S::BANKS][S::PE],
                int sums[S::SUM_WORDS][S::PE], typename S::entry low[2][S::PE][S::SIMD][16],
                typename S::entry high[2][S::PE][S::SIMD][16]) {
#pragma HLS INLINE off
    const bool first = field<8, 1>(head) != 0, is_signed = field<10, 1>(head) != 0;
    array_walk walk = {layer.rows, layer.columns};
    walk.row_stride = layer.row_stride;
    walk.column_stride = layer.column_stride;
    walk.image_step = layer.image_step;
    walk.row_step = layer.row_step;
    walk.column_step = layer.column_step;
    walk.begin(field<16, 16>(head), signed_field<32, 16>(head), signed_field<48, 16>(head));
    const unsigned positions = layer.images * layer.rows * layer.columns;
    array_address at = layer.sum_base;
    for (unsigned position = 0; position < positions; ++position) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=sums inter false
#pragma HLS DEPENDENCE variable=low inter false
#pragma HLS DEPENDENCE variable=high inter false
        // every position has sums of its own, and the other bank is written
        const bool inside = walk.y >= 0 && walk.y < int(layer.height) && walk.x >= 0 && walk.x < int(layer.width) &&
                            walk.at < S::ACTIVATION_WORDS;
        unsigned codes[S::SIMD];
#pragma HLS ARRAY_PARTITION variable=codes complete dim=1
        for (int lane = 0; lane < S::SIMD; ++lane) {
#pragma HLS UNROLL
            const unsigned code = inside ? unsigned(activations[walk.at.to_uint()][lane / S::PE][lane % S::PE]) : 0;
            codes[lane] = array_shaped(layer, code, is_signed);
        }
        for (int pe = 0; pe < S::PE; ++pe) {
#pragma HLS UNROLL
            int dot = 0;
            for (int lane = 0; lane < S::SIMD; ++lane) {
#pragma HLS UNROLL
                dot += int(low[bank][pe][lane][codes[lane] & 15]) + int(high[bank][pe][lane][codes[lane] >> 4]) * 16;
            }
            if (at < S::SUM_WORDS) sums[at.to_uint()][pe] = first ? dot : sums[at.to_uint()][pe] + dot;
        }
        grower.step(weights, 1 - bank, low, high);
        walk.next();
        ++at;
    }
}

// The commands, one after the other. The memories and tables stay from start to start.
template <typename S>
void array_work(hls::stream<array_word>& commands, hls::stream<array_word>& weights,
                hls::stream<ap_axiu<64, 0, 0, 0> >& out) {
    static typename S::activation activations[S::ACTIVATION_WORDS][S::BANKS][S::PE];
    static int sums[S::SUM_WORDS][S::PE];
    static typename S::entry low[2][S::PE][S::SIMD][16], high[2][S::PE][S::SIMD][16];
    static int bank = 0;
#pragma HLS ARRAY_PARTITION variable=activations complete dim=2
#pragma HLS ARRAY_RESHAPE variable=activations complete dim=3
#pragma HLS BIND_STORAGE variable=activations type=ram_s2p impl=bram
#pragma HLS ARRAY_RESHAPE variable=sums complete dim=2
#pragma HLS BIND_STORAGE variable=sums type=ram_s2p impl=bram
#pragma HLS ARRAY_PARTITION variable=low complete dim=1
#pragma HLS ARRAY_PARTITION variable=low complete dim=2
#pragma HLS ARRAY_PARTITION variable=low complete dim=3
#pragma HLS BIND_STORAGE variable=low type=ram_s2p impl=lutram
#pragma HLS ARRAY_PARTITION variable=high complete dim=1
#pragma HLS ARRAY_PARTITION variable=high complete dim=2
#pragma HLS ARRAY_PARTITION variable=high complete dim=3
#pragma HLS BIND_STORAGE variable=high type=ram_s2p impl=lutram
    array_grower<S> grower;
    array_layer layer = {};
    bool stopped = false, ended = false;
    array_word head = commands.read();
    for (; field<0, 8>(head) != ARRAY_END; head = commands.read()) {
        const unsigned number = field<0, 8>(head);
        if (number == ARRAY_WRITE) {
            array_write<S>(head, commands, activations);
        } else if (number == ARRAY_LAYER) {
            layer = read_layer(head, commands);
            stopped = stopped || !array_fits(layer.images, layer.rows, layer.columns, S::SUM_WORDS);
        } else if (number == ARRAY_TILE) {
            if (field<9, 1>(head) == 0) {
                while (!grower.ready) {
#pragma HLS PIPELINE II=1
                    grower.step(weights, 1 - bank, low, high);
                }
                grower.begin();
                bank = 1 - bank;
            }
            stopped = stopped || layer.images == 0;
            if (!stopped) array_pass<S>(layer, head, bank, grower, weights, activations, sums, low, high);
        } else if (number == ARRAY_FINISH) {
            stopped = array_finish_sums<S>(head, commands, stopped, activations, sums);
        } else if (!stopped) {
            ended = array_send<S>(head, sums, out);
        }
    }
    if (!ended) array_answer(0, true, out);
}

// What the top function calls. beats: of the program.
template <int PE, int SIMD, int WEIGHT, int GENERATORS, int ACTIVATION_WORDS, int SUM_WORDS>
void array(hls::stream<ap_axiu<64, 0, 0, 0> >& in, hls::stream<ap_axiu<64, 0, 0, 0> >& out, unsigned beats) {
#pragma HLS DATAFLOW
    typedef array_sizes<PE, SIMD, WEIGHT, GENERATORS, ACTIVATION_WORDS, SUM_WORDS> sizes;
    const int AHEAD = sizes::TILE_BEATS + 1;
    hls::stream<array_word> commands("commands"), weights("weights");
#pragma HLS STREAM variable=commands depth=64
#pragma HLS STREAM variable=weights depth=AHEAD
    array_load<sizes>(in, commands, weights, beats);
    array_work<sizes>(commands, weights, out);
}

}  // namespace lutforge

#endif
