// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Streams of beats with valid and ready, and what stands between two layers.
//
// A layer is an elastic pipeline: items enter one per cycle at most, move on whenever there is room in front of
// them, and leave at the end. `core/cycles.py` states the same rules as equations; both must agree to the cycle.

// Control of an elastic pipeline of STAGES registers. load[k] is 1 in a cycle in which register k takes the item
// of register k - 1 (of the input for k = 0); nothing else enables a register, so an idle layer does not toggle.
module lutforge_elastic #(
    parameter STAGES = 1
) (
    input wire clk,
    input wire rst,
    input wire in_valid,
    output wire in_ready,
    output wire out_valid,
    input wire out_ready,
    output wire [STAGES-1:0] load
);
    reg [STAGES-1:0] full;
    wire [STAGES-1:0] item, room;
    genvar k;
    generate
        for (k = 0; k < STAGES; k = k + 1) begin : stage
            // a register takes an item if it, or any register in front of it, is empty or the last one is emptied
            assign room[k] = out_ready | ~&full[STAGES-1:k];
            if (k == 0) begin : first
                assign item[k] = in_valid;
            end else begin : behind
                assign item[k] = full[k-1];
            end
        end
    endgenerate
    assign load = room & item;
    assign in_ready = room[0];
    assign out_valid = full[STAGES-1];
    always @(posedge clk) begin
        if (rst) full <= {STAGES{1'b0}};
        else full <= (room & item) | (~room & full);
    end
endmodule

// A register with an enable, or a wire where STAGES of a pipeline have none.
module lutforge_register #(
    parameter WIDTH = 1,
    parameter PRESENT = 1
) (
    input wire clk,
    input wire load,
    input wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q
);
    generate
        if (PRESENT) begin : present
            reg [WIDTH-1:0] held;
            always @(posedge clk) if (load) held <= d;
            assign q = held;
        end else begin : absent
            assign q = d;
            wire unused = &{1'b0, clk, load};
        end
    endgenerate
endmodule

// A FIFO of exactly DEPTH beats. What is written in one cycle can be read in the next; room that a read makes can
// be written in the next. So DEPTH 1 passes a beat every other cycle, DEPTH 2 and more one every cycle.
module lutforge_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 2
) (
    input wire clk,
    input wire rst,
    input wire [WIDTH-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [WIDTH-1:0] out_data,
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
    localparam COUNT = bits_of(DEPTH);
    localparam [COUNT-1:0] ONE = 1;
    localparam [COUNT-1:0] FULL = DEPTH;
    reg [COUNT-1:0] count;
    wire write = in_valid & in_ready;
    wire read = out_valid & out_ready;
    assign in_ready = count != FULL;
    assign out_valid = count != {COUNT{1'b0}};
    always @(posedge clk) begin
        if (rst) count <= {COUNT{1'b0}};
        else if (write & ~read) count <= count + ONE;
        else if (read & ~write) count <= count - ONE;
    end
    generate
        if (DEPTH == 1) begin : one
            reg [WIDTH-1:0] held;
            always @(posedge clk) if (write) held <= in_data;
            assign out_data = held;
        end else if (DEPTH == 2 && WIDTH <= 4) begin : two
            reg [WIDTH-1:0] front, back;  // front is the older
            always @(posedge clk) begin
                if (write) back <= in_data;
                if (write & (count == {COUNT{1'b0}})) front <= in_data;
                else if (read) front <= write & (count == ONE) ? in_data : back;
            end
            assign out_data = front;
        end else begin : many
            (* ram_style = "distributed" *) reg [WIDTH-1:0] words[0:DEPTH-1];
            localparam PLACE = bits_of(DEPTH - 1), TOP = DEPTH - 1;
            localparam [PLACE-1:0] LAST = TOP[PLACE-1:0], NEXT = 1;
            reg [PLACE-1:0] head, tail;
            always @(posedge clk) begin
                if (write) words[tail] <= in_data;
                if (rst) begin
                    head <= {PLACE{1'b0}};
                    tail <= {PLACE{1'b0}};
                end else begin
                    if (write) tail <= tail == LAST ? {PLACE{1'b0}} : tail + NEXT;
                    if (read) head <= head == LAST ? {PLACE{1'b0}} : head + NEXT;
                end
            end
            assign out_data = words[head];
        end
    endgenerate
endmodule

// One beat in, PARTS beats of OUT bits out, the lowest first; after TOTAL beats out (an image) a beat that is not
// used up is dropped. PARTS * OUT may be less than IN: the rest of a beat is padding.
module lutforge_narrow #(
    parameter IN = 16,
    parameter OUT = 8,
    parameter PARTS = 2,
    parameter TOTAL = 2
) (
    input wire clk,
    input wire rst,
    input wire [IN-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [OUT-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    wire fresh, image_end, room, load;
    wire taken = load;
    lutforge_counter #(.COUNT(TOTAL)) sent (.clk(clk), .rst(rst), .step(taken), .first(), .last(image_end), .value());
    reg [15:0] part;
    assign fresh = part == 16'd0;
    always @(posedge clk) begin
        if (rst) part <= 16'd0;
        else if (taken) part <= (part == PARTS - 1) | image_end ? 16'd0 : part + 16'd1;
    end
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(~fresh | in_valid), .in_ready(room), .out_valid(out_valid),
        .out_ready(out_ready), .load(load)
    );
    assign in_ready = room & fresh;
    reg [PARTS*OUT-1:0] held;
    wire [PARTS*OUT-1:0] rest;  // of the beat, after a part
    generate
        if (PARTS == 1) begin : one_part
            assign rest = {OUT{1'b0}};
        end else begin : several_parts
            assign rest = {{OUT{1'b0}}, held[PARTS*OUT-1:OUT]};
        end
    endgenerate
    always @(posedge clk) if (load) held <= fresh ? in_data[PARTS*OUT-1:0] : rest;
    assign out_data = held[OUT-1:0];
    generate
        if (PARTS * OUT < IN) begin : padded
            wire unused = &{1'b0, in_data[IN-1:PARTS*OUT]};
        end
    endgenerate
endmodule

// PARTS beats in, one beat out, the first beat in the lowest bits.
module lutforge_widen #(
    parameter IN = 8,
    parameter PARTS = 2
) (
    input wire clk,
    input wire rst,
    input wire [IN-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [PARTS*IN-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    wire last, load, full;
    reg whole;
    lutforge_counter #(.COUNT(PARTS)) arrived (.clk(clk), .rst(rst), .step(load), .first(), .last(last), .value());
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(full),
        .out_ready(~whole | out_ready), .load(load)
    );
    reg [PARTS*IN-1:0] held;
    always @(posedge clk) begin
        if (load) begin
            held <= {in_data, held[PARTS*IN-1:IN]};
            whole <= last;
        end
    end
    assign out_data = held;
    assign out_valid = full & whole;
endmodule

// Counts 0..COUNT-1 and starts again.
module lutforge_counter #(
    parameter COUNT = 2
) (
    input wire clk,
    input wire rst,
    input wire step,
    output wire first,
    output wire last,
    output wire [31:0] value
);
    function integer bits_of;  // bits that hold 0..top
        input integer top;
        begin
            bits_of = 1;
            while (top >> bits_of > 0) bits_of = bits_of + 1;
        end
    endfunction
    generate
        if (COUNT == 1) begin : always_zero
            assign first = 1'b1;
            assign last = 1'b1;
            assign value = 32'd0;
            wire unused = &{1'b0, clk, rst, step};
        end else begin : counting
            localparam BITS = bits_of(COUNT - 1), TOP = COUNT - 1;
            localparam [BITS-1:0] ONE = 1, LAST = TOP[BITS-1:0];
            reg [BITS-1:0] count;
            assign first = count == {BITS{1'b0}};
            assign last = count == LAST;
            assign value = {{32 - BITS{1'b0}}, count};
            always @(posedge clk) begin
                if (rst) count <= {BITS{1'b0}};
                else if (step) count <= last ? {BITS{1'b0}} : count + ONE;
            end
        end
    endgenerate
endmodule
