// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Shift registers and memories of a netlist, in 256 lanes.
#ifndef LUTFORGE_NETLIST_STORAGE_HPP
#define LUTFORGE_NETLIST_STORAGE_HPP

#include <algorithm>
#include <vector>

#include "netlist_lanes.hpp"

namespace lutforge {

typedef std::vector<uint32_t> Slots;  // numbers of nets
typedef std::vector<Lanes> Nets;

const unsigned TREE_BITS = 6;  // of an address that may differ between lanes and is still read by a tree

inline Lanes tree_of(Lanes* leaves, const Nets& nets, const Slots& address) {
    size_t count = size_t(1) << address.size();
    for (const uint32_t slot : address) {
        count /= 2;
        for (size_t index = 0; index < count; ++index) {
            leaves[index] = select(nets[slot], leaves[2 * index + 1], leaves[2 * index]);
        }
    }
    return leaves[0];
}

// Call visit(address, lanes) for every address that is found in `lanes`, mostly one.
template <class Visit>
void for_each_address(const Nets& nets, const Slots& address, Lanes lanes, Visit visit) {
    while (any(lanes)) {
        const unsigned lane = first_lane(lanes);
        size_t value = 0;
        Lanes same = lanes;
        for (size_t bit = 0; bit < address.size(); ++bit) {
            const Lanes& net = nets[address[bit]];
            const bool one = lane_of(net, lane);
            value |= size_t(one) << bit;
            same &= net ^ every(!one);
        }
        visit(value, same);
        lanes &= ~same;
    }
}

inline bool is_uniform(const Nets& nets, const Slots& address) {
    for (const uint32_t slot : address) {
        if (any(nets[slot]) && !all(nets[slot])) return false;
    }
    return true;
}

// While the clock enable agrees in all lanes a ring turns; otherwise the bits move.
struct ShiftRegister {
    uint32_t data = 0, enable = 0, depth = 0;  // depth: a power of two
    Slots tap_positions, tap_slots;            // bits that are always on a net
    std::vector<Slots> addresses;              // of the reads, with the slots that they go to
    Slots read_slots;
    std::vector<bool> init;
    Nets ring;
    uint32_t head = 0;

    Lanes& bit(size_t position) { return ring[(head + position) & (depth - 1)]; }

    void reset() {
        head = 0;
        ring.resize(depth);
        for (uint32_t index = 0; index < depth; ++index) ring[index] = every(init[index]);
    }
    void clock(const Nets& nets) {
        const Lanes shifts = nets[enable];
        if (!any(shifts)) return;
        if (all(shifts)) {
            head = (head - 1) & (depth - 1);
            bit(0) = nets[data];
            return;
        }
        for (uint32_t index = depth - 1; index; --index) bit(index) = select(shifts, bit(index - 1), bit(index));
        bit(0) = select(shifts, nets[data], bit(0));
    }
    void publish(Nets& nets) {
        for (size_t tap = 0; tap < tap_slots.size(); ++tap) nets[tap_slots[tap]] = bit(tap_positions[tap]);
    }
    void read(Nets& nets, size_t index) {
        Lanes leaves[1u << TREE_BITS];
        const Slots& address = addresses[index];
        for (size_t leaf = 0; leaf < size_t(1) << address.size(); ++leaf) leaves[leaf] = bit(leaf);
        nets[read_slots[index]] = tree_of(leaves, nets, address);
    }
};

// Bit `offset + address * stride` of a memory on net `slot`.
struct Access {
    uint32_t stride, offset, slot, enable;  // enable: of a write
    bool init, reset_value;                 // of a clocked read
};

struct Port {
    Slots address;
    std::vector<Access> bits;
};

struct ClockedRead : Port {
    uint32_t enable = 0, reset = 0, writes = 0;  // writes: where the same port writes
    bool keeps = false, passes = false;          // WRITE_MODE NO_CHANGE, WRITE_FIRST
    bool registered = false;                     // DOx_REG: a second register
    uint32_t register_enable = 0, register_reset = 0;
    Nets latch, second;
};

// Contents are bits of their own in each lane; where nothing writes, one copy serves all lanes.
struct Memory {
    bool constant = false;
    std::vector<bool> init;
    std::vector<Port> reads, writes;
    std::vector<ClockedRead> clocked;
    Nets bits;

