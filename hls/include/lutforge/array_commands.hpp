// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Sizes and commands of the programmable array, and the process that reads a program from its AXI stream.
// The places of all fields are those of core/array_words.py.
#ifndef LUTFORGE_ARRAY_COMMANDS_HPP
#define LUTFORGE_ARRAY_COMMANDS_HPP

#include "types.hpp"

namespace lutforge {

// WEIGHT: bits of a weight. GENERATORS: rows of a tile whose tables grow at the same time.
template <int PE_, int SIMD_, int WEIGHT_, int GENERATORS_, int ACTIVATION_WORDS_, int SUM_WORDS_>
struct array_sizes {
    static const int PE = PE_, SIMD = SIMD_, WEIGHT = WEIGHT_, GENERATORS = GENERATORS_;
    static const int ACTIVATION_WORDS = ACTIVATION_WORDS_, SUM_WORDS = SUM_WORDS_;
    static const int BANKS = SIMD / PE;                  // parts of a word of activations that are written alone
    static const int LANE = WEIGHT <= 8 ? 8 : 16;        // bits that a weight takes in a beat
    static const int WEIGHTS = 64 / LANE;                // weights in a beat
    static const int WORD_BEATS = SIMD / 8;              // beats of a word of activations
    static const int TILE_BEATS = PE * SIMD / WEIGHTS;   // beats of a tile of weights
    static const int GROUP_BEATS = GENERATORS * SIMD / WEIGHTS;
    typedef typename rom<WEIGHT>::type weight;
    typedef typename rom<WEIGHT + 4>::type entry;        // a weight times -8..15
    typedef unsigned char activation;
};

typedef ap_uint<64> array_word;
typedef ap_uint<16> array_address;  // counts modulo 2**16, so that a window may begin in front of its image
enum array_number { ARRAY_END = 0, ARRAY_WRITE, ARRAY_LAYER, ARRAY_TILE, ARRAY_FINISH, ARRAY_SEND };

template <int PLACE, int BITS>
unsigned field(const array_word& word) {
#pragma HLS INLINE
    return ap_uint<BITS>(word.range(PLACE + BITS - 1, PLACE)).to_uint();
}

template <int PLACE, int BITS>
int signed_field(const array_word& word) {
#pragma HLS INLINE
    return ap_int<BITS>(word.range(PLACE + BITS - 1, PLACE)).to_int();
}

struct array_layer {
    unsigned shift, top, images, rows, columns, height, width, row_stride, column_stride;
    bool rounds;
    array_address sum_base, image_step, row_step, column_step;
};

inline array_layer read_layer(const array_word& head, hls::stream<array_word>& commands) {
    array_layer c;
    c.shift = field<8, 4>(head);
    c.rounds = field<12, 1>(head) != 0;
    c.top = field<16, 16>(head);
    c.sum_base = field<32, 16>(head);
    array_word word = commands.read();
    c.images = field<0, 16>(word);
    c.rows = field<16, 16>(word);
    c.columns = field<32, 16>(word);
    word = commands.read();
    c.image_step = field<0, 16>(word);
    c.row_step = field<16, 16>(word);
    c.column_step = field<32, 16>(word);
    word = commands.read();
    c.height = field<0, 16>(word);
    c.width = field<16, 16>(word);
    c.row_stride = field<32, 16>(word);
    c.column_stride = field<48, 16>(word);
    return c;
}

struct array_finish {
    bool in_sums, clamps, adds;
    unsigned bank, images, rows, columns;
    unsigned kernel_rows, kernel_columns, row_stride, column_stride, top, left, extent_rows, extent_columns;
    array_address start, added, row_step, image_step, target, target_image, target_row, target_column;
    int low, high;
};

// The words of the lanes, one for each of PE outputs, are still to be read behind these.
inline array_finish read_finish(const array_word& head, hls::stream<array_word>& commands) {
    array_finish c;
    c.in_sums = field<8, 1>(head) != 0;
    c.clamps = field<9, 1>(head) != 0;
    c.adds = field<10, 1>(head) != 0;
    c.bank = field<16, 16>(head);
    c.start = field<32, 16>(head);
    c.added = field<48, 16>(head);
    array_word word = commands.read();
    c.images = field<0, 16>(word);
    c.rows = field<16, 16>(word);
    c.columns = field<32, 16>(word);
    c.image_step = field<48, 16>(word);
    word = commands.read();
    c.target = field<0, 16>(word);
    c.target_image = field<16, 16>(word);
    c.target_row = field<32, 16>(word);
    c.target_column = field<48, 16>(word);
    word = commands.read();
    c.kernel_rows = field<0, 4>(word);
    c.kernel_columns = field<4, 4>(word);
    c.row_stride = field<8, 4>(word);
    c.column_stride = field<12, 4>(word);
    c.top = field<16, 4>(word);
    c.left = field<20, 4>(word);
    c.extent_rows = field<24, 16>(word);
    c.extent_columns = field<40, 16>(word);
    word = commands.read();
    c.low = signed_field<0, 16>(word);
    c.high = signed_field<16, 16>(word);
    c.row_step = field<32, 16>(word);
    return c;
}

// Reads `beats` beats. Commands, and what is no weight behind them, go to `commands`; a tile's command and its weights
// to `weights`, whose FIFO holds the next tile while the array works. A word that is no command, and a command that is
// longer than the rest of the program, end it: the rest is read and dropped, so that the sender never waits.
template <typename S>
void array_load(hls::stream<ap_axiu<64, 0, 0, 0> >& in, hls::stream<array_word>& commands,
                hls::stream<array_word>& weights, unsigned beats) {
    unsigned left = beats;
    bool stopped = false;
    while (left > 0) {
        const array_word head = in.read().data;
        const unsigned number = field<0, 8>(head);
        const bool loads = number == ARRAY_TILE && field<9, 1>(head) == 0;
        unsigned more = 0;  // words and beats behind the first
        if (number == ARRAY_WRITE) more = field<16, 16>(head) * S::WORD_BEATS;
        if (number == ARRAY_LAYER) more = 3;
        if (loads) more = S::TILE_BEATS;
        if (number == ARRAY_FINISH) more = 4 + S::PE;
        --left;
        stopped = stopped || number < ARRAY_WRITE || number > ARRAY_SEND || more > left;
        if (stopped) continue;
        commands.write(head);
        if (loads) weights.write(head);
        for (unsigned beat = 0; beat < more; ++beat) {
#pragma HLS PIPELINE II=1
            const array_word word = in.read().data;
            if (loads) {
                weights.write(word);
            } else {
                commands.write(word);
            }
        }
        left -= more;
    }
    commands.write(ARRAY_END);
}

}  // namespace lutforge

#endif
