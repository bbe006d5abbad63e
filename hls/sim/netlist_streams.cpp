// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A simulation executable over the netlist of a design: up to 256 copies of it side by side, each with a driver and a
// DMA of its own (`netlist_lane.hpp`) and a run of the images. Options and files are those of every simulation.
//
// The program is the file that --program names, or the end of this executable itself.
#include <cstring>
#include <map>
#include <memory>

#include "netlist_engine.hpp"
#include "netlist_lane.hpp"

using namespace lutforge;

static const unsigned RESET_CYCLES = 16;
static const uint32_t PROGRAM_END = 0x444e464cu;  // "LFND": before it the number of words, before that the words

typedef std::map<std::string, Slots> PortMap;

static const Slots& find(const PortMap& ports, const std::string& name) {
    const auto found = ports.find(name);
    if (found == ports.end() || found->second.empty()) throw Failure(WRONG_USE, "the design has no port " + name);
    return found->second;
}

// Where the ports of the design are.
struct Wires {
    Wires(const PortMap& in, const PortMap& out)
        : reset(find(in, "ap_rst_n")[0]), in_data(find(in, "images_in_TDATA")), in_keep(find(in, "images_in_TKEEP")),
          in_strobe(find(in, "images_in_TSTRB")), in_last(find(in, "images_in_TLAST")[0]),
          in_valid(find(in, "images_in_TVALID")[0]), in_ready(find(out, "images_in_TREADY")[0]),
          out_data(find(out, "answers_out_TDATA")), out_keep(find(out, "answers_out_TKEEP")),
          out_last(find(out, "answers_out_TLAST")[0]), out_valid(find(out, "answers_out_TVALID")[0]),
          out_ready(find(in, "answers_out_TREADY")[0]), araddr(find(in, AXI + "ARADDR")), awaddr(find(in, AXI + "AWADDR")),
          wdata(find(in, AXI + "WDATA")), wstrb(find(in, AXI + "WSTRB")), rdata(find(out, AXI + "RDATA")),
          rresp(find(out, AXI + "RRESP")), bresp(find(out, AXI + "BRESP")), arvalid(find(in, AXI + "ARVALID")[0]),
          arready(find(out, AXI + "ARREADY")[0]), rvalid(find(out, AXI + "RVALID")[0]), rready(find(in, AXI + "RREADY")[0]),
          awvalid(find(in, AXI + "AWVALID")[0]), awready(find(out, AXI + "AWREADY")[0]), wvalid(find(in, AXI + "WVALID")[0]),
          wready(find(out, AXI + "WREADY")[0]), bvalid(find(out, AXI + "BVALID")[0]), bready(find(in, AXI + "BREADY")[0]) {}

    const std::string AXI = "s_axi_control_";
    uint32_t reset;
    Slots in_data, in_keep, in_strobe;
    uint32_t in_last, in_valid, in_ready;
    Slots out_data, out_keep;
    uint32_t out_last, out_valid, out_ready;
    Slots araddr, awaddr, wdata, wstrb, rdata, rresp, bresp;
    uint32_t arvalid, arready, rvalid, rready, awvalid, awready, wvalid, wready, bvalid, bready;
};

class Bench {
public:
    Bench(const Options& options, const std::vector<uint32_t>& program);
    void run();
    void write_results() const;
    std::string stats_json(const std::string& error) const;

private:
    uint64_t& word(uint32_t slot, unsigned group) { return reinterpret_cast<uint64_t*>(&engine_->nets[slot])[group]; }
    void set(uint32_t slot, unsigned lane, bool one) {
        uint64_t& bits = word(slot, lane / 64);
        bits = (bits & ~(uint64_t(1) << lane % 64)) | uint64_t(one) << lane % 64;
    }
    bool get(uint32_t slot, unsigned lane) const { return lane_of(engine_->nets[slot], lane); }
    void put(const Slots& port, unsigned lane, uint32_t value) {
        for (size_t bit = 0; bit < port.size(); ++bit) set(port[bit], lane, value >> bit & 1);
    }
    uint32_t number(const Slots& port, unsigned lane) const {
        uint32_t value = 0;
        for (size_t bit = 0; bit < port.size(); ++bit) value |= uint32_t(get(port[bit], lane)) << bit;
        return value;
    }
    unsigned lanes_in(unsigned group) const { return unsigned(std::min<size_t>(64, lanes_.size() - 64 * group)); }
    void gather(const Slots& port, unsigned group);
    void reset();
    void tick();
    void drive(unsigned group);
    void offer(unsigned group);
    void drive_control(unsigned lane);
    void take_input(unsigned group);
    void take_output(unsigned group);
    void take_probes(unsigned group);
    void take_control(unsigned lane);

