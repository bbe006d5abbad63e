// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// What every folded layer has: the operands of an item per (nf, sf), and accumulators.

// The vector arrives in SF beats and is replayed NF - 1 times; `words` comes from memory, one word per item. Register 0
// holds x and words, the last of STAGES the sums; in front of it `starts` marks the first item of a sum. The item that
// ends a sum is the one that leaves. pass: nf of the item that enters.
module lutforge_folded_operands #(
    parameter IN = 16,
    parameter WORD = 16,
    parameter SF = 2,
    parameter NF = 2,
    parameter STAGES = 2,  // at least 2
    parameter WORDS_FILE = "w.mem",
    parameter WORDS_STYLE = "block",
    parameter VECTOR_STYLE = "distributed"
) (
    input wire clk,
    input wire rst,
    input wire [IN-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire out_valid,
    input wire out_ready,
    output wire [STAGES-1:0] load,
    output wire [IN-1:0] x,
    output wire [WORD-1:0] words,
    output wire starts,
    output wire [31:0] pass
);
    wire sf_first, sf_last, nf_first, finishes, full, room;
    wire [31:0] sf, row;
    lutforge_counter #(.COUNT(SF)) columns (
        .clk(clk), .rst(rst), .step(load[0]), .first(sf_first), .last(sf_last), .value(sf)
    );
    lutforge_counter #(.COUNT(NF)) passes (
        .clk(clk), .rst(rst), .step(load[0] & sf_last), .first(nf_first), .last(), .value(pass)
    );
    lutforge_counter #(.COUNT(NF * SF)) rows (
        .clk(clk), .rst(rst), .step(load[0]), .first(), .last(), .value(row)
    );
    reg sends;
    lutforge_elastic #(.STAGES(STAGES)) control (
        .clk(clk), .rst(rst), .in_valid(~nf_first | in_valid), .in_ready(room), .out_valid(full),
        .out_ready(~sends | out_ready), .load(load)
    );
    assign in_ready = room & nf_first;
    assign out_valid = full & sends;
    generate
        if (NF == 1) begin : once
            lutforge_register #(.WIDTH(IN)) arrived (.clk(clk), .load(load[0]), .d(in_data), .q(x));
            wire unused = &{1'b0, sf};
        end else begin : again
            lutforge_vector #(.WIDTH(IN), .DEPTH(SF), .STYLE(VECTOR_STYLE)) kept (
                .clk(clk), .load(load[0]), .replay(~nf_first), .address(sf), .d(in_data), .q(x)
            );
        end
    endgenerate
    lutforge_rom #(.WIDTH(WORD), .DEPTH(NF * SF), .FILE(WORDS_FILE), .STYLE(WORDS_STYLE)) memory (
        .clk(clk), .load(load[0]), .address(row), .q(words)
    );
    lutforge_pipe #(.WIDTH(2), .STAGES(STAGES - 1)) flags (
        .clk(clk), .load(load[STAGES-2:0]), .d({sf_first, sf_last}), .q({starts, finishes})
    );
    always @(posedge clk) if (load[STAGES-1]) sends <= finishes;
endmodule

// COUNT sums of IN bits each, added up in WIDTH bits, from `fresh` (two's complement) where `starts`.
module lutforge_accumulators #(
    parameter COUNT = 2,
    parameter IN = 8,
    parameter SIGNED = 1,
    parameter FRESH = 1,
    parameter WIDTH = 16
) (
    input wire clk,
    input wire load,
    input wire starts,
    input wire [COUNT*IN-1:0] sums,
    input wire [COUNT*FRESH-1:0] fresh,
    output wire [COUNT*WIDTH-1:0] totals
);
    genvar i;
    generate
        for (i = 0; i < COUNT; i = i + 1) begin : total_of
            wire [WIDTH-1:0] sum, first;
            lutforge_extend #(.IN(IN), .OUT(WIDTH), .SIGNED(SIGNED)) sum_widened (.d(sums[i*IN +: IN]), .q(sum));
            lutforge_extend #(.IN(FRESH), .OUT(WIDTH), .SIGNED(1)) fresh_widened (
                .d(fresh[i*FRESH +: FRESH]), .q(first)
            );
            reg [WIDTH-1:0] total;
            always @(posedge clk) if (load) total <= (starts ? first : total) + sum;
            assign totals[i*WIDTH +: WIDTH] = total;
        end
    endgenerate
endmodule

// d as OUT bits: cut, or extended by its sign.
module lutforge_extend #(
    parameter IN = 4,
    parameter OUT = 8,
    parameter SIGNED = 1
) (
    input wire [IN-1:0] d,
    output wire [OUT-1:0] q
);
    generate
        if (OUT > IN) begin : wider
            wire sign = SIGNED ? d[IN-1] : 1'b0;
            assign q = {{OUT - IN{sign}}, d};
        end else begin : cut
            assign q = d[OUT-1:0];
            wire unused = &{1'b0, d};
        end
    endgenerate
endmodule
