// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// AXI-Lite control with the register map of a Vitis HLS block (UG1399, S_AXILITE control registers), and the gate
// that lets exactly `images` images of BEATS beats in after each start.
//   0x00 CTRL: 0 ap_start, 1 ap_done (cleared by reading), 2 ap_idle, 3 ap_ready (cleared by reading), 7 auto_restart
//   0x04 GIER: 0 interrupts enabled    0x08 IER, 0x0C ISR: 0 done, 1 ready; a 1 written to ISR toggles its bit
//   0x10 images

module lutforge_control #(
    parameter BEATS = 98
) (
    input wire clk,
    input wire rst,
    input wire [5:0] awaddr,
    input wire awvalid,
    output wire awready,
    input wire [31:0] wdata,
    input wire [3:0] wstrb,
    input wire wvalid,
    output wire wready,
    output wire [1:0] bresp,
    output reg bvalid,
    input wire bready,
    input wire [5:0] araddr,
    input wire arvalid,
    output wire arready,
    output reg [31:0] rdata,
    output wire [1:0] rresp,
    output reg rvalid,
    input wire rready,
    output wire interrupt,
    output reg [31:0] images,
    input wire in_valid,
    output wire in_ready,
    output wire gated_valid,
    input wire gated_ready,
    input wire answer_end  // the last beat of a batch is taken
);
    localparam [5:0] CTRL = 6'h00, GIER = 6'h04, IER = 6'h08, ISR = 6'h0C, IMAGES = 6'h10;
    reg start, done, ready, restart, enabled, running;
    reg [1:0] ier, isr;
    reg [31:0] taken;
    wire write = awvalid & wvalid & ~bvalid & ~rst;  // reset ends a cycle later here than outside
    wire read = arvalid & ~rvalid & ~rst;
    assign awready = write;
    assign wready = write;
    assign arready = read;
    assign bresp = 2'b00;
    assign rresp = 2'b00;
    assign interrupt = enabled & |(isr & ier);

    wire ends = running & (answer_end | images == 32'd0);
    wire all_taken;
    lutforge_equal #(.WIDTH(32)) count_reached (.a(taken), .b(images), .equal(all_taken));
    wire open = running & ~all_taken;
    wire image_end;
    assign gated_valid = in_valid & open;
    assign in_ready = gated_ready & open;
    lutforge_counter #(.COUNT(BEATS)) beats (
        .clk(clk), .rst(rst), .step(gated_valid & gated_ready), .first(), .last(image_end), .value()
    );
    wire byte0 = write & wstrb[0];
    always @(posedge clk) begin
        if (rst) begin
            {start, done, ready, restart, enabled, running, ier, isr} <= 10'd0;
            images <= 32'd0;
            taken <= 32'd0;
            bvalid <= 1'b0;
            rvalid <= 1'b0;
        end else begin
            bvalid <= write | (bvalid & ~bready);
            rvalid <= read | (rvalid & ~rready);
            if (gated_valid & gated_ready & image_end) taken <= taken + 32'd1;
            if (~running & start) begin
                running <= 1'b1;
                taken <= 32'd0;
            end else if (ends) begin
                running <= 1'b0;
            end
            if (byte0 & awaddr == CTRL & wdata[0]) start <= 1'b1;
            else if (ends) start <= restart;
            if (byte0 & awaddr == CTRL) restart <= wdata[7];
            if (ends) {done, ready} <= 2'b11;
            else if (read & araddr == CTRL) {done, ready} <= 2'b00;
            if (byte0 & awaddr == GIER) enabled <= wdata[0];
            if (byte0 & awaddr == IER) ier <= wdata[1:0];
            isr <= (isr ^ (byte0 & awaddr == ISR ? wdata[1:0] : 2'b00)) | ({2{ends}} & ier);
            if (write & awaddr == IMAGES) begin
                if (wstrb[0]) images[7:0] <= wdata[7:0];
                if (wstrb[1]) images[15:8] <= wdata[15:8];
                if (wstrb[2]) images[23:16] <= wdata[23:16];
                if (wstrb[3]) images[31:24] <= wdata[31:24];
            end
        end
        if (read) begin
            case (araddr)
                CTRL: rdata <= {24'd0, restart, 3'd0, ready, ~running & ~start, done, start};
                GIER: rdata <= {31'd0, enabled};
                IER: rdata <= {30'd0, ier};
                ISR: rdata <= {30'd0, isr};
                IMAGES: rdata <= images;
                default: rdata <= 32'd0;
            endcase
        end
    end
endmodule
