// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Sliding window with line buffers, and max pooling on top of it.
#ifndef LUTFORGE_WINDOW_HPP
#define LUTFORGE_WINDOW_HPP

#include "types.hpp"

namespace lutforge {

// Move one channel of the window a column on: the new column comes from the line buffers and the new pixel,
// one read and one write of each line buffer.
template <int KH, int KW, int PADDED_W, int CHANNELS, int BITS>
void shift_in(ap_uint<BITS> lines[KH > 1 ? KH - 1 : 1][PADDED_W][CHANNELS], ap_uint<BITS> taps[KH * KW * CHANNELS],
              int column, int channel, ap_uint<BITS> value) {
#pragma HLS INLINE
    ap_uint<BITS> fresh[KH];
    for (int i = 0; i < KH; ++i) {
#pragma HLS UNROLL
        fresh[i] = i < KH - 1 ? lines[i < KH - 1 ? i : 0][column][channel] : value;
    }
    for (int i = 0; i < KH; ++i) {
#pragma HLS UNROLL
        if (i < KH - 1) lines[i][column][channel] = fresh[i < KH - 1 ? i + 1 : 0];
        for (int j = 0; j < KW; ++j) {
#pragma HLS UNROLL
            const int tap = (i * KW + j) * CHANNELS + channel;
            taps[tap] = j < KW - 1 ? taps[tap + CHANNELS] : fresh[i];
        }
    }
}

// Image [HEIGHT, WIDTH, CHANNELS] in pixel order -> windows in the order (kernel row, kernel column, channel).
// A pixel arrives in CHANNELS / IN_LANES beats; a window leaves in KH * KW * CHANNELS / OUT_LANES beats.
// Positions outside the image hold PAD. The last KH - 1 rows stay in line buffers.
template <int HEIGHT, int WIDTH, int CHANNELS, int KH, int KW, int SH, int SW, int TOP, int BOTTOM, int LEFT, int RIGHT,
          int PAD, int BITS, int IN_LANES, int OUT_LANES>
void window(hls::stream<ap_uint<IN_LANES * BITS> >& in, hls::stream<ap_uint<OUT_LANES * BITS> >& out, unsigned images) {
    const int PADDED_H = TOP + HEIGHT + BOTTOM, PADDED_W = LEFT + WIDTH + RIGHT;
    const int FAN_IN = KH * KW * CHANNELS;
    const int LINES = KH > 1 ? KH - 1 : 1;
    ap_uint<BITS> lines[LINES][PADDED_W][CHANNELS];
    ap_uint<BITS> taps[FAN_IN];
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS ARRAY_PARTITION variable=lines complete dim=3
#pragma HLS ARRAY_PARTITION variable=taps complete dim=1
    for (unsigned image = 0; image < images; ++image) {
        for (int row = 0; row < PADDED_H; ++row) {
            for (int column = 0; column < PADDED_W; ++column) {
                const bool inside = row >= TOP && row < TOP + HEIGHT && column >= LEFT && column < LEFT + WIDTH;
                for (int part = 0; part < CHANNELS / IN_LANES; ++part) {
#pragma HLS PIPELINE II=1
                    ap_uint<IN_LANES * BITS> beat = 0;
                    if (inside) beat = in.read();
                    for (int lane = 0; lane < IN_LANES; ++lane) {
#pragma HLS UNROLL
                        const int channel = part * IN_LANES + lane;
                        ap_uint<BITS> value = beat.range(lane * BITS + BITS - 1, lane * BITS);
                        if (!inside) value = ap_uint<BITS>(PAD);
                        shift_in<KH, KW, PADDED_W, CHANNELS, BITS>(lines, taps, column, channel, value);
                    }
                }
                const bool complete = row >= KH - 1 && column >= KW - 1;
                if (complete && (row - KH + 1) % SH == 0 && (column - KW + 1) % SW == 0) {
                    for (int part = 0; part < FAN_IN / OUT_LANES; ++part) {
#pragma HLS PIPELINE II=1
                        ap_uint<OUT_LANES * BITS> beat = 0;
                        for (int lane = 0; lane < OUT_LANES; ++lane) {
#pragma HLS UNROLL
                            beat.range(lane * BITS + BITS - 1, lane * BITS) = taps[part * OUT_LANES + lane];
                        }
                        out.write(beat);
                    }
                }
            }
        }
    }
}

// Largest of TAPS pixels, each in CHANNELS / LANES beats, for each of POSITIONS output positions per image.
template <int POSITIONS, int TAPS, int CHANNELS, int LANES, int BITS, bool SIGNED>
void max_taps(hls::stream<ap_uint<LANES * BITS> >& in, hls::stream<ap_uint<LANES * BITS> >& out, unsigned images) {
    int best[CHANNELS];
#pragma HLS ARRAY_PARTITION variable=best complete dim=1
    for (unsigned n = 0; n < images * POSITIONS; ++n) {
        for (int tap = 0; tap < TAPS; ++tap) {
            for (int part = 0; part < CHANNELS / LANES; ++part) {
#pragma HLS PIPELINE II=1
                int x[LANES];
                unpack<LANES, BITS, SIGNED>(in.read(), x);
                for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                    const int channel = part * LANES + lane;
                    if (tap == 0 || x[lane] > best[channel]) best[channel] = x[lane];
                }
                if (tap == TAPS - 1) out.write(pack<LANES, BITS>(best + part * LANES));
            }
        }
    }
}

}  // namespace lutforge

#endif
