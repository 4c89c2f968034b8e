//! Answers requests. Edit it while `unbolt dev` runs. http.c is between it and wasi:http.
const std = @import("std");
const http = @cImport(@cInclude("http.h"));

export fn handle(request: *const http.struct_request) http.struct_response {
    // Freed, by free, when it is sent.
    const text = std.fmt.allocPrintSentinel(
        std.heap.c_allocator,
        "Hello from @NAME@: {s} {s}\n",
        .{ request.method, request.path },
        0,
    ) catch unreachable;
    return .{ .status = 200, .type = "text/plain", .body = text.ptr };
}
