// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Drives the C++ model of a LUT array and the Verilog that stands in for it with the same beats. The Verilog meets
// random stalls: empty and full FIFOs, a clock enable that drops, calls that pause, a `continue` that comes late.
// Names that the test defines: MODEL (header of the Verilated class), BOX, SOURCE (the C++ file), FUNCTION, BOX_IN_BITS,
// BOX_OUT_BITS, BOX_IN_BEATS, BOX_OUT_BEATS, VECTORS.
#include MODEL
#include SOURCE

#include <verilated.h>

#include <cstdio>
#include <cstring>
#include <vector>

static uint64_t state = 1;

static uint64_t next_random() {  // splitmix64
    uint64_t z = (state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static bool chance(unsigned percent) { return next_random() % 100 < percent; }

typedef ap_uint<BOX_IN_BITS> in_beat;
typedef ap_uint<BOX_OUT_BITS> out_beat;

// Ports of up to 64 bits are integers, wider ones arrays of 32-bit words; both are little-endian bytes.
template <typename Port, typename Beat>
static void drive(Port& port, const Beat& beat, int bits) {
    unsigned char* bytes = reinterpret_cast<unsigned char*>(&port);
    std::memset(bytes, 0, sizeof(port));
    for (int bit = 0; bit < bits; ++bit) bytes[bit / 8] |= (beat[bit] ? 1 : 0) << (bit % 8);
}

template <typename Port>
static bool same(const Port& port, const out_beat& beat) {
    const unsigned char* bytes = reinterpret_cast<const unsigned char*>(&port);
    for (int bit = 0; bit < BOX_OUT_BITS; ++bit) {
        if (((bytes[bit / 8] >> (bit % 8)) & 1) != (beat[bit] ? 1 : 0)) return false;
    }
    return true;
}

int main(int argc, char** argv) {
    state = std::strtoull(argv[1], nullptr, 10);
    const unsigned stall = unsigned(std::atoi(argv[2]));
    std::vector<in_beat> sent;
    std::vector<out_beat> wanted;
    hls::stream<in_beat> in;
    hls::stream<out_beat> out;
    for (int vector = 0; vector < VECTORS; ++vector) {
        for (int beat = 0; beat < BOX_IN_BEATS; ++beat) {
            in_beat value = 0;
            for (int bit = 0; bit < BOX_IN_BITS; ++bit) value[bit] = next_random() & 1;
            sent.push_back(value);
            in.write(value);
        }
        FUNCTION(in, out);
        for (int beat = 0; beat < BOX_OUT_BEATS; ++beat) wanted.push_back(out.read());
    }
    BOX box;
    box.ap_rst = 1;
    box.ap_ce = box.ap_start = box.ap_continue = 0;
    box.in_empty_n = box.out_full_n = 0;
    size_t read = 0, written = 0, called = 0, done = 0, cycle = 0, quiet = 0, first_read = 0, first_end = 0;
    for (; written < wanted.size() || done < size_t(VECTORS); ++cycle) {
        if (cycle == 4) box.ap_rst = 0;
        const bool live = cycle > 6;
        box.ap_ce = live && !chance(stall / 2);
        // ap_start stays up until ap_ready, as the protocol asks
        if (!box.ap_start) box.ap_start = live && called < size_t(VECTORS) && !chance(stall);
        box.ap_continue = !chance(stall);
        box.in_empty_n = live && read < sent.size() && !chance(stall);
        box.out_full_n = live && !chance(stall);
        drive(box.in_dout, read < sent.size() ? sent[read] : in_beat(0), BOX_IN_BITS);
        box.ap_clk = 0;
        box.eval();
        const bool reads = box.in_read && box.in_empty_n, writes = box.out_write, ready = box.ap_ready;
        if (box.in_read && !box.in_empty_n) return std::printf("cycle %zu: reads an empty FIFO\n", cycle), 1;
        if (writes && !box.out_full_n) return std::printf("cycle %zu: writes a full FIFO\n", cycle), 1;
        if ((reads || writes) && !box.ap_ce) return std::printf("cycle %zu: moves while the clock is disabled\n", cycle), 1;
        if (reads && !box.ap_start) return std::printf("cycle %zu: reads without a call\n", cycle), 1;
        if (writes) {
            if (written == wanted.size() || !same(box.out_din, wanted[written])) {
                return std::printf("beat %zu differs from the C++ model\n", written), 1;
            }
            if (++written == BOX_OUT_BEATS) first_end = cycle;
        }
        if (reads && !read++) first_read = cycle;
        if (ready) {
            ++called;
            if (read != called * BOX_IN_BEATS) return std::printf("cycle %zu: ready after %zu beats\n", cycle, read), 1;
        }
        if (box.ap_done && box.ap_continue && box.ap_ce) {
            if (++done * BOX_OUT_BEATS > written) return std::printf("cycle %zu: done before its last beat\n", cycle), 1;
        }
        quiet = reads || writes ? 0 : quiet + 1;
        if (quiet > 10000) return std::printf("nothing moved for 10000 cycles: %zu read, %zu written\n", read, written), 1;
        box.ap_clk = 1;
        box.eval();
        if (ready) box.ap_start = called < size_t(VECTORS) && !chance(stall);
    }
    std::printf("%zu cycles latency %zu\n", cycle, first_end - first_read + 1);
    return 0;
}
