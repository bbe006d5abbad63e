`define LUTFORGE_XILINX  // a packaged IP carries no definitions of its project
module lutforge_stream(input clk);
`ifdef LUTFORGE_XILINX
`endif
endmodule
