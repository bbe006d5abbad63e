// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Sliding window with line buffers, and max pooling on top of it.
#ifndef LUTFORGE_WINDOW_HPP
#define LUTFORGE_WINDOW_HPP

#include "types.hpp"

namespace lutforge {

// Move the window on by one beat: each of its KH rows is a shift register of ROW units. The new beat comes in
// at the bottom row, the line buffers deliver the rows above; one read and one write of each line buffer.
template <int KH, int SLOTS, int ROW, int IN, int UNIT_BITS>
void shift_in(ap_uint<IN * UNIT_BITS> lines[KH > 1 ? KH - 1 : 1][SLOTS], ap_uint<UNIT_BITS> taps[KH * ROW], int slot,
              const ap_uint<IN * UNIT_BITS>& beat) {
#pragma HLS INLINE
    ap_uint<IN * UNIT_BITS> fresh[KH];
#pragma HLS ARRAY_PARTITION variable=fresh complete dim=1
    for (int i = 0; i < KH; ++i) {
#pragma HLS UNROLL
        fresh[i] = i < KH - 1 ? lines[i < KH - 1 ? i : 0][slot] : beat;
    }
    for (int i = 0; i < KH; ++i) {
#pragma HLS UNROLL
        if (i < KH - 1) lines[i][slot] = fresh[i < KH - 1 ? i + 1 : 0];
        for (int unit = 0; unit < ROW - IN; ++unit) {
#pragma HLS UNROLL
            taps[i * ROW + unit] = taps[i * ROW + unit + IN];
        }
        for (int unit = 0; unit < IN; ++unit) {
#pragma HLS UNROLL
            taps[i * ROW + ROW - IN + unit] = fresh[i].range((unit + 1) * UNIT_BITS - 1, unit * UNIT_BITS);
        }
    }
}

// LANES elements of the same value.
template <int LANES, int BITS>
ap_uint<LANES * BITS> repeat(int value) {
#pragma HLS INLINE
    int values[LANES];
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
        values[lane] = value;
    }
    return pack<LANES, BITS>(values);
}

// Image [HEIGHT, WIDTH, CHANNELS] in pixel order -> windows in the order (kernel row, kernel column, channel).
// A pixel arrives in PARTS beats; a window leaves in BEATS beats, the first in the cycle of its last pixel.
// Positions outside the image hold PAD. The last KH - 1 rows stay in line buffers, one word per slot (a beat
// of a padded row). A unit is what both sides' beats keep together, so nothing smaller is ever moved.
template <int HEIGHT, int WIDTH, int CHANNELS, int KH, int KW, int SH, int SW, int TOP, int BOTTOM, int LEFT, int RIGHT,
          int PAD, int BITS, int IN_LANES, int OUT_LANES>
void window(hls::stream<ap_uint<IN_LANES * BITS> >& in, hls::stream<ap_uint<OUT_LANES * BITS> >& out, unsigned images) {
    const int PADDED_H = TOP + HEIGHT + BOTTOM, PADDED_W = LEFT + WIDTH + RIGHT;
    const int PARTS = CHANNELS / IN_LANES, BEATS = KH * KW * CHANNELS / OUT_LANES;
    const int SLOTS = PADDED_W * PARTS, LINES = KH > 1 ? KH - 1 : 1;
    const int UNIT = common_divisor<IN_LANES, OUT_LANES>::value, UNIT_BITS = UNIT * BITS;
    const int ROW = KW * CHANNELS / UNIT, OUT = OUT_LANES / UNIT;
    const int POSITIONS = ((PADDED_H - KH) / SH + 1) * ((PADDED_W - KW) / SW + 1);
    const int STEPS = PADDED_H * SLOTS + POSITIONS * (BEATS - 1);
    ap_uint<IN_LANES * BITS> lines[LINES][SLOTS];
    ap_uint<UNIT_BITS> taps[KH * ROW];
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_PARTITION variable=taps complete dim=1
    int row = 0, slot = 0, beat = 0, next_row = KH - 1, next_slot = KW * PARTS - 1;
    for (unsigned image = 0; image < images; ++image) {
        for (int step = 0; step < STEPS; ++step) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=lines inter RAW distance=SLOTS true
            if (beat == 0) {
                ap_uint<IN_LANES * BITS> pixels = repeat<IN_LANES, BITS>(PAD);
                if (row >= TOP && row < TOP + HEIGHT && slot >= LEFT * PARTS && slot < (LEFT + WIDTH) * PARTS) {
                    pixels = in.read();
                }
                shift_in<KH, SLOTS, ROW, IN_LANES / UNIT, UNIT_BITS>(lines, taps, slot, pixels);
            }
            const bool due = row == next_row && slot == next_slot;
            if (due) {
                ap_uint<OUT_LANES * BITS> answer = 0;
                for (int unit = 0; unit < OUT; ++unit) {
#pragma HLS UNROLL
                    answer.range((unit + 1) * UNIT_BITS - 1, unit * UNIT_BITS) = taps[beat * OUT + unit];
                }
                out.write(answer);
            }
            if (due && beat < BEATS - 1) {
                ++beat;
            } else {
                beat = 0;
                if (slot == next_slot) next_slot += SW * PARTS;
                if (slot < SLOTS - 1) {
                    ++slot;
                } else {
                    slot = 0;
                    next_slot = KW * PARTS - 1;
                    if (row == next_row) next_row += SH;
                    row = row < PADDED_H - 1 ? row + 1 : 0;
                    if (row == 0) next_row = KH - 1;
                }
            }
        }
    }
}

// Largest, or with SUM the sum, of TAPS pixels, each in CHANNELS / LANES beats, for each of POSITIONS output positions per
// image. OUT_BITS: of an element of the output stream.
template <int POSITIONS, int TAPS, int CHANNELS, int LANES, int BITS, bool SIGNED, bool SUM, int OUT_BITS>
void fold_taps(hls::stream<ap_uint<LANES * BITS> >& in, hls::stream<ap_uint<LANES * OUT_BITS> >& out, unsigned images) {
    typename element<OUT_BITS, SIGNED>::type kept[CHANNELS];
#pragma HLS ARRAY_PARTITION variable=kept complete dim=1
    for (unsigned image = 0; image < images; ++image) {
        for (int position = 0; position < POSITIONS; ++position) {
            for (int tap = 0; tap < TAPS; ++tap) {
                for (int part = 0; part < CHANNELS / LANES; ++part) {
#pragma HLS PIPELINE II=1
                    int x[LANES];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
                    unpack<LANES, BITS, SIGNED>(in.read(), x);
                    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                        const int channel = part * LANES + lane;
                        if (tap > 0) {
                            const int before = kept[channel].to_int();
                            x[lane] = SUM ? x[lane] + before : before > x[lane] ? before : x[lane];
                        }
                        kept[channel] = x[lane];
                    }
                    if (tap == TAPS - 1) out.write(pack<LANES, OUT_BITS>(x));
                }
            }
        }
    }
}

}  // namespace lutforge

#endif