    struct ProbePorts {
        Slots data;
        uint32_t fire;
    };

    Options options_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Wires> wires_;
    StreamFacts facts_;
    std::vector<ProbePorts> probes_;
    Bytes data_, answers_;
    std::vector<std::vector<int64_t>> traces_;
    std::vector<Lane> lanes_;
    std::vector<bool> stale_;     // of a group of 64 lanes: another beat must be offered
    std::vector<uint64_t> rows_;  // what `gather` found: [64][words of the port]
    uint64_t cycle_ = 0;
};

Bench::Bench(const Options& options, const std::vector<uint32_t>& program) : options_(options) {
    Words words(program.data(), program.size());
    engine_.reset(new Engine(words));
    PortMap inputs, outputs;
    for (const Slots& port : engine_->inputs) inputs[words.text()] = port;
    for (const Slots& port : engine_->outputs) outputs[words.text()] = port;
    wires_.reset(new Wires(inputs, outputs));
    facts_.beat_bytes = words.next() / 8;
    facts_.input_beats = words.next();
    facts_.answer_beats = words.next();
    for (uint32_t count = words.next(); count; --count) {
        ProbeFacts probe{words.text(), words.next(), words.next(), words.next() != 0, words.next()};
        const std::string port = "probe_" + probe.name;
        probes_.push_back({find(outputs, port + "_data"), find(outputs, port + "_fire")[0]});
        traces_.emplace_back(options.trace.empty() ? 0 : options.images * probe.beats * probe.lanes);
        facts_.probes.push_back(probe);
    }
    data_ = read_file(options.in);
    const uint64_t wanted = options.images * facts_.input_beats * facts_.beat_bytes;
    if (data_.size() != wanted) {
        throw Failure(WRONG_USE, options.in + " holds " + std::to_string(data_.size()) + " bytes; " +
                                     std::to_string(wanted) + " are wanted");
    }
    answers_.resize(options.images * facts_.answer_beats * facts_.beat_bytes);
    const uint64_t count = std::max<uint64_t>(1, std::min<uint64_t>(LANES, options.images));
    lanes_.reserve(count);
    for (uint64_t lane = 0, first = 0; lane < count; ++lane) {  // the first lanes take one image more
        const uint64_t images = options.images / count + (lane < options.images % count);
        lanes_.emplace_back(options_, facts_, unsigned(lane), first, images);
        first += images;
    }
    stale_.assign(LANE_WORDS, true);
}

void Bench::gather(const Slots& port, unsigned group) {
    const size_t words = (port.size() + 63) / 64;
    rows_.resize(64 * words);
    for (size_t column = 0; column < words; ++column) {
        uint64_t block[64] = {};
        for (size_t bit = 64 * column; bit < std::min(port.size(), 64 * (column + 1)); ++bit) {
            block[bit % 64] = word(port[bit], group);
        }
        transpose(block);
        for (unsigned lane = 0; lane < 64; ++lane) rows_[lane * words + column] = block[lane];
    }
}

// Beats are offered before the start and after the last one too: the design must leave them alone.
void Bench::offer(unsigned group) {
    const Slots& port = wires_->in_data;
    for (size_t column = 0; column < (port.size() + 63) / 64; ++column) {
        uint64_t block[64] = {};
        const size_t bytes = std::min<size_t>(8, facts_.beat_bytes - 8 * column);
        for (unsigned index = 0; index < lanes_in(group); ++index) {
            const Lane& lane = lanes_[64 * group + index];
            block[index] = 0xa5a5a5a5a5a5a5a5ull;
            if (lane.has_beat()) std::memcpy(&block[index], &data_[lane.beat() * facts_.beat_bytes + 8 * column], bytes);
        }
        transpose(block);
        for (size_t bit = 64 * column; bit < std::min(port.size(), 64 * (column + 1)); ++bit) {
            word(port[bit], group) = block[bit % 64];
        }
    }
    stale_[group] = false;
}

