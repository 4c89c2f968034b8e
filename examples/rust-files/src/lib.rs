//! Serves the first folder it was granted: GET and HEAD a file or the list of a folder, PUT and DELETE a file.
//! It checks no paths: the host lets none lead out of the folder.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// How much is asked for at once; the host decides how much it hands on.
const CHUNK: u64 = 64 * 1024;

/// An answer that is no file: a status and a line of text.
struct Answer(u16, String);

struct Files;

impl Guest for Files {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let Some((folder, _)) = get_directories().into_iter().next() else {
            return Answer(503, "no folder was granted: --dir FOLDER::/".into()).send(out);
        };
        let path = request.path_with_query().unwrap_or_default();
        let path = decode(path.split('?').next().unwrap_or_default());
        let path = path.trim_matches('/');
        match request.method() {
            Method::Get => get(&folder, path, out, true),
            Method::Head => get(&folder, path, out, false),
            Method::Put => put(&folder, path, &request).send(out),
            Method::Delete => delete(&folder, path).send(out),
            _ => Answer(405, "GET, HEAD, PUT or DELETE".into()).send(out),
        }
    }
}

fn get(folder: &Descriptor, path: &str, out: ResponseOutparam, with_body: bool) {
    match open(folder, path) {
        Err(error) => refused(error).send(out),
        Ok(Opened::Folder(folder)) => match list(&folder) {
            Ok(text) => Answer(200, text).send(out),
            Err(error) => refused(error).send(out),
        },
        Ok(Opened::File { size, stream }) => {
            let fields = head(type_of(path), size);
            send(out, 200, fields, |output| {
                if with_body {
                    pass(&stream, output)
                } else {
                    Ok(())
                }
            });
        }
    }
}

enum Opened {
    File { size: u64, stream: InputStream },
    Folder(Descriptor),
}

fn open(folder: &Descriptor, path: &str) -> Result<Opened, ErrorCode> {
    let path = if path.is_empty() { "." } else { path };
    let found = folder.open_at(
        PathFlags::SYMLINK_FOLLOW,
        path,
        OpenFlags::empty(),
        DescriptorFlags::READ,
    )?;
    let facts = found.stat()?;
    match facts.type_ {
        DescriptorType::Directory => Ok(Opened::Folder(found)),
        DescriptorType::RegularFile => Ok(Opened::File {
            size: facts.size,
            stream: found.read_via_stream(0)?,
        }),
        _ => Err(ErrorCode::Unsupported),
    }
}

fn list(folder: &Descriptor) -> Result<String, ErrorCode> {
    let mut names = Vec::new();
    let entries = folder.read_directory()?;
    while let Some(entry) = entries.read_directory_entry()? {
        let mark = if entry.type_ == DescriptorType::Directory {
            "/"
        } else {
            ""
        };
        names.push(format!("{}{mark}\n", entry.name));
    }
    names.sort();
    Ok(names.concat())
}

/// Writes beside the file and renames, so that nobody meets half of one.
fn put(folder: &Descriptor, path: &str, request: &IncomingRequest) -> Answer {
    let partial = format!(
        "{path}.partial-{:x}",
        wasip2::random::random::get_random_u64()
    );
    let written = write(folder, &partial, request).and_then(|bytes| {
        folder.rename_at(&partial, folder, path).map_err(refused)?;
        Ok(bytes)
    });
    match written {
        Ok(bytes) => Answer(201, format!("{bytes} bytes")),
        Err(answer) => {
            let _ = folder.unlink_file_at(&partial);
            answer
        }
    }
}

fn write(folder: &Descriptor, path: &str, request: &IncomingRequest) -> Result<u64, Answer> {
    let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = folder
        .open_at(PathFlags::empty(), path, flags, DescriptorFlags::WRITE)
        .map_err(refused)?;
    let output = file.write_via_stream(0).map_err(refused)?;
    let body = request.consume().expect("the body is taken once");
    let input = body.stream().expect("the stream is taken once");
    pass(&input, &output)
        .map_err(|error| Answer(400, format!("the body was not written: {error}")))?;
    drop(output);
    Ok(file.stat().map_err(refused)?.size)
}

fn delete(folder: &Descriptor, path: &str) -> Answer {
    match folder.unlink_file_at(path) {
        Ok(()) => Answer(200, "deleted".into()),
        Err(error) => refused(error),
    }
}

fn refused(error: ErrorCode) -> Answer {
    let status = match error {
        ErrorCode::NoEntry | ErrorCode::NotDirectory => 404,
        ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => 403,
        ErrorCode::IsDirectory | ErrorCode::Exist => 409,
        ErrorCode::Invalid | ErrorCode::IllegalByteSequence | ErrorCode::NameTooLong => 400,
        ErrorCode::InsufficientSpace | ErrorCode::Quota => 507,
        _ => 500,
    };
    Answer(status, error.name().into())
}

impl Answer {
    fn send(self, out: ResponseOutparam) {
        let Answer(status, mut text) = self;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let fields = head("text/plain; charset=utf-8", text.len() as u64);
        send(out, status, fields, |output| {
            for part in text.as_bytes().chunks(4096) {
                output.blocking_write_and_flush(part)?;
            }
            Ok(())
        });
    }
}

fn head(kind: &str, size: u64) -> Fields {
    let entries = [
        ("content-type", kind.to_string()),
        ("content-length", size.to_string()),
    ];
    let entries = entries.map(|(name, value)| (name.to_string(), value.into_bytes()));
    Fields::from_list(&entries).expect("these fields are allowed")
}

/// Sends a head, and the body that `write` writes. One that fails is left unfinished, and the client sees the break.
fn send(
    out: ResponseOutparam,
    status: u16,
    fields: Fields,
    write: impl FnOnce(&OutputStream) -> Result<(), StreamError>,
) {
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let output = body.write().expect("the stream is taken once");
    let written = write(&output);
    drop(output);
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Lets the host move bytes from one stream to the other until the input ends.
fn pass(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match output.blocking_splice(input, CHUNK) {
            Ok(_) => {}
            Err(StreamError::Closed) => return output.blocking_flush(),
            Err(error) => return Err(error),
        }
    }
}

fn type_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "css" => "text/css",
        "js" => "text/javascript",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Percent-decoding; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match after {
            [a, b, ..] if *first == b'%' => hex(*a).zip(hex(*b)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

wasip2::http::proxy::export!(Files);
