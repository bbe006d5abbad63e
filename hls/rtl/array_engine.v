// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The engine of the programmable array: one command after the other, each ended before the next one begins.

module lutforge_array_engine #(
    parameter PE = 8,
    parameter SIMD = 8,
    parameter ACTIVATION_WORDS = 1024,
    parameter SUM_WORDS = 256
) (
    input wire clk,
    input wire rst,
    input wire [63:0] command,
    input wire command_valid,
    output wire command_ready,
    input wire full,
    output wire take,
    output wire [SIMD*8-1:0] codes,
    input wire [PE*32-1:0] dots,
    output wire [63:0] out_data,
    output wire out_last,
    output wire out_valid,
    input wire out_ready
);
    function integer levels_of;
        input integer terms;
        begin
            levels_of = 0;
            while (1 << levels_of < terms) levels_of = levels_of + 1;
        end
    endfunction
    // DOTS: cycles from a position's address to its product sums, see lutforge_array_products. DRAIN: until what a
    // command has still under way needs it no more; the last result of a FINISH is written 7 cycles behind its address.
    localparam DOTS = 3 + levels_of(SIMD), DRAIN = DOTS > 7 ? DOTS - 1 : 6;
    localparam [7:0] WRITE = 8'd1, LAYER = 8'd2, TILE = 8'd3, FINISH = 8'd4, SEND = 8'd5;
    localparam [2:0] HEAD = 3'd0, ARGUMENTS = 3'd1, BEGIN = 3'd2, RUN = 3'd3, DRAINS = 3'd4;
    localparam LAST_ARGUMENT = PE + 3, LAST_DRAIN = DRAIN - 1;
    reg [2:0] state;
    reg [63:0] head;
    reg [7:0] place;  // of an argument, or cycles of the drain
    wire [7:0] number = head[7:0];
    wire is_write = number == WRITE, is_layer = number == LAYER, is_tile = number == TILE;
    wire is_finish = number == FINISH, is_send = number == SEND;
    wire running = state == RUN;
    wire argument = state == ARGUMENTS & command_valid;
    wire begins = state == BEGIN & (~is_tile | head[9] | full);
    wire write_ends, pass_ends, finish_ends, send_ends;
    wire ends = is_write ? write_ends : is_tile ? pass_ends : is_finish ? finish_ends : send_ends;
    assign command_ready = state == HEAD | state == ARGUMENTS | (running & is_write);
    assign take = begins & is_tile & ~head[9];
    wire [7:0] next = command[7:0];
    always @(posedge clk) begin
        if (rst) state <= HEAD;
        else case (state)
            HEAD: if (command_valid) begin
                if (next == LAYER | next == FINISH) state <= ARGUMENTS;
                else if (next == WRITE | next == TILE | next == SEND) state <= BEGIN;
            end
            ARGUMENTS: if (command_valid) begin
                if (is_layer & place == 8'd2) state <= HEAD;
                else if (place == LAST_ARGUMENT[7:0]) state <= BEGIN;
            end
            BEGIN: if (begins) state <= RUN;
            RUN: if (ends) state <= is_tile | is_finish ? DRAINS : HEAD;
            default: if (place == LAST_DRAIN[7:0]) state <= HEAD;
        endcase
        if (state == HEAD) head <= command;
        if (state == HEAD | (running & ends)) place <= 8'd0;
        else if (argument | state == DRAINS) place <= place + 8'd1;
    end

    // Activations: written by WRITE a whole word at a time and by FINISH a bank at a time, read by TILE.
    wire [SIMD*8-1:0] word, read_word;
    wire word_valid, result_valid, in_sums;
    wire [15:0] write_address, read_address, target;
    wire [PE*32-1:0] results;
    lutforge_array_write #(.SIMD(SIMD)) write (
        .clk(clk), .begins(begins), .address(head[47:32]), .count(head[31:16]), .data(command),
        .step(running & is_write & command_valid), .word(word), .valid(word_valid), .place(write_address),
        .ends(write_ends)
    );
    wire [15:0] bank;
    genvar i;
    generate
        for (i = 0; i < SIMD / PE; i = i + 1) begin : part
            wire [PE*8-1:0] stored;
            wire here = result_valid & ~in_sums & bank == i;
            lutforge_array_memory #(.WIDTH(PE * 8), .DEPTH(ACTIVATION_WORDS)) memory (
                .clk(clk), .write(word_valid | here), .write_address(word_valid ? write_address : target),
                .d(word_valid ? word[i*PE*8 +: PE*8] : stored), .address(read_address), .q(read_word[i*PE*8 +: PE*8])
            );
            lutforge_array_low_bytes #(.PE(PE)) low (.d(results), .q(stored));
        end
    endgenerate

    // Sums: read and written by TILE and FINISH, read by SEND.
    wire [15:0] pass_read, pass_write, finish_read, finish_write, send_read;
    wire [PE*32-1:0] sums, totals;
    wire total_valid;
    wire [15:0] sums_address = is_tile ? pass_read : is_finish ? finish_read : send_read;
    lutforge_array_memory #(.WIDTH(PE * 32), .DEPTH(SUM_WORDS)) partial_sums (
        .clk(clk), .write(total_valid | (result_valid & in_sums)),
        .write_address(total_valid ? pass_write : finish_write), .d(total_valid ? totals : results),
        .address(sums_address), .q(sums)
    );
    lutforge_array_pass #(.SIMD(SIMD), .PE(PE), .DOTS(DOTS)) pass (
        .clk(clk), .rst(rst), .argument(argument & is_layer), .place(place[1:0]), .head(head), .data(command),
        .begins(begins & is_tile), .step(running & is_tile), .ends(pass_ends), .address(read_address),
        .word(read_word), .codes(codes), .dots(dots), .read(pass_read), .sums(sums), .valid(total_valid),
        .write(pass_write), .totals(totals)
    );
    lutforge_array_finish #(.PE(PE)) finish (
        .clk(clk), .rst(rst), .argument(argument & is_finish), .place(place), .head(head), .data(command),
        .begins(begins & is_finish), .step(running & is_finish), .ends(finish_ends), .read(finish_read),
        .sums(sums), .valid(result_valid), .in_sums(in_sums), .write(finish_write), .target(target), .bank(bank),
        .results(results)
    );
    lutforge_array_send #(.PE(PE)) send (
        .clk(clk), .rst(rst), .begins(begins & is_send), .step(running & is_send), .head(head), .ends(send_ends),
        .read(send_read), .sums(sums), .out_data(out_data), .out_last(out_last), .out_valid(out_valid),
        .out_ready(out_ready)
    );
