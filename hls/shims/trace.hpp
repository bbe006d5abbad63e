// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Probes for a -DLUTFORGE_TRACE build: copy what a stream carries, as 64-bit integers.
#ifndef LUTFORGE_SHIM_TRACE_HPP
#define LUTFORGE_SHIM_TRACE_HPP

#include <lutforge/types.hpp>

#include <algorithm>

namespace lutforge {

struct trace_sink {
    long long* next;
    size_t left;
};
static thread_local trace_sink trace = {nullptr, 0};

template <int LANES, int BITS, bool SIGNED>
void probe(const hls::stream<ap_uint<LANES * BITS> >& stream) {
    if (!trace.next) return;
    if (trace.left < stream.size() * LANES) throw std::runtime_error("the trace buffer is too small");
    for (size_t beat = 0; beat < stream.size(); ++beat) {
        int values[LANES];
        unpack<LANES, BITS, SIGNED>(stream.peek(beat), values);
        trace.next = std::copy(values, values + LANES, trace.next);
    }
    trace.left -= stream.size() * LANES;
}

}  // namespace lutforge

#endif
