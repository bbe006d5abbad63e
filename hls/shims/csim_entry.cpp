// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// C interface of the compiled C simulation: bytes of the input stream in, bytes of the output stream out.
// One translation unit with the design: its headers take the compiler longer than its code.
#include <cstdio>
#include <exception>

#include "lutforge_top.cpp"
#include "trace.hpp"

static const size_t BEAT_BYTES = LUTFORGE_BEAT_BITS / 8;

static void feed(hls::stream<lutforge_axis>& stream, const unsigned char* bytes, size_t count) {
    if (count % BEAT_BYTES) throw std::runtime_error("the input is not a whole number of beats");
    for (size_t start = 0; start < count; start += BEAT_BYTES) {
        lutforge_axis beat;
        beat.data = 0;
        for (size_t byte = 0; byte < BEAT_BYTES; ++byte) {
            beat.data.range(byte * 8 + 7, byte * 8) = bytes[start + byte];
        }
        beat.keep = -1;
        beat.strb = -1;
        beat.last = start + BEAT_BYTES == count;
        stream.write(beat);
    }
}

static void drain(hls::stream<lutforge_axis>& stream, unsigned char* bytes, size_t count) {
    size_t start = 0;
    bool last = false;
    for (; !stream.empty(); start += BEAT_BYTES) {
        if (last) throw std::runtime_error("TLAST came before the last output beat");
        if (start + BEAT_BYTES > count) throw std::runtime_error("more output beats than the answers need");
        lutforge_axis beat = stream.read();
        for (size_t byte = 0; byte < BEAT_BYTES; ++byte) {
            bytes[start + byte] = ap_uint<8>(beat.data.range(byte * 8 + 7, byte * 8)).to_uint();
        }
        last = beat.last == 1;
    }
    if (start != count) throw std::runtime_error("fewer output beats than the answers need");
    if (count && !last) throw std::runtime_error("the last output beat has no TLAST");
}

extern "C" const char* lutforge_network_sha256(void) { return LUTFORGE_NETWORK_SHA256; }

extern "C" int lutforge_kernel(const unsigned char* input, size_t input_bytes, unsigned char* output,
                               size_t output_bytes, unsigned images, long long* trace, size_t trace_bytes,
                               char* message, size_t message_bytes) {
    try {
        hls::stream<lutforge_axis> images_in("images_in"), answers_out("answers_out");
        feed(images_in, input, input_bytes);
        lutforge::trace.next = trace;
        lutforge::trace.left = trace_bytes / sizeof(long long);
        lutforge_top(images_in, answers_out, images);
        if (!images_in.empty()) {
            throw std::runtime_error("stream images_in is too long: " + std::to_string(images_in.size()) +
                                     " beats were left unread");
        }
        drain(answers_out, output, output_bytes);
        return 0;
    } catch (const std::exception& error) {
        std::snprintf(message, message_bytes, "%s", error.what());
        return 1;
    }
}
