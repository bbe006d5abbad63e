// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Sliding window with line buffers, and the largest of a window's pixels.

// Image in pixel order -> windows in the order (kernel row, kernel column, channel), as `window` of window.hpp.
// A pixel arrives in PARTS beats of IN bits; a window leaves in BEATS beats of OUT bits, KH * KW * PARTS * IN bits
// in all. Positions outside the image hold PAD. One item per step: a beat of the padded image, or one more beat of
// the window that is due.
module lutforge_window #(
    parameter IN = 8,
    parameter OUT = 8,
    parameter PARTS = 1,
    parameter HEIGHT = 4,
    parameter WIDTH = 4,
    parameter TOP = 0,
    parameter BOTTOM = 0,
    parameter LEFT = 0,
    parameter RIGHT = 0,
    parameter KH = 2,
    parameter KW = 2,
    parameter SH = 1,
    parameter SW = 1,
    parameter BEATS = 4,
    parameter [IN-1:0] PAD = 0,
    parameter STYLE = "distributed"
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
    localparam ROWS = TOP + HEIGHT + BOTTOM, SLOTS = (LEFT + WIDTH + RIGHT) * PARTS, ROW = KW * PARTS * IN;
    wire [1:0] load;
    wire [31:0] row, slot, beat;
    wire row_first, row_last, slot_first, slot_last, beat_first, beat_last, room, ready_end;
    wire due, wants, advance;

    // Position of the item that enters next, and of the next window: its last pixel lies at (next_row, next_slot).
    reg [15:0] next_row, next_slot;
    assign due = row == {16'd0, next_row} & slot == {16'd0, next_slot};
    assign advance = load[0] & (~due | beat_last);
    lutforge_counter #(.COUNT(BEATS)) beats (
        .clk(clk), .rst(rst), .step(load[0] & due), .first(beat_first), .last(beat_last), .value(beat)
    );
    lutforge_counter #(.COUNT(SLOTS)) slots (
        .clk(clk), .rst(rst), .step(advance), .first(slot_first), .last(slot_last), .value(slot)
    );
    lutforge_counter #(.COUNT(ROWS)) rows (
        .clk(clk), .rst(rst), .step(advance & slot_last), .first(row_first), .last(row_last), .value(row)
    );
    always @(posedge clk) begin
        if (rst) begin
            next_row <= KH - 1;
            next_slot <= KW * PARTS - 1;
        end else if (advance) begin
            if (slot_last) next_slot <= KW * PARTS - 1;
            else if (slot == {16'd0, next_slot}) next_slot <= next_slot + SW * PARTS;
            if (slot_last & row_last) next_row <= KH - 1;
            else if (slot_last & row == {16'd0, next_row}) next_row <= next_row + SH;
        end
    end

    wire in_image = row + 32'd1 > TOP & row < TOP + HEIGHT & slot + 32'd1 > LEFT * PARTS & slot < (LEFT + WIDTH) * PARTS;
    assign wants = beat_first & in_image;
    // padding in front of an image waits for its first beat, so that nothing runs ahead of the images
    wire begins = beat_first & row_first & slot_first;
    reg sends;
    lutforge_elastic #(.STAGES(2)) control (
        .clk(clk), .rst(rst), .in_valid((~wants & ~begins) | in_valid), .in_ready(room), .out_valid(ready_end),
        .out_ready(~sends | out_ready), .load(load)
    );
    assign in_ready = room & wants;
    assign out_valid = ready_end & sends;

    // Window registers: each kernel row shifts by one beat; line buffers deliver the rows above.
    wire shift = load[0] & beat_first;
    wire [IN-1:0] pixels = in_image ? in_data : PAD;
    wire [KH*IN-1:0] fresh;
    reg [KH*ROW-1:0] taps;
    genvar i;
    generate
        for (i = 0; i < KH; i = i + 1) begin : line
            if (i == KH - 1) begin : newest
                assign fresh[i*IN +: IN] = pixels;
            end else begin : above
                lutforge_delay #(.WIDTH(IN), .DEPTH(SLOTS), .STYLE(STYLE)) buffer (
                    .clk(clk), .rst(rst), .load(shift), .d(fresh[(i + 1) * IN +: IN]), .q(fresh[i*IN +: IN])
                );
            end
            if (KW * PARTS == 1) begin : single
                always @(posedge clk) if (shift) taps[i*ROW +: ROW] <= fresh[i*IN +: IN];
            end else begin : several
                always @(posedge clk)
                    if (shift) taps[i*ROW +: ROW] <= {fresh[i*IN +: IN], taps[i*ROW + IN +: ROW - IN]};
            end
        end
    endgenerate

    reg sends_next;
    reg [31:0] beat_next;
    always @(posedge clk) begin
        if (load[0]) begin
            sends_next <= due;
            beat_next <= beat;
        end
        if (load[1]) sends <= sends_next;
    end
    reg [OUT-1:0] answer;
    wire [BEATS*OUT-1:0] whole = taps;
    always @(posedge clk) if (load[1] & sends_next) answer <= whole[beat_next*OUT +: OUT];
    assign out_data = answer;
    wire unused = &{1'b0, beat_next};
endmodule

// Largest, or with SUM the sum, of TAPS pixels, each in PARTS beats of LANES elements: as `fold_taps` of window.hpp.
// OUT: bits of a result, BITS without SUM.
module lutforge_fold_taps #(
    parameter LANES = 1,
    parameter BITS = 8,
    parameter SIGNED = 0,
    parameter PARTS = 1,
    parameter TAPS = 4,
    parameter SUM = 0,
    parameter OUT = 8
) (
    input wire clk,
    input wire rst,
    input wire [LANES*BITS-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [LANES*OUT-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    localparam BEAT = LANES * OUT;
    wire load, full, part_last, tap_first, tap_last;
    reg sends;
    lutforge_counter #(.COUNT(PARTS)) parts (
        .clk(clk), .rst(rst), .step(load), .first(), .last(part_last), .value()
    );
    lutforge_counter #(.COUNT(TAPS)) taps (
        .clk(clk), .rst(rst), .step(load & part_last), .first(tap_first), .last(tap_last), .value()
    );
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(full),
        .out_ready(~sends | out_ready), .load(load)
    );
    // What is kept of every part in a ring: the oldest entry belongs to the beat that arrives.
    reg [PARTS*BEAT-1:0] ring;
    wire [BEAT-1:0] kept;
    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : each
            wire [OUT-1:0] old = ring[lane*OUT +: OUT];
            wire [OUT-1:0] x;
            if (SUM) begin : total
                lutforge_extend #(.IN(BITS), .OUT(OUT), .SIGNED(SIGNED)) wide (.d(in_data[lane*BITS +: BITS]), .q(x));
                assign kept[lane*OUT +: OUT] = x + (old & {OUT{~tap_first}});
            end else begin : largest
                wire larger;
                assign x = in_data[lane*BITS +: BITS];
                if (SIGNED) begin : two_complement
                    assign larger = $signed(old) > $signed(x);
                end else begin : natural
                    assign larger = old > x;
                end
                assign kept[lane*OUT +: OUT] = ~tap_first & larger ? old : x;
            end
        end
        if (PARTS == 1) begin : one
            always @(posedge clk) if (load) ring <= kept;
        end else begin : several
            always @(posedge clk) if (load) ring <= {kept, ring[PARTS*BEAT-1:BEAT]};
        end
    endgenerate
    always @(posedge clk) if (load) sends <= tap_last;
    assign out_data = ring[PARTS*BEAT-1 -: BEAT];
    assign out_valid = full & sends;
endmodule
