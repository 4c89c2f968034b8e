//! POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs. http.c is between it
//! and wasi:http.
const std = @import("std");
const c = @cImport({
    @cInclude("app.h");
    @cInclude("http.h");
});

export fn handle(request: *const c.struct_request) c.struct_response {
    if (!std.mem.eql(u8, std.mem.span(request.method), "POST")) return answer(405, "POST a message\n", .{});
    var message = std.mem.zeroes(c.wasmcloud_messaging_consumer_broker_message_t);
    c.app_string_set(&message.subject, "@NAME@.posted");
    message.body = .{ .ptr = @constCast(@ptrCast(request.body)), .len = request.size };
    var why: c.app_string_t = undefined;
    if (!c.wasmcloud_messaging_consumer_publish(&message, &why)) {
        c.app_string_free(&why);
        return answer(503, "the broker does not answer\n", .{});
    }
    return answer(202, "published\n", .{});
}

export fn exports_wasmcloud_messaging_handler_handle_message(
    message: *c.exports_wasmcloud_messaging_handler_broker_message_t,
    _: *c.app_string_t,
) bool {
    defer c.exports_wasmcloud_messaging_handler_broker_message_free(message);
    var text: c.app_string_t = .{ .ptr = message.body.ptr, .len = message.body.len };
    c.wasi_logging_logging_log(c.WASI_LOGGING_LOGGING_LEVEL_INFO, &message.subject, &text);
    return true;
}

fn answer(status: c_int, comptime words: []const u8, values: anytype) c.struct_response {
    // Freed, by free, when it is sent.
    const body = std.fmt.allocPrintSentinel(std.heap.c_allocator, words, values, 0) catch unreachable;
    return .{ .status = status, .type = "text/plain", .body = body.ptr };
}
