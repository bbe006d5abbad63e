// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A simulation executable: the verilated design between an AXI-Lite master, a source and a sink of beats.
//
// It plays the driver and the DMA, keeps AXI's rules and checks that the design does, and never waits for ever:
// when nothing has moved for --watchdog cycles it says what moved last. `design.hpp` is written beside the model.
#include <algorithm>
#include <cstring>
#include <memory>

#include "design.hpp"
#include "simulation.hpp"

using namespace lutforge;
typedef design::Model Model;

static const unsigned CTRL = 0x00, IMAGES = 0x10;
static const uint32_t START = 1, DONE = 2, IDLE = 4;
static const size_t BEAT_BYTES = design::BEAT_BITS / 8;
static const unsigned RESET_CYCLES = 16, DRAIN_CYCLES = 64;

// Memory of a port; on a little-endian computer bit i of the port is bit i % 8 of byte i / 8.
template <class Port>
static unsigned char* bytes_of(Port& port) {
    return reinterpret_cast<unsigned char*>(&port);
}

static int64_t element_at(const unsigned char* bytes, unsigned start, unsigned bits, bool is_signed) {
    uint64_t value = 0;
    for (unsigned done = 0; done < bits;) {
        const unsigned shift = (start + done) % 8, taken = std::min(8 - shift, bits - done);
        value |= uint64_t(bytes[(start + done) / 8] >> shift & ((1u << taken) - 1)) << done;
        done += taken;
    }
    const uint64_t sign = uint64_t(1) << (bits - 1);
    return is_signed ? int64_t((value ^ sign) - sign) : int64_t(value);
}

struct ProbeState {
    uint64_t beats = 0;
    std::vector<int64_t> values;
};

// One start of the design: how many images it gets, and how many beats it answers with.
struct Run {
    uint64_t images, answers;
};

class Bench {
public:
    explicit Bench(const Options& options)
        : options_(options), in_stalls_(2 * options.stall_seed, options.stall_in),
          out_stalls_(2 * options.stall_seed + 1, options.stall_out), probes_(design::PROBES.size()) {
        data_ = read_file(options.in);
        const uint64_t wanted = options.images * design::INPUT_BEATS * BEAT_BYTES;
        if (data_.size() != wanted) {
            throw Failure(WRONG_USE, options.in + " holds " + std::to_string(data_.size()) + " bytes; " +
                                         std::to_string(wanted) + " are wanted");
        }
        plan();
        uint64_t answers = 0;
        for (const Run& run : runs_) answers += run.answers;
        answers_.resize(answers * BEAT_BYTES);
        if (options.stall_seed) {  // no answer may depend on what registers hold before reset
            context_.randReset(2);
            context_.randSeed(int(options.stall_seed & 0x7fffffff) | 1);
        }
        model_.reset(new Model(&context_, ""));
        stats.images = options.images;
    }

    void run();
    void write_results() const;
    Stats stats;

private:
    void reset();
    void tick();
    void drive();
    void take_input();
    void take_output();
    void take_probes();
    void clock();
    void moved(const char* stream) { last_moved_ = cycle_, last_stream_ = stream; }
    void watch() const;
    uint32_t read(unsigned address);
    void write(unsigned address, uint32_t value);
    void plan();
    void batch(const Run& run);
    bool lacks_beats(uint64_t images) const;
    void check_probes(uint64_t images) const;
    std::string progress() const;
    Failure broken(const std::string& what) const {
        return Failure(WRONG_PROTOCOL, "cycle " + std::to_string(cycle_) + ": " + what + "; " + progress());
    }

    Options options_;
    std::vector<Run> runs_;
    VerilatedContext context_;
    std::unique_ptr<Model> model_;
    Stalls in_stalls_, out_stalls_;
    Bytes data_, answers_;
    std::vector<ProbeState> probes_;
    uint64_t cycle_ = 0, last_moved_ = 0;
    const char *last_stream_ = "none", *waits_for_ = "a register";
    uint64_t in_beats_ = 0, in_limit_ = 0, out_beats_ = 0, out_limit_ = 0;  // the limits are those of the started batches
    bool offered_ = false, waiting_ = false;
    unsigned char held_[BEAT_BYTES];  // what an answer beat showed while it waited
    bool held_last_ = false;
    bool aw_ = false, w_ = false, b_ = false, ar_ = false, r_ = false;  // AXI-Lite handshakes of the last cycle
    uint32_t read_data_ = 0, response_ = 0;
};

std::string Bench::progress() const {
    return std::to_string(in_beats_) + " of " + std::to_string(in_limit_) + " input beats were taken and " +
           std::to_string(out_beats_) + " of " + std::to_string(out_limit_) + " answer beats came (" +
           std::to_string(out_beats_ / design::ANSWER_BEATS) + " of " + std::to_string(out_limit_ / design::ANSWER_BEATS) +
           " images)";
}

void Bench::watch() const {
    if (cycle_ - last_moved_ < options_.watchdog) return;
    throw Failure(NOTHING_MOVES, "cycle " + std::to_string(cycle_) + ": nothing has moved for " +
                                     std::to_string(options_.watchdog) + " cycles while waiting for " +
                                     waits_for_ + "; " + progress() +
                                     "; the last stream that moved is " + last_stream_ + ", in cycle " +
                                     std::to_string(last_moved_));
}

