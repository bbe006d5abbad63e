// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
/* verilator lint_off UNUSEDPARAM */ // STYLE is for memories only, and small ones are registers
// Memories: constants, delay lines, and a vector that is read once and used again.

// DEPTH words read from FILE at power-up; q is the word of `address` after a load.
module lutforge_rom #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter FILE = "words.mem",
    parameter STYLE = "distributed"
) (
    input wire clk,
    input wire load,
    input wire [31:0] address,
    output reg [WIDTH-1:0] q
);
    (* rom_style = STYLE, ram_style = STYLE *) reg [WIDTH-1:0] words[0:DEPTH-1];
    initial $readmemh(FILE, words);
    always @(posedge clk) if (load) q <= words[address];
    wire unused = &{1'b0, address};
endmodule

// q is d as it was DEPTH loads ago. DEPTH is at least 2; q itself holds the last of them.
module lutforge_delay #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter STYLE = "distributed"
) (
    input wire clk,
    input wire rst,
    input wire load,
    input wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q
);
    generate
        if (DEPTH == 1) begin : one
            reg [WIDTH-1:0] held;
            always @(posedge clk) if (load) held <= d;
            assign q = held;
            wire unused = &{1'b0, rst};
        end else if (DEPTH == 2) begin : two
            reg [WIDTH-1:0] older, newer;
            always @(posedge clk) begin
                if (load) begin
                    newer <= d;
                    older <= newer;
                end
            end
            assign q = older;
            wire unused = &{1'b0, rst};
        end else begin : ring
            wire [31:0] place;
            lutforge_counter #(.COUNT(DEPTH - 1)) place_counter (
                .clk(clk), .rst(rst), .step(load), .first(), .last(), .value(place)
            );
            (* ram_style = STYLE *) reg [WIDTH-1:0] words[0:DEPTH-2];
            reg [WIDTH-1:0] oldest;
            always @(posedge clk) begin
                if (load) begin
                    oldest <= words[place];
                    words[place] <= d;
                end
            end
            assign q = oldest;
            wire unused = &{1'b0, place};
        end
    endgenerate
endmodule

// A vector of DEPTH beats, held while a folded layer passes over it again: after a load, q is the beat `d` that
// arrives (replay 0, also kept at `address`) or the one kept at `address` (replay 1).
module lutforge_vector #(
    parameter WIDTH = 8,
    parameter DEPTH = 2,
    parameter STYLE = "distributed"
) (
    input wire clk,
    input wire load,
    input wire replay,
    input wire [31:0] address,
    input wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q
);
    generate
        if (DEPTH == 1) begin : one
            reg [WIDTH-1:0] held;
            always @(posedge clk) if (load & ~replay) held <= d;
            assign q = held;
            wire unused = &{1'b0, address};
        end else begin : many
            (* ram_style = STYLE *) reg [WIDTH-1:0] words[0:DEPTH-1];
            reg [WIDTH-1:0] arrived, stored;
            reg again;
            always @(posedge clk) begin
                if (load) begin
                    stored <= words[address];
                    if (~replay) words[address] <= d;
                    arrived <= d;
                    again <= replay;
                end
            end
            assign q = again ? stored : arrived;
            wire unused = &{1'b0, address};
        end
    endgenerate
endmodule
/* verilator lint_on UNUSEDPARAM */