void Bench::drive(unsigned group) {
    uint64_t offered = 0, last = 0, ready = 0;
    for (unsigned index = 0; index < lanes_in(group); ++index) {
        Lane& lane = lanes_[64 * group + index];
        lane.drive();
        offered |= uint64_t(lane.offered) << index;
        last |= uint64_t(lane.last_beat()) << index;
        ready |= uint64_t(lane.ready) << index;
    }
    word(wires_->in_valid, group) = offered;
    word(wires_->in_last, group) = last;
    word(wires_->out_ready, group) = ready;
    if (stale_[group]) offer(group);
}

void Bench::drive_control(unsigned index) {
    Lane& lane = lanes_[index];
    if (!lane.control_changed) return;
    lane.control_changed = false;
    set(wires_->arvalid, index, lane.control.arvalid);
    set(wires_->rready, index, lane.control.rready);
    set(wires_->awvalid, index, lane.control.awvalid);
    set(wires_->wvalid, index, lane.control.wvalid);
    set(wires_->bready, index, lane.control.bready);
    put(wires_->araddr, index, lane.address);
    put(wires_->awaddr, index, lane.address);
    put(wires_->wdata, index, lane.data);
}

void Bench::take_control(unsigned index) {
    Lane& lane = lanes_[index];
    if (!lane.uses_control()) return;
    ControlIn in{get(wires_->arready, index), get(wires_->rvalid, index), get(wires_->awready, index),
                 get(wires_->wready, index), get(wires_->bvalid, index), 0, 0};
    if (lane.control.rready && in.rvalid) in.rdata = number(wires_->rdata, index);
    in.response = number(lane.control.rready ? wires_->rresp : wires_->bresp, index);
    lane.take_control(cycle_, in);
}

void Bench::take_input(unsigned group) {
    uint64_t taken = word(wires_->in_valid, group) & word(wires_->in_ready, group);
    for (; taken; taken &= taken - 1) {
        lanes_[64 * group + unsigned(__builtin_ctzll(taken))].take_input(cycle_);
        stale_[group] = true;
    }
}

void Bench::take_output(unsigned group) {
    const unsigned count = lanes_in(group);
    const uint64_t present = count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
    const uint64_t valid = word(wires_->out_valid, group) & present, last = word(wires_->out_last, group);
    uint64_t concerned = valid, keeps = ~uint64_t(0);
    for (unsigned index = 0; index < count; ++index) {
        concerned |= uint64_t(lanes_[64 * group + index].is_waiting()) << index;
    }
    if (!concerned) return;
    gather(wires_->out_data, group);
    for (const uint32_t slot : wires_->out_keep) keeps &= word(slot, group);
    const size_t words = (facts_.beat_bytes + 7) / 8;
    for (; concerned; concerned &= concerned - 1) {
        const unsigned index = unsigned(__builtin_ctzll(concerned));
        Lane& lane = lanes_[64 * group + index];
        const unsigned char* beat = reinterpret_cast<const unsigned char*>(&rows_[index * words]);
        if (!lane.take_output(cycle_, valid >> index & 1, last >> index & 1, keeps >> index & 1, beat)) continue;
        std::copy(beat, beat + facts_.beat_bytes, &answers_[lane.answer_beat() * facts_.beat_bytes]);
    }
}

static int64_t element_at(const uint64_t* words, unsigned start, const ProbeFacts& probe) {
    uint64_t value = words[start / 64] >> start % 64;
    if (start % 64 + probe.bits > 64) value |= words[start / 64 + 1] << (64 - start % 64);
    const uint64_t sign = uint64_t(1) << (probe.bits - 1);
    value &= 2 * sign - 1;
    return probe.is_signed ? int64_t((value ^ sign) - sign) : int64_t(value);
}

void Bench::take_probes(unsigned group) {
    for (size_t index = 0; index < probes_.size(); ++index) {
        uint64_t fires = word(probes_[index].fire, group);
        const ProbeFacts& facts = facts_.probes[index];
        const size_t words = (probes_[index].data.size() + 63) / 64;
        if (fires && !traces_[index].empty()) gather(probes_[index].data, group);
        for (; fires; fires &= fires - 1) {
            const unsigned lane = unsigned(__builtin_ctzll(fires));
            if (64 * group + lane >= lanes_.size()) break;
            const int64_t beat = lanes_[64 * group + lane].take_probe(cycle_, index);
            if (beat < 0 || traces_[index].empty()) continue;
            for (unsigned element = 0; element < facts.lanes; ++element) {
                traces_[index][size_t(beat) * facts.lanes + element] =
                    element_at(&rows_[lane * words], element * facts.bits, facts);
            }
        }
    }
}

