// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Probes for a -DLUTFORGE_TRACE build: copy what a stream carries, as 64-bit integers, and leave it as it was.
#ifndef LUTFORGE_SHIM_TRACE_HPP
#define LUTFORGE_SHIM_TRACE_HPP

#include <lutforge/types.hpp>

namespace lutforge {

struct trace_sink {
    long long* next;
    size_t left;
};
extern trace_sink trace;

template <int LANES, int BITS, bool SIGNED>
void probe(hls::stream<ap_uint<LANES * BITS> >& stream) {
    if (!trace.next) return;
    for (size_t beats = stream.size(); beats > 0; --beats) {
        ap_uint<LANES * BITS> beat = stream.read();
        int values[LANES];
        unpack<LANES, BITS, SIGNED>(beat, values);
        for (int lane = 0; lane < LANES; ++lane) {
            if (trace.left == 0) throw std::runtime_error("the trace buffer is too small");
            *trace.next++ = values[lane];
            --trace.left;
        }
        stream.write(beat);
    }
}

}  // namespace lutforge

#endif
