// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The carry chain of a slice: CARRY4 under LUTFORGE_XILINX, else one addition.

// o = s ^ carry with the carry from bit i to bit i + 1 being s[i] ? carry : di[i]; `carry` comes in at bit 0, and `top` is
// what the highest bit hands on.
module lutforge_carry #(
    parameter WIDTH = 8
) (
    input wire carry,
    input wire [WIDTH-1:0] s,
    input wire [WIDTH-1:0] di,
    output wire [WIDTH-1:0] o,
    output wire top
);
`ifdef LUTFORGE_XILINX
    localparam SLICES = (WIDTH + 3) / 4;
    wire [4*SLICES-1:0] selects, others, sums, carries;
    assign selects[WIDTH-1:0] = s;
    assign others[WIDTH-1:0] = di;
    assign o = sums[WIDTH-1:0];
    assign top = carries[WIDTH-1];
    genvar i;
    generate
        if (WIDTH % 4 != 0) begin : padding
            assign selects[4*SLICES-1:WIDTH] = {4 * SLICES - WIDTH{1'b0}};
            assign others[4*SLICES-1:WIDTH] = {4 * SLICES - WIDTH{1'b0}};
            wire unused = &{1'b0, sums[4*SLICES-1:WIDTH]};
        end
        for (i = 0; i < SLICES; i = i + 1) begin : slice
            wire from_below;
            if (i == 0) begin : lowest
                assign from_below = 1'b0;
            end else begin : higher
                assign from_below = carries[4*i-1];
            end
            CARRY4 cell4 (
                .CI(from_below), .CYINIT(i == 0 ? carry : 1'b0), .S(selects[4*i +: 4]), .DI(others[4*i +: 4]),
                .O(sums[4*i +: 4]), .CO(carries[4*i +: 4])
            );
        end
    endgenerate
    wire unused_carries = &{1'b0, carries};
`else
    // Two numbers that differ where s is 1, and are both di where it is 0.
    localparam [WIDTH:0] ONE = 1;
    assign {top, o} = {1'b0, di} + {1'b0, di ^ s} + (carry ? ONE : {WIDTH + 1{1'b0}});
`endif
endmodule
