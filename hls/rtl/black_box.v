// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// What an RTL black box of Vitis HLS needs around a layer: FIFO ports and block control (UG1399, RTL black boxes:
// ap_ctrl_chain). One call is one vector: INPUTS beats in, OUTPUTS beats out. A call is ready when its last beat has
// been read and done when its last beat has been written; done stays until ap_continue.

module lutforge_black_box #(
    parameter INPUTS = 1,
    parameter OUTPUTS = 1
) (
    input wire clk,
    input wire rst,
    input wire ce,
    input wire start,
    output wire ready,
    output wire done,
    output wire idle,
    input wire proceed,
    input wire fifo_valid,
    output wire fifo_read,
    input wire fifo_room,
    output wire fifo_write,
    output wire in_valid,
    input wire in_ready,
    input wire out_valid,
    output wire out_ready
);
    wire in_last, out_last;
    reg finished;
    reg [15:0] inside_count;  // vectors read and not yet written
    wire blocked = finished & ~proceed;
    assign in_valid = fifo_valid & start & ce;
    assign fifo_read = in_valid & in_ready;
    assign out_ready = fifo_room & ce & ~blocked;
    assign fifo_write = out_valid & out_ready;
    assign ready = fifo_read & in_last;
    assign done = finished;
    assign idle = ~start & ~finished & inside_count == 16'd0;
    wire leaves = fifo_write & out_last;
    lutforge_counter #(.COUNT(INPUTS)) reads (
        .clk(clk), .rst(rst), .step(fifo_read), .first(), .last(in_last), .value()
    );
    lutforge_counter #(.COUNT(OUTPUTS)) writes (
        .clk(clk), .rst(rst), .step(fifo_write), .first(), .last(out_last), .value()
    );
    always @(posedge clk) begin
        if (rst) begin
            finished <= 1'b0;
            inside_count <= 16'd0;
        end else begin
            if (ce) finished <= leaves | blocked;
            if (ready & ~leaves) inside_count <= inside_count + 16'd1;
            else if (leaves & ~ready) inside_count <= inside_count - 16'd1;
        end
    end
endmodule
