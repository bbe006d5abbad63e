// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Tables of the programmable array: one of 16 products for each digit of an activation and each weight of a tile.
#ifndef LUTFORGE_ARRAY_TABLES_HPP
#define LUTFORGE_ARRAY_TABLES_HPP

#include "array_commands.hpp"

namespace lutforge {

// Places images x rows x columns in their order: the address of each, and its row y and column x.
struct array_walk {
    unsigned rows, columns, row, column;
    int y, x, first_x, row_stride, column_stride;
    array_address at, row_at, image_at, image_step, row_step, column_step;
    int first_y;

    void begin(array_address first, int y0, int x0) {
#pragma HLS INLINE
        at = row_at = image_at = first;
        row = column = 0;
        y = first_y = y0;
        x = first_x = x0;
    }

    void next() {
#pragma HLS INLINE
        if (++column < columns) {
            at += column_step;
            x += column_stride;
            return;
        }
        column = 0;
        x = first_x;
        if (++row < rows) {
            row_at += row_step;
            y += row_stride;
        } else {
            row = 0;
            image_at += image_step;
            row_at = image_at;
            y = first_y;
        }
        at = row_at;
    }
};

// Grows the tables of the tile after the present one: reads the weights of GENERATORS rows, then writes an entry of
// each of their tables a cycle, the last one plus the weight. The high digit of a signed activation counts -8..7, so
// its entries begin again at -8 times the weight in the middle.
template <typename S>
struct array_grower {
    bool waits, reads, ready, is_signed;
    int truncate, group, beat, code;
    typename S::weight held[S::GENERATORS * S::SIMD];
    typename S::entry low[S::GENERATORS][S::SIMD], high[S::GENERATORS][S::SIMD];

    array_grower() : waits(true), reads(false), ready(false), is_signed(false), truncate(0), group(0), beat(0), code(0) {
#pragma HLS ARRAY_PARTITION variable=held complete dim=1
#pragma HLS ARRAY_PARTITION variable=low complete dim=0
#pragma HLS ARRAY_PARTITION variable=high complete dim=0
    }

    // One cycle of it: a beat of the program, or an entry.
    void step(hls::stream<array_word>& weights, int bank, typename S::entry low_tables[2][S::PE][S::SIMD][16],
              typename S::entry high_tables[2][S::PE][S::SIMD][16]) {
#pragma HLS INLINE
        if (ready) return;
        if (waits || reads) {
            if (weights.empty()) return;
            const array_word word = weights.read();
            if (waits) {
                is_signed = field<10, 1>(word) != 0;
                truncate = field<12, 4>(word);
                group = beat = 0;
                waits = false;
                reads = true;
            } else {
                take(word);
            }
        } else {
            write_entries(bank, low_tables, high_tables);
        }
    }

    void take(const array_word& word) {
#pragma HLS INLINE
        for (int place = 0; place < S::GENERATORS * S::SIMD - S::WEIGHTS; ++place) {
#pragma HLS UNROLL
            held[place] = held[place + S::WEIGHTS];  // the first beat ends in front
        }
        for (int lane = 0; lane < S::WEIGHTS; ++lane) {
#pragma HLS UNROLL
            const ap_int<S::WEIGHT> weight = word.range(lane * S::LANE + S::WEIGHT - 1, lane * S::LANE);
            held[S::GENERATORS * S::SIMD - S::WEIGHTS + lane] = weight.to_int();
        }
        if (++beat == S::GROUP_BEATS) {
            beat = code = 0;
            reads = false;
        }
    }

    void write_entries(int bank, typename S::entry low_tables[2][S::PE][S::SIMD][16],
                       typename S::entry high_tables[2][S::PE][S::SIMD][16]) {
#pragma HLS INLINE
        for (int row = 0; row < S::GENERATORS; ++row) {
#pragma HLS UNROLL
            for (int lane = 0; lane < S::SIMD; ++lane) {
#pragma HLS UNROLL
                const int weight = int(held[row * S::SIMD + lane]);
                const int before = code == 0 ? 0 : int(low[row][lane]) + weight;
                const int turned = is_signed && code == 8 ? -(weight * 8) : int(high[row][lane]) + weight;
                low[row][lane] = before;
                high[row][lane] = code == 0 ? 0 : turned;
                low_tables[bank][group * S::GENERATORS + row][lane][code] = (before >> truncate) * (1 << truncate);
                high_tables[bank][group * S::GENERATORS + row][lane][code] = code == 0 ? 0 : turned;
            }
        }
        if (++code < 16) return;
        reads = true;
        if (++group == S::PE / S::GENERATORS) {
            ready = true;
            reads = false;
        }
    }

    // The tile is taken: grow the next.
    void begin() {
#pragma HLS INLINE
        ready = false;
        waits = true;
    }
};

// An activation as the tables read it: without its low bits, rounded half up if the layer says so; padding stays 0.
inline unsigned array_shaped(const array_layer& layer, unsigned code, bool is_signed) {
#pragma HLS INLINE
    const int whole = is_signed && code > 127 ? int(code) - 256 : int(code);
    if (layer.shift == 0) return code;
    int kept = whole >> layer.shift;
    if (layer.rounds) {
        kept += (whole >> (layer.shift - 1)) & 1;
        if (kept > int(layer.top)) kept = layer.top;
    }
    return (kept * (1 << layer.shift)) & 255;
}

}  // namespace lutforge

#endif
