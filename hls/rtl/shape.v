// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Activations of BITS bits as an approximate multiplier reads them: their bits from SHIFT on, rounded half up if ROUNDS,
// the largest code where that overflows.
module lutforge_shape #(
    parameter COUNT = 2,
    parameter BITS = 8,
    parameter SHIFT = 2,
    parameter ROUNDS = 0,
    parameter SIGNED = 0
) (
    input wire [COUNT*BITS-1:0] activations,
    output wire [COUNT*(BITS-SHIFT)-1:0] codes
);
    localparam KEPT = BITS - SHIFT;
    localparam [KEPT-1:0] TOP = SIGNED ? {KEPT{1'b1}} >> 1 : {KEPT{1'b1}};
    wire unused = &{1'b0, activations};
    genvar n;
    generate
        for (n = 0; n < COUNT; n = n + 1) begin : lane
            wire [KEPT-1:0] upper = activations[n*BITS+SHIFT +: KEPT];
            if (ROUNDS) begin : rounded
                wire up = activations[n*BITS+SHIFT-1] && upper != TOP;
                assign codes[n*KEPT +: KEPT] = upper + {{KEPT - 1{1'b0}}, up};
            end else begin : cut
                assign codes[n*KEPT +: KEPT] = upper;
            end
        end
    endgenerate
endmodule
