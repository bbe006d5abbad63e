module lutforge_top(input ap_clk);
lutforge_stream s(ap_clk);
endmodule