// Inputs of lanes that are not there stay 0: those designs are reset and never started.
void Bench::reset() {
    for (const Slots& port : engine_->inputs) {
        for (const uint32_t slot : port) engine_->nets[slot] = every(false);
    }
    for (const Slots* port : {&wires_->in_keep, &wires_->in_strobe, &wires_->wstrb}) {
        for (const uint32_t slot : *port) engine_->nets[slot] = every(true);
    }
    for (unsigned count = 0; count < RESET_CYCLES; ++count) {
        engine_->settle();
        engine_->clock();
    }
    engine_->nets[wires_->reset] = every(true);
}

void Bench::tick() {
    const unsigned groups = unsigned((lanes_.size() + 63) / 64);
    for (unsigned group = 0; group < groups; ++group) drive(group);
    for (unsigned lane = 0; lane < lanes_.size(); ++lane) drive_control(lane);
    engine_->settle();
    for (unsigned group = 0; group < groups; ++group) {
        take_input(group);
        take_output(group);
        take_probes(group);
    }
    for (unsigned lane = 0; lane < lanes_.size(); ++lane) take_control(lane);
    engine_->clock();
    for (Lane& lane : lanes_) lane.end_cycle(cycle_);
    ++cycle_;
}

void Bench::run() {
    reset();
    const auto done = [](const Lane& lane) { return lane.is_done(); };
    while (!std::all_of(lanes_.begin(), lanes_.end(), done)) tick();
}

void Bench::write_results() const {
    write_file(options_.out, answers_.data(), answers_.size());
    if (options_.trace.empty()) return;
    std::vector<int64_t> values;
    for (const std::vector<int64_t>& trace : traces_) values.insert(values.end(), trace.begin(), trace.end());
    write_file(options_.trace, values.data(), values.size() * sizeof(int64_t));
}

// The cycles are those of the first lane, which is one of those with the most images.
std::string Bench::stats_json(const std::string& error) const {
    Stats stats = lanes_[0].stats;
    stats.error = error;
    const uint64_t each = (options_.images + lanes_.size() - 1) / lanes_.size();
    const std::string text = stats.json();
    return text.substr(0, text.rfind('}')) + ", \"lanes\": " + std::to_string(lanes_.size()) +
           ", \"images_per_lane\": " + std::to_string(each) + "}\n";
}

static std::vector<uint32_t> read_program(const std::string& path, bool whole) {
    const Bytes bytes = read_file(path);
    uint32_t tail[2] = {0, 0};
    uint64_t words = bytes.size() / 4;
    size_t end = 4 * words;
    if (!whole) {
        if (bytes.size() >= sizeof tail) std::memcpy(tail, &bytes[bytes.size() - sizeof tail], sizeof tail);
        words = tail[0];
        end = bytes.size() - sizeof tail;
        if (tail[1] != PROGRAM_END || words > end / 4) throw Failure(WRONG_USE, "no netlist program; name one by --program");
    }
    std::vector<uint32_t> program(words);
    std::memcpy(program.data(), bytes.data() + end - 4 * words, 4 * words);
    return program;
}

int main(int count, char** words) {
    std::vector<char*> others(words, words + count);
    std::string path, error;
    for (size_t index = 1; index + 1 < others.size(); ++index) {
        if (std::string(others[index]) != "--program") continue;
        path = others[index + 1];
        others.erase(others.begin() + long(index), others.begin() + long(index) + 2);
        break;
    }
    Options options;
    std::unique_ptr<Bench> bench;
    int status = 0;
    try {
        options = read_options(int(others.size()), others.data());
        bench.reset(new Bench(options, read_program(path.empty() ? words[0] : path, !path.empty())));
        bench->run();
        bench->write_results();
    } catch (const Failure& failure) {
        status = failure.status;
        error = failure.what();
    } catch (const std::exception& failure) {
        status = WRONG_USE;
        error = failure.what();
    }
    if (status) std::fprintf(stderr, "%s\n", error.c_str());
    if (options.stats.empty()) return status;
    Stats none;
    none.error = error;
    const std::string text = bench ? bench->stats_json(error) : none.json();
    try {
        write_file(options.stats, text.data(), text.size());
    } catch (const Failure& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return failure.status;
    }
    return status;
}