void Bench::clock() {
    model_->ap_clk = 1;
    model_->eval();
    ++cycle_;
}

// Beats are offered before the start and after the last one too: the design must leave them alone.
void Bench::drive() {
    if (!offered_) offered_ = !in_stalls_.next();
    model_->images_in_TVALID = offered_;
    unsigned char* port = bytes_of(model_->images_in_TDATA);
    if (in_beats_ * BEAT_BYTES < data_.size()) std::memcpy(port, &data_[in_beats_ * BEAT_BYTES], BEAT_BYTES);
    else std::memset(port, 0xa5, BEAT_BYTES);
    model_->images_in_TLAST = in_beats_ + 1 == in_limit_;
    model_->images_in_TKEEP = model_->images_in_TSTRB = (1u << BEAT_BYTES) - 1;
    model_->answers_out_TREADY = !out_stalls_.next();
}

void Bench::take_input() {
    if (!offered_ || !model_->images_in_TREADY) return;
    if (in_beats_ == in_limit_) throw broken("an input beat was taken that belongs to no started batch");
    if (!in_beats_++) stats.first_in = cycle_;
    offered_ = false;
    moved("images_in");
}

void Bench::take_output() {
    const unsigned char* port = bytes_of(model_->answers_out_TDATA);
    const bool last = model_->answers_out_TLAST;
    if (waiting_) {  // AXI4-Stream (IHI 0051) 2.2.1: once TVALID is there, the beat stays until it is taken
        if (!model_->answers_out_TVALID) throw broken("answers_out took back a beat that had not been taken");
        if (std::memcmp(held_, port, BEAT_BYTES) || held_last_ != last) {
            throw broken("a beat of answers_out changed while it waited");
        }
    }
    waiting_ = false;
    if (!model_->answers_out_TVALID) return;
    if (out_beats_ == out_limit_) throw broken("an answer beat came after the last one");
    if (!model_->answers_out_TREADY) {
        waiting_ = true;
        std::memcpy(held_, port, BEAT_BYTES);
        held_last_ = last;
        return;
    }
    if (last != (out_beats_ + 1 == out_limit_)) throw broken(last ? "TLAST came too early" : "the last answer beat has no TLAST");
    const unsigned whole = (1u << BEAT_BYTES) - 1;
    if (model_->answers_out_TKEEP != whole) throw broken("TKEEP of an answer beat is not all ones");
    std::memcpy(&answers_[out_beats_ * BEAT_BYTES], port, BEAT_BYTES);
    if (!out_beats_++) stats.first_out = cycle_;
    stats.last_out = cycle_;
    if (out_beats_ % design::ANSWER_BEATS == 0) stats.answer_cycles.push_back(cycle_);
    moved("answers_out");
}

void Bench::take_probes() {
    for (size_t index = 0; index < probes_.size(); ++index) {
        if (!design::fires(*model_, index)) continue;
        const design::Probe& probe = design::PROBES[index];
        ProbeState& state = probes_[index];
        ++state.beats;
        moved(probe.name);
        if (options_.trace.empty()) continue;
        const unsigned char* port = probe.data(*model_);
        for (unsigned lane = 0; lane < probe.lanes; ++lane) {
            state.values.push_back(element_at(port, lane * probe.bits, probe.bits, probe.is_signed));
        }
    }
}

void Bench::tick() {
    drive();
    model_->ap_clk = 0;
    model_->eval();
    take_input();
    take_output();
    take_probes();
    aw_ = model_->s_axi_control_AWVALID && model_->s_axi_control_AWREADY;
    w_ = model_->s_axi_control_WVALID && model_->s_axi_control_WREADY;
    b_ = model_->s_axi_control_BVALID && model_->s_axi_control_BREADY;
    ar_ = model_->s_axi_control_ARVALID && model_->s_axi_control_ARREADY;
    r_ = model_->s_axi_control_RVALID && model_->s_axi_control_RREADY;
    if (b_) response_ = model_->s_axi_control_BRESP;
    if (r_) response_ = model_->s_axi_control_RRESP, read_data_ = model_->s_axi_control_RDATA;
    clock();
    watch();
}

uint32_t Bench::read(unsigned address) {
    model_->s_axi_control_ARADDR = address;
    model_->s_axi_control_ARVALID = model_->s_axi_control_RREADY = 1;
    for (bool taken = false, answered = false; !answered;) {
        tick();
        taken |= ar_, answered = r_;
        if (taken) model_->s_axi_control_ARVALID = 0;
    }
    model_->s_axi_control_RREADY = 0;
    if (response_) throw broken("a register could not be read");
    return read_data_;
}

