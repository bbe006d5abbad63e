// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// AXI streams at both ends; width converters between layers; streams that fork and follow one another.
// Loops are perfect nests with the work in the innermost, so that one pipeline runs through a whole batch.
#ifndef LUTFORGE_STREAM_HPP
#define LUTFORGE_STREAM_HPP

#include "types.hpp"

namespace lutforge {

template <int BEAT>
struct axis {
    typedef ap_axiu<BEAT, 0, 0, 0> type;
};

// AXI beats of one image -> element beats. BEAT_LANES elements lie in an AXI beat; OUT_LANES divides both
// BEAT_LANES and ELEMENTS, so a partly filled last beat yields fewer element beats.
template <int BEAT, int BITS, int BEAT_LANES, int OUT_LANES, int ELEMENTS>
void read_images(hls::stream<typename axis<BEAT>::type>& in, hls::stream<ap_uint<OUT_LANES * BITS> >& out,
                 unsigned images) {
    const int GROUPS = BEAT_LANES / OUT_LANES;
    const int TOTAL = ELEMENTS / OUT_LANES;
    ap_uint<BEAT> beat = 0;
    int group = 0;
    for (unsigned image = 0; image < images; ++image) {
        for (int sent = 0; sent < TOTAL; ++sent) {
#pragma HLS PIPELINE II=1
            if (group == 0) {
                beat = in.read().data;
            } else {
                beat = beat >> (OUT_LANES * BITS);
            }
            out.write(beat.range(OUT_LANES * BITS - 1, 0));
            group = group == GROUPS - 1 || sent == TOTAL - 1 ? 0 : group + 1;
        }
    }
}

// BEATS times an image, one beat of A elements -> A / B beats of B elements.
template <int A, int B, int BITS, int BEATS>
void narrow(hls::stream<ap_uint<A * BITS> >& in, hls::stream<ap_uint<B * BITS> >& out, unsigned images) {
    ap_uint<A * BITS> wide = 0;
    for (unsigned image = 0; image < images; ++image) {
        for (int beat = 0; beat < BEATS; ++beat) {
            for (int part = 0; part < A / B; ++part) {
#pragma HLS PIPELINE II=1
                if (part == 0) {
                    wide = in.read();
                } else {
                    wide = wide >> (B * BITS);
                }
                out.write(wide.range(B * BITS - 1, 0));
            }
        }
    }
}

// BEATS times an image, B / A beats of A elements -> one beat of B elements.
template <int A, int B, int BITS, int BEATS>
void widen(hls::stream<ap_uint<A * BITS> >& in, hls::stream<ap_uint<B * BITS> >& out, unsigned images) {
    ap_uint<B * BITS> wide = 0;
    for (unsigned image = 0; image < images; ++image) {
        for (int beat = 0; beat < BEATS; ++beat) {
            for (int part = 0; part < B / A; ++part) {
#pragma HLS PIPELINE II=1
                wide = wide >> (A * BITS);
                wide.range(B * BITS - 1, (B - A) * BITS) = in.read();
                if (part == B / A - 1) out.write(wide);
            }
        }
    }
}

// BEATS times an image, one beat to each of two readers.
template <int BITS, int BEATS>
void duplicate(hls::stream<ap_uint<BITS> >& in, hls::stream<ap_uint<BITS> >& out, hls::stream<ap_uint<BITS> >& out1,
               unsigned images) {
    for (unsigned image = 0; image < images; ++image) {
        for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1
            const ap_uint<BITS> both = in.read();
            out.write(both);
            out1.write(both);
        }
    }
}

// For each of VECTORS positions LEFT beats of one stream, then RIGHT beats of another; elements become OUT_BITS wide.
template <int VECTORS, int LEFT, int RIGHT, int LANES, int LEFT_BITS, bool LEFT_SIGNED, int RIGHT_BITS,
          bool RIGHT_SIGNED, int OUT_BITS>
void concat(hls::stream<ap_uint<LANES * LEFT_BITS> >& in, hls::stream<ap_uint<LANES * RIGHT_BITS> >& in1,
            hls::stream<ap_uint<LANES * OUT_BITS> >& out, unsigned images) {
    for (unsigned image = 0; image < images; ++image) {
        for (int vector = 0; vector < VECTORS; ++vector) {
            for (int part = 0; part < LEFT + RIGHT; ++part) {
#pragma HLS PIPELINE II=1
                int x[LANES];
#pragma HLS ARRAY_PARTITION variable=x complete dim=1
                if (part < LEFT) {
                    unpack<LANES, LEFT_BITS, LEFT_SIGNED>(in.read(), x);
                } else {
                    unpack<LANES, RIGHT_BITS, RIGHT_SIGNED>(in1.read(), x);
                }
                out.write(pack<LANES, OUT_BITS>(x));
            }
        }
    }
}

// The answer of each image: 32-bit words, logits (LOGITS) then class (CLASS), padded to whole AXI beats.
// A tie goes to the lowest class. TLAST stands on the last beat of the batch.
template <int BEAT, int CLASSES, int LANES, int BITS, bool SIGNED, bool LOGITS, bool CLASS>
void write_answers(hls::stream<ap_uint<LANES * BITS> >& in, hls::stream<typename axis<BEAT>::type>& out,
                   unsigned images) {
    const int WORDS = (LOGITS ? CLASSES : 0) + (CLASS ? 1 : 0);
    const int PER_BEAT = BEAT / 32;
    const int BEATS = (WORDS + PER_BEAT - 1) / PER_BEAT;
    for (unsigned image = 0; image < images; ++image) {
        int words[BEATS * PER_BEAT] = {0};
#pragma HLS ARRAY_PARTITION variable=words complete dim=1
        int best = 0, winner = 0;
        for (int part = 0; part < CLASSES / LANES; ++part) {
#pragma HLS PIPELINE II=1
            int values[LANES];
#pragma HLS ARRAY_PARTITION variable=values complete dim=1
            unpack<LANES, BITS, SIGNED>(in.read(), values);
            for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
                const int index = part * LANES + lane;
                if (LOGITS) words[index] = values[lane];
                if (index == 0 || values[lane] > best) {
                    best = values[lane];
                    winner = index;
                }
            }
        }
        if (CLASS) words[WORDS - 1] = winner;
        for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1
            typename axis<BEAT>::type item;
            for (int word = 0; word < PER_BEAT; ++word) {
#pragma HLS UNROLL
                item.data.range(word * 32 + 31, word * 32) = ap_uint<32>(words[beat * PER_BEAT + word]);
            }
            item.keep = -1;
            item.strb = -1;
            item.last = image == images - 1 && beat == BEATS - 1;
            out.write(item);
        }
    }
}

}  // namespace lutforge

#endif
