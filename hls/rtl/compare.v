// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Comparisons on carry chains and a choice of two words, in as few LUTs as a slice allows; yosys takes up to twice as many.

// greater = a > b. Two bits of each are compared in one LUT: where they are equal the carry from below goes on.
module lutforge_greater #(
    parameter BITS = 8,
    parameter SIGNED = 1
) (
    input wire [BITS-1:0] a,
    input wire [BITS-1:0] b,
    output wire greater
);
`ifdef LUTFORGE_XILINX
    localparam PAIRS = (BITS + 1) / 2;
    localparam [2*PAIRS-1:0] SIGN = SIGNED != 0 ? 1 << (BITS - 1) : 0;  // signs count the other way round
    function [63:0] compare(input [1:0] turned);
        integer address;
        reg [1:0] left, right;
        for (address = 0; address < 32; address = address + 1) begin
            left = address[1:0] ^ turned;
            right = address[3:2] ^ turned;
            compare[address] = left > right;
            compare[address+32] = left == right;
        end
    endfunction
    wire [2*PAIRS-1:0] wide_a, wide_b;
    assign wide_a = a;
    assign wide_b = b;
    wire [PAIRS-1:0] equal, more, unused_sums;
    genvar i;
    generate
        for (i = 0; i < PAIRS; i = i + 1) begin : pair
            LUT6_2 #(.INIT(compare(SIGN[2*i +: 2]))) lut (
                .I0(wide_a[2*i]), .I1(wide_a[2*i+1]), .I2(wide_b[2*i]), .I3(wide_b[2*i+1]), .I4(1'b0), .I5(1'b1),
                .O5(more[i]), .O6(equal[i])
            );
        end
    endgenerate
    lutforge_carry #(.WIDTH(PAIRS)) chain (
        .carry(1'b0), .s(equal), .di(more), .o(unused_sums), .top(greater)
    );
`else
    assign greater = SIGNED != 0 ? $signed(a) > $signed(b) : a > b;
`endif
endmodule

// q = choice ? one : zero, two bits of it per LUT.
module lutforge_choice #(
    parameter WIDTH = 8
) (
    input wire choice,
    input wire [WIDTH-1:0] zero,
    input wire [WIDTH-1:0] one,
    output wire [WIDTH-1:0] q
);
`ifdef LUTFORGE_XILINX
    genvar i;
    generate
        for (i = 0; i + 1 < WIDTH; i = i + 2) begin : pair
            LUT6_2 #(.INIT(64'hFF00F0F0_CCCCAAAA)) lut (
                .I0(zero[i]), .I1(one[i]), .I2(zero[i+1]), .I3(one[i+1]), .I4(choice), .I5(1'b1),
                .O5(q[i]), .O6(q[i+1])
            );
        end
        if (WIDTH % 2 != 0) begin : odd
            LUT3 #(.INIT(8'hCA)) lut (.I0(zero[WIDTH-1]), .I1(one[WIDTH-1]), .I2(choice), .O(q[WIDTH-1]));
        end
    endgenerate
`else
    assign q = choice ? one : zero;
`endif
endmodule

// equal = a == b, three bits of each in one LUT.
module lutforge_equal #(
    parameter WIDTH = 32
) (
    input wire [WIDTH-1:0] a,
    input wire [WIDTH-1:0] b,
    output wire equal
);
`ifdef LUTFORGE_XILINX
    localparam LUTS = (WIDTH + 2) / 3;
    wire [3*LUTS-1:0] wide_a, wide_b;
    assign wide_a = a;
    assign wide_b = b;
    wire [LUTS-1:0] same, unused_sums;
    genvar i;
    generate
        for (i = 0; i < LUTS; i = i + 1) begin : three
            LUT6 #(.INIT(64'h9009000000009009)) lut (
                .I0(wide_a[3*i]), .I1(wide_b[3*i]), .I2(wide_a[3*i+1]), .I3(wide_b[3*i+1]), .I4(wide_a[3*i+2]),
                .I5(wide_b[3*i+2]), .O(same[i])
            );
        end
    endgenerate
    lutforge_carry #(.WIDTH(LUTS)) chain (
        .carry(1'b1), .s(same), .di({LUTS{1'b0}}), .o(unused_sums), .top(equal)
    );
`else
    assign equal = a == b;
`endif
endmodule