    Lanes bit(size_t index) const { return constant ? every(init[index]) : bits[index]; }

    void reset() {
        if (!constant) {
            bits.resize(init.size());
            for (size_t index = 0; index < init.size(); ++index) bits[index] = every(init[index]);
        }
        for (ClockedRead& read : clocked) {
            read.latch.clear();
            for (const Access& access : read.bits) read.latch.push_back(every(access.init));
            read.second = read.latch;
        }
    }
    void read(Nets& nets, size_t index) const {
        const Port& port = reads[index];
        if (port.address.size() <= TREE_BITS && !is_uniform(nets, port.address)) {
            Lanes leaves[1u << TREE_BITS];
            for (const Access& access : port.bits) {
                for (size_t leaf = 0; leaf < size_t(1) << port.address.size(); ++leaf) {
                    leaves[leaf] = bit(access.offset + leaf * access.stride);
                }
                nets[access.slot] = tree_of(leaves, nets, port.address);
            }
            return;
        }
        for (const Access& access : port.bits) nets[access.slot] = every(false);
        for_each_address(nets, port.address, every(true), [&](size_t address, Lanes lanes) {
            for (const Access& access : port.bits) {
                nets[access.slot] |= bit(access.offset + address * access.stride) & lanes;
            }
        });
    }
    void load(const Nets& nets, ClockedRead& port, Lanes lanes) const {
        for_each_address(nets, port.address, lanes, [&](size_t address, Lanes same) {
            for (size_t index = 0; index < port.bits.size(); ++index) {
                const Access& access = port.bits[index];
                port.latch[index] = select(same, bit(access.offset + address * access.stride), port.latch[index]);
            }
        });
    }
    void write(const Nets& nets, const Port& port) {
        Lanes lanes = every(false);
        for (const Access& access : port.bits) lanes |= nets[access.enable];
        for_each_address(nets, port.address, lanes, [&](size_t address, Lanes same) {
            for (const Access& access : port.bits) {
                Lanes& stored = bits[access.offset + address * access.stride];
                stored = select(same & nets[access.enable], nets[access.slot], stored);
            }
        });
    }
    // All reads see what was there before; yosys keeps away from what two ports of a block RAM leave undefined.
    void clock(const Nets& nets) {
        for (ClockedRead& port : clocked) {
            if (port.registered) {
                const Lanes clears = nets[port.register_reset], takes = nets[port.register_enable];
                for (size_t index = 0; index < port.bits.size(); ++index) {
                    const Lanes value = select(takes, port.latch[index], port.second[index]);
                    port.second[index] = select(clears, every(port.bits[index].reset_value), value);
                }
            }
            const Lanes resets = nets[port.enable] & nets[port.reset];
            load(nets, port, nets[port.enable] & ~resets & ~(port.keeps ? nets[port.writes] : every(false)));
            if (!any(resets)) continue;
            for (size_t index = 0; index < port.bits.size(); ++index) {
                port.latch[index] = select(resets, every(port.bits[index].reset_value), port.latch[index]);
            }
        }
        for (const Port& port : writes) write(nets, port);
        for (ClockedRead& port : clocked) {
            if (port.passes) load(nets, port, nets[port.writes] & nets[port.enable] & ~nets[port.reset]);
        }
    }
    void publish(Nets& nets) const {
        for (const ClockedRead& port : clocked) {
            for (size_t index = 0; index < port.bits.size(); ++index) {
                nets[port.bits[index].slot] = port.registered ? port.second[index] : port.latch[index];
            }
        }
    }
};

}  // namespace lutforge

#endif
