// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Gates of up to six inputs made ready to be evaluated: constants, wires and repeated sources taken out, gates that
// nothing reads dropped, the rest in an order that uses a value soon after it is made, each with a place to live.
#ifndef LUTFORGE_ENGINE_CIRCUIT_HPP
#define LUTFORGE_ENGINE_CIRCUIT_HPP

#include <stdexcept>
#include <vector>

#include "decompose.hpp"

namespace engine {

const int MAX_INPUTS = 6;
const int SPILLS = 256;  // values of a chunk of code that may wait in memory

// Where a lane lives: of the stage's source, of its destination, or of the scratch area.
enum Area : uint8_t { SOURCE, DEST, SCRATCH, NOWHERE };
struct Place {
    Area area;
    int32_t lane;
};

struct Gate {
    int lane, inputs;
    int source[MAX_INPUTS];
    Table table;
};

struct Circuit {
    std::vector<Gate> gates;      // in the order of evaluation
    std::vector<Place> place;     // by lane
    struct Copy {
        int from;                 // a lane, or ZERO
        bool inverted;
        int32_t to;               // lane of the destination
    };
    std::vector<Copy> copies;     // outputs that are sources, constants, or second copies; done last
    int scratch = 0;              // lanes of scratch
    int inputs = 0;
};

// Drop input k of a gate, which reads the value `value` there.
inline void drop(Gate& gate, int k, int value) {
    gate.table = cofactor(gate.table, gate.inputs, k, value);
    for (int i = k; i + 1 < gate.inputs; ++i) gate.source[i] = gate.source[i + 1];
    --gate.inputs;
}

// Join inputs i < k of a gate, which read the same value, or its complement.
inline void join(Gate& gate, int i, int k, bool inverted) {
    Table joined = 0;
    for (int address = 0; address < 1 << gate.inputs; ++address) {
        int bit = (address >> i & 1) ^ int(inverted);
        int real = (address & ~(1 << k)) | bit << k;
        joined |= Table(gate.table >> real & 1) << address;
    }
    gate.table = joined;
    drop(gate, k, 0);
}

inline void invert_input(Gate& gate, int k) {
    Table swapped = 0;
    for (int address = 0; address < 1 << gate.inputs; ++address)
        swapped |= Table(gate.table >> (address ^ 1 << k) & 1) << address;
    gate.table = swapped;
}

// Resolve sources through gates that are constants or wires, and drop what the table does not depend on.
inline void reduce(Gate& gate, const std::vector<Ref>& known) {
    for (int k = gate.inputs - 1; k >= 0; --k) {
        if (gate.source[k] < 0) {
            drop(gate, k, 0);
            continue;
        }
        Ref ref = known[size_t(gate.source[k])];
        if (ref.value == ZERO) drop(gate, k, int(ref.inverted));
        else {
            gate.source[k] = ref.value;
            if (ref.inverted) invert_input(gate, k);
        }
    }
    for (int k = gate.inputs - 1; k > 0; --k)
        for (int i = 0; i < k; ++i)
            if (gate.source[i] == gate.source[k]) {
                join(gate, i, k, false);
                break;
            }
    for (int k = gate.inputs - 1; k >= 0; --k)
        if (!depends(gate.table, gate.inputs, k)) drop(gate, k, 0);
}

inline Circuit make_circuit(int inputs, size_t count, const int32_t* sources, const uint64_t* tables,
                            const std::vector<int32_t>& outputs) {
    std::vector<Gate> all(count);
    std::vector<Ref> known(size_t(inputs) + count);
    for (int lane = 0; lane < inputs; ++lane) known[size_t(lane)] = {lane, false};
    for (size_t index = 0; index < count; ++index) {
        Gate& gate = all[index];
        gate.lane = inputs + int(index);
        gate.inputs = MAX_INPUTS;
        gate.table = tables[index];
        for (int k = 0; k < MAX_INPUTS; ++k) {
            gate.source[k] = sources[index * MAX_INPUTS + size_t(k)];
            if (gate.source[k] >= gate.lane) throw std::runtime_error("a gate reads a later one");
        }
        reduce(gate, known);
        Ref& me = known[size_t(gate.lane)];
        if (gate.inputs == 0) me = {ZERO, bool(gate.table & 1)};
        else if (gate.inputs == 1) me = {gate.source[0], (gate.table & 3) == 1};
        else me = {gate.lane, false};
    }
    Circuit circuit;
    circuit.inputs = inputs;
    circuit.place.assign(size_t(inputs) + count, {NOWHERE, 0});
    for (int lane = 0; lane < inputs; ++lane) circuit.place[size_t(lane)] = {SOURCE, lane};
    // depth first from the outputs, so that a neuron's tables stand next to its sum
    std::vector<char> seen(count, 0);
    std::vector<int> stack;
    for (size_t output = 0; output < outputs.size(); ++output) {
        Ref ref = known[size_t(outputs[output])];
        if (ref.value >= inputs) stack.push_back(ref.value - inputs);
        while (!stack.empty()) {
            const int index = stack.back();
            Gate& gate = all[size_t(index)];
            if (seen[size_t(index)] == 2) {
                stack.pop_back();
                continue;
            }
            bool ready = true;
            if (!seen[size_t(index)])
                for (int k = gate.inputs - 1; k >= 0; --k)
                    if (gate.source[k] >= inputs && seen[size_t(gate.source[k] - inputs)] != 2) {
                        stack.push_back(gate.source[k] - inputs);
                        ready = false;
                    }
            seen[size_t(index)] = 1;
            if (!ready) continue;
            seen[size_t(index)] = 2;
            stack.pop_back();
            circuit.gates.push_back(gate);
        }
        const bool own = ref.value >= inputs && !ref.inverted && circuit.place[size_t(ref.value)].area == NOWHERE;
        if (own) circuit.place[size_t(ref.value)] = {DEST, int32_t(output)};
        else circuit.copies.push_back({ref.value, ref.inverted, int32_t(output)});
    }
    // scratch lanes for what is no output, each free again after its last reader
    std::vector<int> last(size_t(inputs) + count, -1);
    for (size_t time = 0; time < circuit.gates.size(); ++time)
        for (int k = 0; k < circuit.gates[time].inputs; ++k) last[size_t(circuit.gates[time].source[k])] = int(time);
    for (const auto& copy : circuit.copies)
        if (copy.from != ZERO) last[size_t(copy.from)] = int(circuit.gates.size());
    std::vector<int> free_lanes;
    for (size_t time = 0; time < circuit.gates.size(); ++time) {
        const Gate& gate = circuit.gates[time];
        Place& mine = circuit.place[size_t(gate.lane)];
        if (mine.area == NOWHERE) {
            if (free_lanes.empty()) free_lanes.push_back(circuit.scratch++);
            mine = {SCRATCH, free_lanes.back()};
            free_lanes.pop_back();
        }
        for (int k = 0; k < gate.inputs; ++k) {  // after the gate's own place: an evaluator may write before it has read all
            const Place& read = circuit.place[size_t(gate.source[k])];
            if (read.area == SCRATCH && last[size_t(gate.source[k])] == int(time)) free_lanes.push_back(read.lane);
        }
    }
    return circuit;
}

}  // namespace engine

#endif