void Bench::write(unsigned address, uint32_t value) {
    model_->s_axi_control_AWADDR = address;
    model_->s_axi_control_WDATA = value;
    model_->s_axi_control_WSTRB = 15;
    model_->s_axi_control_AWVALID = model_->s_axi_control_WVALID = model_->s_axi_control_BREADY = 1;
    for (bool answered = false; !answered;) {
        tick();
        answered = b_;
        if (aw_) model_->s_axi_control_AWVALID = 0;
        if (w_) model_->s_axi_control_WVALID = 0;
    }
    model_->s_axi_control_BREADY = 0;
    if (response_) throw broken("a register could not be written");
}

// Starts of `batch` images each, or those that a file says.
void Bench::plan() {
    if (options_.runs.empty()) {
        uint64_t done = 0;
        do {
            const uint64_t images = std::min(options_.batch, options_.images - done);
            runs_.push_back({images, images * design::ANSWER_BEATS});
            done += images;
        } while (done < options_.images);
        return;
    }
    std::ifstream file(options_.runs);
    uint64_t images = 0;
    for (Run run; file >> run.images >> run.answers; images += run.images) runs_.push_back(run);
    if (images != options_.images) throw Failure(WRONG_USE, options_.runs + " does not say what becomes of all images");
}

// What the driver does: the kernel must be idle; images, start, stream, and wait until it is done.
void Bench::batch(const Run& run) {
    const uint64_t images = run.images;
    if (!(read(CTRL) & IDLE)) throw broken("the design is busy before its start");
    write(IMAGES, uint32_t(images));
    if (read(IMAGES) != images) throw broken("the register `images` does not hold what was written");
    in_limit_ += images * design::INPUT_BEATS;
    out_limit_ += run.answers;
    last_moved_ = cycle_;
    write(CTRL, START);
    waits_for_ = "answers";
    uint32_t control = read(CTRL);
    if (out_beats_ < out_limit_ && control & (IDLE | DONE)) throw broken("the design is idle or done within a batch");
    while (out_beats_ < out_limit_) tick();
    waits_for_ = "the done bit";
    while (!(control & DONE)) control = read(CTRL);
    waits_for_ = "a register";
    stats.cycles = cycle_;
    if (in_beats_ != in_limit_) throw broken("the design is done before it took all input");
    if ((read(CTRL) & (DONE | IDLE)) != IDLE) throw broken("after a batch the design is not idle, or done was not cleared by reading");
}

bool Bench::lacks_beats(uint64_t images) const {
    for (size_t index = 0; index < probes_.size(); ++index) {
        if (probes_[index].beats < images * design::PROBES[index].beats) return true;
    }
    return false;
}

void Bench::check_probes(uint64_t images) const {
    for (size_t index = 0; index < probes_.size(); ++index) {
        const uint64_t wanted = images * design::PROBES[index].beats;
        if (probes_[index].beats != wanted) {
            throw broken("stream " + std::string(design::PROBES[index].name) + " carried " +
                         std::to_string(probes_[index].beats) + " beats; " + std::to_string(wanted) + " are wanted");
        }
    }
}

void Bench::reset() {
    model_->ap_rst_n = model_->images_in_TVALID = model_->answers_out_TREADY = 0;
    model_->s_axi_control_AWVALID = model_->s_axi_control_WVALID = model_->s_axi_control_BREADY = 0;
    model_->s_axi_control_ARVALID = model_->s_axi_control_RREADY = 0;
    for (unsigned count = 0; count < RESET_CYCLES; ++count) {
        model_->ap_clk = 0;
        model_->eval();
        clock();
    }
    model_->ap_rst_n = 1;
    cycle_ = 0;
}

void Bench::run() {
    reset();
    for (const Run& run : runs_) batch(run);
    const uint64_t patience = options_.watchdog;
    options_.watchdog = UINT64_MAX;
    // what no answer waited for, such as pixels that no window of a pool covers, may still be on its way
    while (lacks_beats(options_.images) && cycle_ - last_moved_ < patience) tick();
    for (unsigned count = 0; count < DRAIN_CYCLES; ++count) tick();
    check_probes(options_.images);
}

void Bench::write_results() const {
    write_file(options_.out, answers_.data(), answers_.size());
    if (options_.trace.empty()) return;
    std::vector<int64_t> values;
    for (size_t index = 0; index < probes_.size(); ++index) {
        const std::vector<int64_t>& traced = probes_[index].values;
        const uint64_t wanted = options_.images * design::PROBES[index].beats * design::PROBES[index].lanes;
        values.insert(values.end(), traced.begin(), traced.begin() + int64_t(wanted));
    }
    write_file(options_.trace, values.data(), values.size() * sizeof(int64_t));
}

int main(int count, char** words) {
    Options options;
    std::unique_ptr<Bench> bench;
    int status = 0;
    std::string error;
    try {
        options = read_options(count, words);
        bench.reset(new Bench(options));
        bench->run();
        bench->write_results();
    } catch (const Failure& failure) {
        status = failure.status;
        error = failure.what();
        std::fprintf(stderr, "%s\n", error.c_str());
    }
    if (options.stats.empty()) return status;
    Stats stats = bench ? bench->stats : Stats();
    stats.error = error;
    const std::string text = stats.json();
    try {
        write_file(options.stats, text.data(), text.size());
    } catch (const Failure& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return failure.status;
    }
    return status;
}
