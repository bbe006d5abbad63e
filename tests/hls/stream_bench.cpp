// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Drives every stream of a verilated bench at random: `stream_bench FOLDER SEED WATCHDOG`.
//
// Source k offers the beats of FOLDER/source<k>.bin, sink k writes what it takes to FOLDER/sink<k>.bin. How often a
// stream stalls changes every few dozen cycles, from never to nearly always. A part stops when its sinks have what
// they want; beats after that, beats that vanish or change while they wait, and parts that get stuck are printed.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>

#include "bench.hpp"
#include "simulation.hpp"

using lutforge::Bytes;

static const unsigned PERCENTS[] = {0, 0, 20, 50, 80, 95};
static const unsigned DRAIN_CYCLES = 300;

struct Stream {
    Stream(const bench::Port& port, uint64_t seed) : at(port), phase(2 * seed, 2), level(2 * seed + 1, 50), stalls(seed, 0) {}
    bool withheld() {  // stalls of a random strength, which changes with a chance of 2 percent
        if (phase.next()) {
            unsigned choice = 0;
            while (choice < 5 && level.next()) ++choice;
            stalls = lutforge::Stalls(seed_of_phase += 77777, PERCENTS[choice]);
        }
        return stalls.next();
    }
    bench::Port at;
    lutforge::Stalls phase, level, stalls;
    uint64_t seed_of_phase = 1, beats = 0, moved = 0;
    bool offered = false, waiting = false, stuck = false;
    Bytes data, held;
};

static bool bit(const unsigned char* port) { return *port & 1; }

int main(int, char** words) {
    const std::string folder = words[1];
    const uint64_t seed = std::stoull(words[2]), watchdog = std::stoull(words[3]);
    VerilatedContext context;
    context.randReset(2);
    context.randSeed(int(seed) + 1);
    bench::Model model(&context, "");
    std::vector<Stream> sources, sinks;
    for (const bench::Port& port : bench::sources(model)) {
        sources.emplace_back(port, seed * 1000 + sources.size());
        sources.back().data = lutforge::read_file(folder + "/source" + std::to_string(sources.size() - 1) + ".bin");
    }
    for (const bench::Port& port : bench::sinks(model)) sinks.emplace_back(port, seed * 1000 + 500 + sinks.size());
    for (Stream& each : sources) *each.at.valid = 0;
    for (Stream& each : sinks) *each.at.ready = 0;
    uint64_t cycle = 0, done_since = 0;
    std::vector<uint64_t> part_moved(bench::PARTS, 0), part_cycles(bench::PARTS, 0);
    std::string errors;
    auto fail = [&](const Stream& stream, const std::string& what) {
        errors += std::string(stream.at.name) + ", cycle " + std::to_string(cycle) + ", beat " + std::to_string(stream.beats) + ": " + what + "\n";
    };
    for (model.rst = 1; errors.empty(); ++cycle) {
        model.rst = cycle < 10;
        if (!model.rst) {
            for (Stream& each : sources) {
                const bool more = each.beats * each.at.bytes < each.data.size();
                if (!each.offered) each.offered = more && !each.withheld();
                *each.at.valid = each.offered;
                if (each.offered) std::memcpy(each.at.data, &each.data[each.beats * each.at.bytes], each.at.bytes);
            }
            for (Stream& each : sinks) *each.at.ready = !each.withheld();
        }
        model.clk = 0;
        model.eval();
        bool done = !model.rst;
        for (Stream& each : sources) {
            if (!each.offered || !bit(each.at.ready)) continue;
            each.offered = false, ++each.beats;
            part_moved[each.at.part] = cycle;
        }
        for (Stream& each : sinks) {
            if (model.rst) break;
            const bool valid = bit(each.at.valid);
            if (each.waiting && !valid) fail(each, "a beat was taken back");
            if (each.waiting && std::memcmp(&each.held[0], each.at.data, each.at.bytes)) fail(each, "a beat changed while it waited");
            each.waiting = valid && !bit(each.at.ready);
            if (each.waiting) each.held.assign(each.at.data, each.at.data + each.at.bytes);
            if (valid && bit(each.at.ready)) {
                each.data.insert(each.data.end(), each.at.data, each.at.data + each.at.bytes);
                if (++each.beats > each.at.wanted) fail(each, "a beat came after the last one");
                part_moved[each.at.part] = part_cycles[each.at.part] = cycle;
            }
            if (each.beats < each.at.wanted && !each.stuck) {
                each.stuck = cycle - part_moved[each.at.part] > watchdog;
                if (each.stuck) std::cout << "stuck " << each.at.name << " " << cycle << " " << each.beats << "\n";
                done = false;
            }
        }
        if (!done) done_since = cycle;
        if (cycle - done_since > DRAIN_CYCLES) break;
        model.clk = 1;
        model.eval();
    }
    for (size_t index = 0; index < sinks.size(); ++index) {
        lutforge::write_file(folder + "/sink" + std::to_string(index) + ".bin", sinks[index].data.data(), sinks[index].data.size());
    }
    for (const Stream& each : sources) {
        if (each.beats * each.at.bytes < each.data.size()) std::cout << "left " << each.at.name << " " << cycle << " " << each.beats << "\n";
    }
    for (const uint64_t cycles : part_cycles) std::cout << "cycles part " << cycles << " 0\n";
    std::cerr << errors;
    return errors.empty() ? 0 : 1;
}
