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
    localparam PAIRS = (BITS + 1) / 2, SLICES = (PAIRS + 3) / 4;
    localparam [8*SLICES-1:0] SIGN = SIGNED != 0 ? 1 << (BITS - 1) : 0;  // signs count the other way round
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
    wire [8*SLICES-1:0] wide_a, wide_b;
    assign wide_a = a;
    assign wide_b = b;
    wire [4*SLICES-1:0] equal, more, carries;
    assign greater = carries[PAIRS-1];
    genvar i;
    generate
        for (i = 0; i < 4 * SLICES; i = i + 1) begin : pair
            if (i < PAIRS) begin : used
                LUT6_2 #(.INIT(compare(SIGN[2*i +: 2]))) lut (
                    .I0(wide_a[2*i]), .I1(wide_a[2*i+1]), .I2(wide_b[2*i]), .I3(wide_b[2*i+1]), .I4(1'b0), .I5(1'b1),
                    .O5(more[i]), .O6(equal[i])
                );
            end else begin : empty
                assign {equal[i], more[i]} = 2'b00;
            end
        end
        for (i = 0; i < SLICES; i = i + 1) begin : slice
            wire below;
            if (i == 0) begin : lowest
                assign below = 1'b0;
            end else begin : higher
                assign below = carries[4*i-1];
            end
            CARRY4 chain (
                .CI(below), .CYINIT(1'b0), .S(equal[4*i +: 4]), .DI(more[4*i +: 4]), .O(), .CO(carries[4*i +: 4])
            );
        end
    endgenerate
    wire unused = &{1'b0, carries, wide_a, wide_b};
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
    localparam LUTS = (WIDTH + 2) / 3, SLICES = (LUTS + 3) / 4;
    wire [12*SLICES-1:0] wide_a, wide_b;
    assign wide_a = a;
    assign wide_b = b;
    wire [4*SLICES-1:0] same, carries;
    assign equal = carries[LUTS-1];
    genvar i;
    generate
        for (i = 0; i < 4 * SLICES; i = i + 1) begin : three
            if (i < LUTS) begin : used
                LUT6 #(.INIT(64'h9009000000009009)) lut (
                    .I0(wide_a[3*i]), .I1(wide_b[3*i]), .I2(wide_a[3*i+1]), .I3(wide_b[3*i+1]), .I4(wide_a[3*i+2]),
                    .I5(wide_b[3*i+2]), .O(same[i])
                );
            end else begin : empty
                assign same[i] = 1'b0;
            end
        end
        for (i = 0; i < SLICES; i = i + 1) begin : slice
            wire below;
            if (i == 0) begin : lowest
                assign below = 1'b0;
            end else begin : higher
                assign below = carries[4*i-1];
            end
            CARRY4 chain (
                .CI(below), .CYINIT(i == 0 ? 1'b1 : 1'b0), .S(same[4*i +: 4]), .DI(4'd0), .O(),
                .CO(carries[4*i +: 4])
            );
        end
    endgenerate
    wire unused = &{1'b0, carries, wide_a, wide_b};
`else
    assign equal = a == b;
`endif
endmodule
