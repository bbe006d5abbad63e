// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// What the programmable array does with finished sums: requantise, pool, add, store; or answer with them.
#ifndef LUTFORGE_ARRAY_RESULTS_HPP
#define LUTFORGE_ARRAY_RESULTS_HPP

#include "array_tables.hpp"

namespace lutforge {

// Whether there is at least one place and at most `most`.
inline bool array_fits(unsigned images, unsigned rows, unsigned columns, unsigned most) {
#pragma HLS INLINE
    return images > 0 && rows > 0 && columns > 0 && images <= most && rows <= most && columns <= most &&
           rows * columns <= most && (unsigned long long)images * (rows * columns) <= most;
}

inline void array_answer(const array_word& data, bool last, hls::stream<ap_axiu<64, 0, 0, 0> >& out) {
#pragma HLS INLINE
    ap_axiu<64, 0, 0, 0> beat;
    beat.data = data;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = last;
    out.write(beat);
}

// Two sums of 32 bits to a beat, the first in the lower half. Returns whether the packet is ended.
template <typename S>
bool array_send(const array_word& head, int sums[S::SUM_WORDS][S::PE], hls::stream<ap_axiu<64, 0, 0, 0> >& out) {
#pragma HLS INLINE off
    const bool last = field<8, 1>(head) != 0;
    const unsigned beats = field<16, 16>(head) * (S::PE / 2);
    array_address at = field<32, 16>(head);
    int pe = 0;
    for (unsigned beat = 0; beat < beats; ++beat) {
#pragma HLS PIPELINE II=1
        array_word data = 0;
        if (at < S::SUM_WORDS) {
            data.range(31, 0) = ap_uint<32>(sums[at.to_uint()][pe]);
            data.range(63, 32) = ap_uint<32>(sums[at.to_uint()][pe + 1]);
        }
        array_answer(data, last && beat == beats - 1, out);
        pe += 2;
        if (pe == S::PE) {
            pe = 0;
            ++at;
        }
    }
    return last && beats > 0;
}

// (sum + bias) << left, or >> right rounded half up; one of the shifts is 0. 64 bits, so that nothing wraps.
inline long long array_requantised(int sum, int bias, unsigned left, unsigned right) {
#pragma HLS INLINE
    const long long total = ((long long)(sum) + bias) * (1LL << (left & 31));
    return right == 0 ? total : (total + (1LL << ((right - 1) & 31))) >> (right & 63);
}

// Results, each from the sums of its window, one of them a cycle; what is added takes one more. Returns whether the array
// stops, because the places are more than its memories have or because it had stopped.
template <typename S>
bool array_finish_sums(const array_word& head, hls::stream<array_word>& commands, bool stopped,
                       typename S::activation activations[S::ACTIVATION_WORDS][S::BANKS][S::PE],
                       int sums[S::SUM_WORDS][S::PE]) {
#pragma HLS INLINE off
    const int MOST = S::ACTIVATION_WORDS > S::SUM_WORDS ? S::ACTIVATION_WORDS : S::SUM_WORDS;
    const array_finish c = read_finish(head, commands);
    int bias[S::PE];
    unsigned left[S::PE], right[S::PE];
    long long best[S::PE];
#pragma HLS ARRAY_PARTITION variable=bias complete dim=1
#pragma HLS ARRAY_PARTITION variable=left complete dim=1
#pragma HLS ARRAY_PARTITION variable=right complete dim=1
#pragma HLS ARRAY_PARTITION variable=best complete dim=1
    for (int pe = 0; pe < S::PE; ++pe) {
        const array_word word = commands.read();
        bias[pe] = signed_field<0, 32>(word);
        right[pe] = field<32, 8>(word);
        left[pe] = field<40, 8>(word);
    }
    const unsigned taps = c.kernel_rows * c.kernel_columns;
    if (stopped || taps == 0 || !array_fits(c.images, c.rows, c.columns, MOST)) return true;
    array_walk walk = {c.rows, c.columns}, target = {c.rows, c.columns};
    walk.row_stride = c.row_stride;
    walk.column_stride = c.column_stride;
    walk.image_step = c.image_step;
    walk.row_step = c.row_step;
    walk.column_step = c.column_stride;
    walk.begin(c.start, -int(c.top), -int(c.left));
    target.row_stride = target.column_stride = 0;
    target.image_step = c.target_image;
    target.row_step = c.target_row;
    target.column_step = c.target_column;
    target.begin(c.target, 0, 0);
    const unsigned cycles = c.images * c.rows * c.columns * (taps + c.adds);
    unsigned row = 0, column = 0, tap = 0;
    array_address row_at = c.start;
    for (unsigned cycle = 0; cycle < cycles; ++cycle) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=sums inter false
        const bool adds = tap == taps;  // the cycle behind the window's
        const int y = walk.y + int(row), x = walk.x + int(column);
        const array_address at = adds ? array_address(c.added + walk.at - c.start) : array_address(row_at + column);
        const bool inside = at < S::SUM_WORDS && (adds || (y >= 0 && y < int(c.extent_rows) && x >= 0 &&
                                                           x < int(c.extent_columns)));
        const bool last = tap == taps - 1 + c.adds;
        for (int pe = 0; pe < S::PE; ++pe) {
#pragma HLS UNROLL
            const int sum = inside ? sums[at.to_uint()][pe] : 0;
            long long value = array_requantised(sum, bias[pe], left[pe], right[pe]);
            if (c.clamps) value = value < c.low ? c.low : value > c.high ? c.high : value;
            const long long before = tap == 0 ? -(1LL << 40) : best[pe];  // what is left out is never the largest
            best[pe] = adds ? before + sum : inside && value > before ? value : before;
            if (last && c.in_sums && walk.at < S::SUM_WORDS) sums[walk.at.to_uint()][pe] = int(best[pe]);
            if (last && !c.in_sums && target.at < S::ACTIVATION_WORDS && c.bank < unsigned(S::BANKS)) {
                activations[target.at.to_uint()][c.bank][pe] = best[pe] & 255;
            }
        }
        ++tap;
        if (++column == c.kernel_columns) {
            column = 0;
            ++row;
            row_at += c.extent_columns;
        }
        if (last) {
            walk.next();
            target.next();
            row = column = tap = 0;
            row_at = walk.at;
        }
    }
    return false;
}

}  // namespace lutforge

#endif
