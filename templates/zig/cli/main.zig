//! A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS
const std = @import("std");

pub fn main() !void {
    const arguments = try std.process.argsAlloc(std.heap.page_allocator);
    var buffer: [1024]u8 = undefined;
    var out = std.fs.File.stdout().writer(&buffer);
    try out.interface.print("Hello from @NAME@", .{});
    for (arguments[1..]) |word| try out.interface.print(" {s}", .{word});
    try out.interface.print("\n", .{});
    try out.interface.flush();
}
