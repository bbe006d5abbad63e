// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The answer of each image: CLASSES logits of BITS bits arrive LANES at a time and leave as 32-bit words, the
// logits (LOGITS) and then the class (CLASS), in BEATS beats of BEAT bits; `last` stands on the last beat of a batch.

module lutforge_answers #(
    parameter CLASSES = 10,
    parameter LANES = 1,
    parameter BITS = 20,
    parameter SIGNED = 1,
    parameter LOGITS = 1,
    parameter CLASS = 0,
    parameter BEAT = 64,
    parameter BEATS = 5,
    parameter LEVELS = 0  // registers of the tournament among LANES: bits of LANES - 1
) (
    input wire clk,
    input wire rst,
    input wire [31:0] images,
    input wire [LANES*BITS-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [BEAT-1:0] out_data,
    output wire out_last,
    output wire out_valid,
    input wire out_ready
);
    function integer bits_of;  // bits that hold 0..top
        input integer top;
        begin
            bits_of = 1;
            while (top >> bits_of > 0) bits_of = bits_of + 1;
        end
    endfunction
    localparam PARTS = CLASSES / LANES, WORDS = BEAT / 32, STAGES = (CLASS ? LEVELS : 0) + 2;
    wire [STAGES-1:0] load;
    wire step_first, step_last, full, room;
    wire [31:0] step;

    // An image takes PARTS items that read and BEATS items that write.
    lutforge_counter #(.COUNT(PARTS + BEATS)) steps (
        .clk(clk), .rst(rst), .step(load[0]), .first(step_first), .last(step_last), .value(step)
    );
    wire wants = step < PARTS;
    reg sends;
    lutforge_elastic #(.STAGES(STAGES)) control (
        .clk(clk), .rst(rst), .in_valid(~wants | in_valid), .in_ready(room), .out_valid(full),
        .out_ready(~sends | out_ready), .load(load)
    );
    assign in_ready = room & wants;
    assign out_valid = full & sends;

    // Every item carries its step and its logits; the class of a beat is found on the way.
    wire [31:0] arrived_step;
    wire [LANES*BITS-1:0] arrived;
    lutforge_pipe #(.WIDTH(16), .STAGES(STAGES - 1)) step_pipe (
        .clk(clk), .load(load[STAGES-2:0]), .d(step[15:0]), .q(arrived_step[15:0])
    );
    assign arrived_step[31:16] = 16'd0;
    lutforge_pipe #(.WIDTH(LANES * BITS), .STAGES(STAGES - 1)) data_pipe (
        .clk(clk), .load(load[STAGES-2:0]), .d(in_data), .q(arrived)
    );
    wire store = load[STAGES-1];
    wire reads = arrived_step < PARTS;
    wire begins = arrived_step == PARTS;
    wire ends = arrived_step == PARTS + BEATS - 1;

    // Logits wait in a shift register: read from above, sent from below.
    wire [BEAT-1:0] words;
    reg [31:0] sent;
    reg final_beat, final_image;
    wire [31:0] more = sent + 32'd1;
    wire all_sent;
    lutforge_equal #(.WIDTH(32)) count_reached (.a(more), .b(images), .equal(all_sent));
    always @(posedge clk) begin
        final_image <= all_sent;  // known a cycle later: between two ends at least one item reads
        // as a reset of its own, which registers have; a choice of zero would be a LUT per bit
        if (rst | (store & ends & final_image)) sent <= 32'd0;
        else if (store & ends) sent <= more;
        if (store) begin
            sends <= ~reads;
            final_beat <= ends & final_image;
        end
    end
    assign out_last = final_beat;
    genvar w;
    generate
        if (LOGITS) begin : logits
            localparam HELD = BEATS * WORDS * BITS;
            reg [HELD-1:0] held;
            wire [CLASSES*BITS-1:0] next;
            wire [HELD-1:0] padded;  // words behind the last logit are zero
            assign padded[CLASSES*BITS-1:0] = next;
            if (HELD > CLASSES * BITS) begin : padding
                assign padded[HELD-1:CLASSES*BITS] = {HELD - CLASSES * BITS{1'b0}};
            end
            if (PARTS == 1) begin : whole
                assign next = arrived;
            end else begin : piece
                assign next = {arrived, held[CLASSES*BITS-1:LANES*BITS]};
            end
            wire [HELD-1:0] rest;  // of the logits, after a beat
            if (BEATS == 1) begin : one_beat
                assign rest = {HELD{1'b0}};
            end else begin : several_beats
                assign rest = {{WORDS * BITS{1'b0}}, held[HELD-1:WORDS*BITS]};
            end
            always @(posedge clk) begin
                if (store & reads) held <= padded;
                else if (store & ~begins) held <= rest;
            end
            for (w = 0; w < WORDS; w = w + 1) begin : word
                wire sign = SIGNED ? held[w*BITS + BITS - 1] : 1'b0;
                if (BITS < 32) begin : extended
                    assign words[w*32 +: 32] = {{32 - BITS{sign}}, held[w*BITS +: BITS]};
                end else begin : full_width
                    assign words[w*32 +: 32] = held[w*BITS +: BITS];
                    wire unused = &{1'b0, sign};
                end
            end
        end else begin : no_logits
            assign words = {BEAT{1'b0}};
            wire unused = &{1'b0, begins};
        end
        if (CLASS) begin : classes
            localparam PLACE = (LOGITS ? CLASSES : 0) % WORDS, ON = (LOGITS ? CLASSES : 0) / WORDS;
            localparam INDEX = bits_of(CLASSES - 1);
            localparam [INDEX-1:0] STEP = PARTS == 1 ? 0 : LANES;
            wire [BITS-1:0] value;
            wire [INDEX-1:0] lane;
            wire [LANES*BITS-1:0] in_values;
            wire [LANES*INDEX-1:0] lane_numbers;
            lutforge_tournament #(.COUNT(LANES), .BITS(BITS), .SIGNED(SIGNED), .INDEX(INDEX), .LEVELS(LEVELS)) among (
                .clk(clk), .load(load), .values(in_values), .indices(lane_numbers), .value(value), .index(lane)
            );
            lutforge_register #(.WIDTH(LANES * BITS)) first (.clk(clk), .load(load[0]), .d(in_data), .q(in_values));
            genvar n;
            for (n = 0; n < LANES; n = n + 1) begin : number
                assign lane_numbers[n*INDEX +: INDEX] = n;
            end
            reg [INDEX-1:0] winner;
            if (PARTS == 1) begin : at_once
                always @(posedge clk) if (store & reads) winner <= lane;
                wire unused = &{1'b0, value};
            end else begin : in_turn
                reg [BITS-1:0] best;
                reg [INDEX-1:0] offset;  // of the lanes of this beat
                wire larger;
                lutforge_greater #(.BITS(BITS), .SIGNED(SIGNED)) compare (.a(value), .b(best), .greater(larger));
                wire fresh = arrived_step == 32'd0;
                always @(posedge clk) begin
                    if (rst | (store & ~reads)) offset <= {INDEX{1'b0}};
                    else if (store) offset <= offset + STEP;
                    if (store & reads & (fresh | larger)) begin
                        best <= value;
                        winner <= lane + offset;
                    end
                end
            end
            wire here;  // the class is in this beat
            if (LOGITS) begin : behind
                reg held;
                assign here = held;
                always @(posedge clk) if (store) held <= arrived_step == PARTS + ON;
            end else begin : nothing_else
                assign here = 1'b1;
            end
            for (w = 0; w < WORDS; w = w + 1) begin : word
                if (w == PLACE) begin : placed
                    assign out_data[w*32 +: 32] = here ? {{32 - INDEX{1'b0}}, winner} : words[w*32 +: 32];
                end else begin : plain
                    assign out_data[w*32 +: 32] = words[w*32 +: 32];
                end
            end
        end else begin : no_class
            assign out_data = words;
        end
    endgenerate
    wire unused = &{1'b0, step_first, step_last};
endmodule

// STAGES registers one behind the other, register k loaded by load[k].
module lutforge_pipe #(
    parameter WIDTH = 8,
    parameter STAGES = 1
) (
    input wire clk,
    input wire [STAGES-1:0] load,
    input wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q
);
    generate
        if (STAGES == 1) begin : last
            lutforge_register #(.WIDTH(WIDTH)) one (.clk(clk), .load(load), .d(d), .q(q));
        end else begin : more
            wire [WIDTH-1:0] next;
            lutforge_register #(.WIDTH(WIDTH)) one (.clk(clk), .load(load[0]), .d(d), .q(next));
            lutforge_pipe #(.WIDTH(WIDTH), .STAGES(STAGES - 1)) rest (
                .clk(clk), .load(load[STAGES-1:1]), .d(next), .q(q)
            );
        end
    endgenerate
endmodule

// The largest of COUNT values and its index, the lower index on a tie; LEVELS registers, one per round.
module lutforge_tournament #(
    parameter COUNT = 2,
    parameter BITS = 8,
    parameter SIGNED = 1,
    parameter INDEX = 4,
    parameter LEVELS = 1
) (
    input wire clk,
    input wire [LEVELS+1:0] load,
    input wire [COUNT*BITS-1:0] values,
    input wire [COUNT*INDEX-1:0] indices,
    output wire [BITS-1:0] value,
    output wire [INDEX-1:0] index
);
    localparam HALF = (COUNT + 1) / 2;
    genvar i;
    generate
        if (COUNT == 1) begin : alone
            assign value = values;
            assign index = indices;
            wire unused = &{1'b0, clk, load};
        end else begin : round
            wire [HALF*BITS-1:0] won;
            wire [HALF*INDEX-1:0] names;
            for (i = 0; i < HALF; i = i + 1) begin : pair
                wire [BITS-1:0] left = values[2*i*BITS +: BITS];
                wire [BITS-1:0] best;
                wire [INDEX-1:0] name;
                if (2 * i + 1 < COUNT) begin : two
                    wire [BITS-1:0] right = values[(2*i + 1)*BITS +: BITS];
                    wire larger;
                    lutforge_greater #(.BITS(BITS), .SIGNED(SIGNED)) compare (.a(right), .b(left), .greater(larger));
                    lutforge_choice #(.WIDTH(BITS)) choose (.choice(larger), .zero(left), .one(right), .q(best));
                    assign name = larger ? indices[(2*i + 1)*INDEX +: INDEX] : indices[2*i*INDEX +: INDEX];
                end else begin : one
                    assign best = left;
                    assign name = indices[2*i*INDEX +: INDEX];
                end
                lutforge_register #(.WIDTH(BITS)) keep (
                    .clk(clk), .load(load[1]), .d(best), .q(won[i*BITS +: BITS])
                );
                lutforge_register #(.WIDTH(INDEX)) keep_name (
                    .clk(clk), .load(load[1]), .d(name), .q(names[i*INDEX +: INDEX])
                );
            end
            lutforge_tournament #(.COUNT(HALF), .BITS(BITS), .SIGNED(SIGNED), .INDEX(INDEX), .LEVELS(LEVELS - 1)) rest (
                .clk(clk), .load(load[LEVELS+1:1]), .values(won), .indices(names), .value(value), .index(index)
            );
            wire unused = &{1'b0, load[0]};
        end
    endgenerate
endmodule