endmodule

// A word that is read a cycle after its address.
module lutforge_array_memory #(
    parameter WIDTH = 64,
    parameter DEPTH = 1024
) (
    input wire clk,
    input wire write,
    input wire [15:0] write_address,
    input wire [WIDTH-1:0] d,
    input wire [15:0] address,
    output reg [WIDTH-1:0] q
);
    function integer bits_of;
        input integer depth;
        begin
            bits_of = 1;
            while (1 << bits_of < depth) bits_of = bits_of + 1;
        end
    endfunction
    localparam BITS = bits_of(DEPTH);
    (* ram_style = "block" *) reg [WIDTH-1:0] words [0:DEPTH-1];
    always @(posedge clk) begin
        if (write) words[write_address[BITS-1:0]] <= d;
        q <= words[address[BITS-1:0]];
    end
    wire unused = &{1'b0, address, write_address};
endmodule

module lutforge_array_low_bytes #(
    parameter PE = 8
) (
    input wire [PE*32-1:0] d,
    output wire [PE*8-1:0] q
);
    genvar i;
    generate
        for (i = 0; i < PE; i = i + 1) begin : lane
            assign q[i*8 +: 8] = d[i*32 +: 8];
        end
    endgenerate
    wire unused = &{1'b0, d};
endmodule

// Beats into words of activations, SIMD / 8 beats each, the first one lowest.
module lutforge_array_write #(
    parameter SIMD = 8
) (
    input wire clk,
    input wire begins,
    input wire [15:0] address,
    input wire [15:0] count,
    input wire [63:0] data,
    input wire step,
    output wire [SIMD*8-1:0] word,
    output wire valid,
    output reg [15:0] place,
    output wire ends
);
    localparam BEATS = SIMD / 8;
    reg [15:0] left;
    wire last;
    lutforge_counter #(.COUNT(BEATS)) beats (
        .clk(clk), .rst(begins), .step(step), .first(), .last(last), .value()
    );
    assign valid = step & last;
    assign ends = valid & left == 16'd1;
    always @(posedge clk) begin
        if (begins) begin
            left <= count;
            place <= address;
        end else if (valid) begin
            left <= left - 16'd1;
            place <= place + 16'd1;
        end
    end
    generate
        if (BEATS == 1) begin : whole
            assign word = data;
        end else begin : parts
            reg [SIMD*8-65:0] earlier;
            assign word = {data, earlier};
            if (BEATS == 2) begin : two
                always @(posedge clk) if (step) earlier <= data;
            end else begin : more
                always @(posedge clk) if (step) earlier <= {data, earlier[SIMD*8-65:64]};
            end
        end
    endgenerate
endmodule

// Words of sums as beats of two sums each.
module lutforge_array_send #(
    parameter PE = 8
) (
    input wire clk,
    input wire rst,
    input wire begins,
    input wire step,
    input wire [63:0] head,
    output wire ends,
    output reg [15:0] read,
    input wire [PE*32-1:0] sums,
    output wire [63:0] out_data,
    output wire out_last,
    output wire out_valid,
    input wire out_ready
);
    localparam BEATS = PE / 2;
    reg [15:0] left;
    reg [PE*32-1:0] word;
    reg asked, holds;
    wire last_beat;
    wire moves = holds & out_ready;
    lutforge_counter #(.COUNT(BEATS)) beats (
        .clk(clk), .rst(rst), .step(moves), .first(), .last(last_beat), .value()
    );
    assign out_valid = holds;
    assign out_data = word[63:0];
    assign out_last = last_beat & left == 16'd1 & head[8];
    wire word_ends = moves & last_beat;
    assign ends = step & word_ends & left == 16'd1;
    always @(posedge clk) begin
        if (rst) {asked, holds} <= 2'b00;
        else begin
            asked <= step & ~asked & ~holds;
            holds <= asked | (holds & ~word_ends);
        end
        if (begins) begin
            read <= head[47:32];
            left <= head[31:16];
        end else if (word_ends) begin
            left <= left - 16'd1;
        end
        if (asked) begin
            word <= sums;
            read <= read + 16'd1;
        end else if (moves) word <= word >> 64;
    end
    wire unused = &{1'b0, head};
endmodule
