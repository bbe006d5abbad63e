// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Reads images packed as the driver packs them, writes the answers: testbench IMAGES ANSWERS COUNT
#include "lutforge_top.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

static const int BEAT_BYTES = LUTFORGE_BEAT_BITS / 8;

static int run(const char* source, const char* target, unsigned images) {
    hls::stream<lutforge_axis> images_in("images_in"), answers_out("answers_out");
    std::ifstream in(source, std::ios::binary);
    if (!in) {
        std::fprintf(stderr, "%s: cannot be read\n", source);
        return 2;
    }
    unsigned char bytes[BEAT_BYTES];
    while (in.read(reinterpret_cast<char*>(bytes), BEAT_BYTES)) {
        lutforge_axis beat;
        beat.data = 0;
        for (int byte = 0; byte < BEAT_BYTES; ++byte) beat.data.range(byte * 8 + 7, byte * 8) = bytes[byte];
        beat.keep = -1;
        beat.strb = -1;
        beat.last = in.peek() == std::ifstream::traits_type::eof();
        images_in.write(beat);
    }
    lutforge_top(images_in, answers_out, images);
    std::ofstream out(target, std::ios::binary);
    const unsigned long long beats = images * static_cast<unsigned long long>(LUTFORGE_ANSWER_BEATS);
    for (unsigned long long n = 0; n < beats; ++n) {
        lutforge_axis beat = answers_out.read();
        for (int byte = 0; byte < BEAT_BYTES; ++byte) {
            out.put(static_cast<char>(ap_uint<8>(beat.data.range(byte * 8 + 7, byte * 8)).to_uint()));
        }
        if ((beat.last == 1) != (n == beats - 1)) {
            std::fprintf(stderr, "answer beat %llu: TLAST is wrong\n", n);
            return 3;
        }
    }
    out.flush();
    return out.good() ? 0 : 2;
}

int main(int count, char** words) {
    if (count != 4) {
        std::fprintf(stderr, "usage: testbench IMAGES ANSWERS COUNT\n");
        return 2;
    }
    try {
        return run(words[1], words[2], static_cast<unsigned>(std::strtoul(words[3], nullptr, 10)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
