//! PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs. http.c is between it and wasi:http.
const std = @import("std");
const c = @cImport({
    @cInclude("app.h");
    @cInclude("http.h");
});

export fn handle(request: *const c.struct_request) c.struct_response {
    const method = std.mem.span(request.method);
    const on = std.mem.eql(u8, method, "PUT");
    if (!on and !std.mem.eql(u8, method, "DELETE")) return answer(405, "PUT or DELETE\n", .{});
    var pin: c.app_string_t = undefined;
    c.app_string_set(&pin, "alert");
    var failure: c.unbolt_pins_board_error_t = undefined;
    const level: c.unbolt_pins_board_level_t = if (on) c.UNBOLT_PINS_BOARD_LEVEL_HIGH else c.UNBOLT_PINS_BOARD_LEVEL_LOW;
    if (!c.unbolt_pins_board_set_level(&pin, level, &failure)) {
        c.unbolt_pins_board_error_free(&failure);
        return answer(503, "the board has no output named alert\n", .{});
    }
    return answer(200, "the alert light is {s}\n", .{if (on) "on" else "off"});
}

fn answer(status: c_int, comptime words: []const u8, values: anytype) c.struct_response {
    // Freed, by free, when it is sent.
    const body = std.fmt.allocPrintSentinel(std.heap.c_allocator, words, values, 0) catch unreachable;
    return .{ .status = status, .type = "text/plain", .body = body.ptr };
}
