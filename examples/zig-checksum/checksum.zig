//! Checks what it is sent while it arrives: a line with a CRC-32 for each MiB, then one with the size, the number of lines
//! and the SHA-256 of it all. However large the body is, no more than one piece of it is held.
const std = @import("std");
const wit = @cImport(@cInclude("checksum.h"));

const Crc32 = std.hash.crc.Crc32;
const Sha256 = std.crypto.hash.sha2.Sha256;

const block_size = 1 << 20;
const piece_size = 64 << 10;

const Failure = error{ ClientLeft, BodyBroken };

export fn exports_wasi_http_incoming_handler_handle(
    request: wit.exports_wasi_http_incoming_handler_own_incoming_request_t,
    out: wit.exports_wasi_http_incoming_handler_own_response_outparam_t,
) void {
    defer wit.wasi_http_types_incoming_request_drop_own(request);
    if (!hasBody(request)) {
        answer(out, 405, null) catch {};
    } else {
        // An answer that is not finished tells the client that something went wrong.
        answer(out, 200, request) catch {};
    }
}

fn hasBody(request: wit.wasi_http_types_own_incoming_request_t) bool {
    var method: wit.wasi_http_types_method_t = undefined;
    wit.wasi_http_types_method_incoming_request_method(wit.wasi_http_types_borrow_incoming_request(request), &method);
    defer wit.wasi_http_types_method_free(&method);
    return method.tag == wit.WASI_HTTP_TYPES_METHOD_POST or method.tag == wit.WASI_HTTP_TYPES_METHOD_PUT;
}

/// Sends the head at once and then the checksums, as the body of `request` arrives.
fn answer(
    out: wit.wasi_http_types_own_response_outparam_t,
    status: u16,
    request: ?wit.wasi_http_types_own_incoming_request_t,
) Failure!void {
    const response = wit.wasi_http_types_constructor_outgoing_response(wit.wasi_http_types_constructor_fields());
    const borrowed = wit.wasi_http_types_borrow_outgoing_response(response);
    _ = wit.wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
    var body: wit.wasi_http_types_own_outgoing_body_t = undefined;
    _ = wit.wasi_http_types_method_outgoing_response_body(borrowed, &body);
    var result: wit.wasi_http_types_result_own_outgoing_response_error_code_t = std.mem.zeroes(
        wit.wasi_http_types_result_own_outgoing_response_error_code_t,
    );
    result.val.ok = response;
    wit.wasi_http_types_static_response_outparam_set(out, &result);

    var stream: wit.wasi_io_streams_own_output_stream_t = undefined;
    _ = wit.wasi_http_types_method_outgoing_body_write(wit.wasi_http_types_borrow_outgoing_body(body), &stream);
    const written = if (request) |with_body| check(with_body, stream) else print(stream, "PUT or POST something\n", .{});
    wit.wasi_io_streams_output_stream_drop_own(stream);
    written catch |failure| {
        wit.wasi_http_types_outgoing_body_drop_own(body);
        return failure;
    };
    var ignored: wit.wasi_http_types_error_code_t = undefined;
    if (!wit.wasi_http_types_static_outgoing_body_finish(body, null, &ignored)) {
        wit.wasi_http_types_error_code_free(&ignored);
    }
}

fn check(request: wit.wasi_http_types_own_incoming_request_t, out: wit.wasi_io_streams_own_output_stream_t) Failure!void {
    var body: wit.wasi_http_types_own_incoming_body_t = undefined;
    _ = wit.wasi_http_types_method_incoming_request_consume(wit.wasi_http_types_borrow_incoming_request(request), &body);
    defer wit.wasi_http_types_incoming_body_drop_own(body);
    var stream: wit.wasi_io_streams_own_input_stream_t = undefined;
    _ = wit.wasi_http_types_method_incoming_body_stream(wit.wasi_http_types_borrow_incoming_body(body), &stream);
    defer wit.wasi_io_streams_input_stream_drop_own(stream);

    var total: u64 = 0;
    var lines: u64 = 0;
    var sha = Sha256.init(.{});
    var crc = Crc32.init();
    while (try read(stream)) |piece| {
        defer wit.checksum_list_u8_free(@constCast(&piece));
        var rest: []const u8 = piece.ptr[0..piece.len];
        lines += std.mem.count(u8, rest, "\n");
        sha.update(rest);
        while (rest.len > 0) {
            const room: usize = @intCast(block_size - total % block_size);
            const part = rest[0..@min(room, rest.len)];
            rest = rest[part.len..];
            crc.update(part);
            total += part.len;
            if (part.len == room) {
                try print(out, "{d} crc32 {x:0>8}\n", .{ total - block_size, crc.final() });
                crc = Crc32.init();
            }
        }
    }
    if (total % block_size != 0) {
        try print(out, "{d} crc32 {x:0>8}\n", .{ total - total % block_size, crc.final() });
    }
    try print(out, "{d} bytes, {d} lines, sha256 {x}\n", .{ total, lines, &sha.finalResult() });
}

/// The next piece of a body, which the caller frees; null at its end.
fn read(stream: wit.wasi_io_streams_own_input_stream_t) Failure!?wit.checksum_list_u8_t {
    var piece: wit.checksum_list_u8_t = undefined;
    var failure: wit.wasi_io_streams_stream_error_t = undefined;
    const borrowed = wit.wasi_io_streams_borrow_input_stream(stream);
    if (wit.wasi_io_streams_method_input_stream_blocking_read(borrowed, piece_size, &piece, &failure)) return piece;
    defer wit.wasi_io_streams_stream_error_free(&failure);
    return if (failure.tag == wit.WASI_IO_STREAMS_STREAM_ERROR_CLOSED) null else error.BodyBroken;
}

fn print(stream: wit.wasi_io_streams_own_output_stream_t, comptime format: []const u8, arguments: anytype) Failure!void {
    var buffer: [256]u8 = undefined;
    const line = std.fmt.bufPrint(&buffer, format, arguments) catch unreachable;
    var bytes: wit.checksum_list_u8_t = .{ .ptr = line.ptr, .len = line.len };
    var failure: wit.wasi_io_streams_stream_error_t = undefined;
    const borrowed = wit.wasi_io_streams_borrow_output_stream(stream);
    if (!wit.wasi_io_streams_method_output_stream_blocking_write_and_flush(borrowed, &bytes, &failure)) {
        wit.wasi_io_streams_stream_error_free(&failure);
        return error.ClientLeft;
    }
}
