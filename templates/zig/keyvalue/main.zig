//! Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay. http.c is between it
//! and wasi:http.
const std = @import("std");
const c = @cImport({
    @cInclude("app.h");
    @cInclude("http.h");
});

fn count(path: [*:0]const u8) ?u64 {
    var name = text("default");
    var bucket: c.wasi_keyvalue_store_own_bucket_t = undefined;
    var failure: c.wasi_keyvalue_store_error_t = undefined;
    if (!c.wasi_keyvalue_store_open(&name, &bucket, &failure)) return failed(&failure);
    defer c.wasi_keyvalue_store_bucket_drop_own(bucket);
    var key = text(path);
    var visits: u64 = 0;
    if (!c.wasi_keyvalue_atomics_increment(c.wasi_keyvalue_store_borrow_bucket(bucket), &key, 1, &visits, &failure))
        return failed(&failure);
    return visits;
}

fn failed(failure: *c.wasi_keyvalue_store_error_t) ?u64 {
    c.wasi_keyvalue_store_error_free(failure);
    return null;
}

fn text(bytes: [*:0]const u8) c.app_string_t {
    var lent: c.app_string_t = undefined;
    c.app_string_set(&lent, bytes);
    return lent;
}

export fn handle(request: *const c.struct_request) c.struct_response {
    const visits = count(request.path) orelse return answer(503, "the store does not answer\n", .{});
    return answer(200, "{s} was visited {d} times\n", .{ request.path, visits });
}

fn answer(status: c_int, comptime words: []const u8, values: anytype) c.struct_response {
    // Freed, by free, when it is sent.
    const body = std.fmt.allocPrintSentinel(std.heap.c_allocator, words, values, 0) catch unreachable;
    return .{ .status = status, .type = "text/plain", .body = body.ptr };
}
