//! Does with wasi:filesystem what its arguments say, one operation each, and prints a line for each: `ok …` or the name
//! of the error. Words are separated by `|`; a descriptor or stream is named by its number: 0 and up are the preopened
//! folders, then whatever was opened, in order. A failed `open` takes a number too. Behind `--cgi` the query's words are
//! the arguments.

use wasip2::cli::stdout::get_stdout;
use wasip2::clocks::wall_clock::Datetime;
use wasip2::exports::cli::run::Guest;
use wasip2::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags, filesystem_error_code,
};
use wasip2::filesystem::preopens::get_directories;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Files;

enum Held {
    Descriptor(Descriptor),
    Input(InputStream),
    Output(OutputStream),
    Nothing,
}

struct Shell {
    held: Vec<Held>,
}

fn name(error: ErrorCode) -> String {
    error.name().to_string()
}

/// Arguments of a CGI program are the query's words as they were sent.
fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(part[2..].as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// The last part of `DescriptorType::RegularFile`.
fn case(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").split("::").last().unwrap_or_default().to_string()
}

/// The names of the flags, by their bits.
fn flag_names(flags: DescriptorFlags) -> String {
    [
        (DescriptorFlags::READ, "read"),
        (DescriptorFlags::WRITE, "write"),
        (DescriptorFlags::FILE_INTEGRITY_SYNC, "sync"),
        (DescriptorFlags::DATA_INTEGRITY_SYNC, "dsync"),
        (DescriptorFlags::REQUESTED_WRITE_SYNC, "rsync"),
        (DescriptorFlags::MUTATE_DIRECTORY, "mutate"),
    ]
    .iter()
    .filter(|(flag, _)| flags & *flag == *flag)
    .map(|(_, name)| *name)
    .collect::<Vec<_>>()
    .join(",")
}

fn stream_error(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(error) => match filesystem_error_code(&error) {
            Some(code) => name(code),
            None => format!("other: {}", error.to_debug_string()),
        },
    }
}

fn time(text: &str) -> NewTimestamp {
    match text {
        "keep" => NewTimestamp::NoChange,
        "now" => NewTimestamp::Now,
        text => {
            let (seconds, nanoseconds) = text.split_once('.').unwrap_or((text, "0"));
            NewTimestamp::Timestamp(Datetime {
                seconds: seconds.parse().unwrap(),
                nanoseconds: nanoseconds.parse().unwrap(),
            })
        }
    }
}

fn follow(word: Option<&&str>) -> PathFlags {
    match word {
        Some(&"follow") => PathFlags::SYMLINK_FOLLOW,
        _ => PathFlags::empty(),
    }
}

type Answer = Result<String, String>;

fn done(result: Result<(), ErrorCode>) -> Answer {
    result.map(|()| String::new()).map_err(name)
}

impl Shell {
    fn descriptor(&self, word: &str) -> &Descriptor {
        match &self.held[word.parse::<usize>().unwrap()] {
            Held::Descriptor(descriptor) => descriptor,
            _ => panic!("{word} is no descriptor"),
        }
    }
    fn input(&self, word: &str) -> &InputStream {
        match &self.held[word.parse::<usize>().unwrap()] {
            Held::Input(stream) => stream,
            _ => panic!("{word} is no input stream"),
        }
    }
    fn output(&self, word: &str) -> &OutputStream {
        match &self.held[word.parse::<usize>().unwrap()] {
            Held::Output(stream) => stream,
            _ => panic!("{word} is no output stream"),
        }
    }
    fn hold<T, E>(&mut self, result: Result<T, E>, wrap: fn(T) -> Held) -> Result<String, E> {
        match result {
            Ok(value) => {
                self.held.push(wrap(value));
                Ok(format!("{}", self.held.len() - 1))
            }
            Err(error) => {
                self.held.push(Held::Nothing);
                Err(error)
            }
        }
    }

    fn open(&mut self, w: &[&str]) -> Answer {
        let (mut path, mut open, mut flags) = (PathFlags::empty(), OpenFlags::empty(), DescriptorFlags::empty());
        for flag in w.get(3).unwrap_or(&"").split(',') {
            match flag {
                "follow" => path = path | PathFlags::SYMLINK_FOLLOW,
                "create" => open = open | OpenFlags::CREATE,
                "directory" => open = open | OpenFlags::DIRECTORY,
                "exclusive" => open = open | OpenFlags::EXCLUSIVE,
                "truncate" => open = open | OpenFlags::TRUNCATE,
                "read" => flags = flags | DescriptorFlags::READ,
                "write" => flags = flags | DescriptorFlags::WRITE,
                "mutate" => flags = flags | DescriptorFlags::MUTATE_DIRECTORY,
                "sync" => flags = flags | DescriptorFlags::FILE_INTEGRITY_SYNC,
                "dsync" => flags = flags | DescriptorFlags::DATA_INTEGRITY_SYNC,
                "" => {}
                other => panic!("no flag {other}"),
            }
        }
        let opened = self.descriptor(w[1]).open_at(path, w[2], open, flags).map_err(name);
        self.hold(opened, Held::Descriptor)
    }

    fn list(&self, folder: &str) -> Answer {
        let entries = self.descriptor(folder).read_directory().map_err(name)?;
        let mut names = Vec::new();
        loop {
            match entries.read_directory_entry() {
                Ok(Some(entry)) => names.push(format!("{}={}", entry.name, case(entry.type_))),
                Ok(None) => break,
                Err(error) => names.push(format!("!{}", name(error))),
            }
        }
        names.sort();
        Ok(names.join(" "))
    }

    fn run(&mut self, w: &[&str]) -> Answer {
        let number = |i: usize| w[i].parse::<u64>().unwrap();
        let stat = |stat: wasip2::filesystem::types::DescriptorStat| {
            format!(
                "{} links={} size={} modified={}",
                case(stat.type_),
                stat.link_count,
                stat.size,
                stat.data_modification_timestamp
                    .map_or("none".to_string(), |t| format!("{}.{}", t.seconds, t.nanoseconds))
            )
        };
        match w[0] {
            "open" => self.open(w),
            "drop" => {
                self.held[w[1].parse::<usize>().unwrap()] = Held::Nothing;
                Ok(String::new())
            }
            "read" => self.descriptor(w[1]).read(number(2), number(3)).map_err(name).map(|(bytes, end)| {
                format!("{} {}", String::from_utf8_lossy(&bytes), if end { "end" } else { "more" })
            }),
            "write" => self.descriptor(w[1]).write(w[2].as_bytes(), number(3)).map_err(name).map(|n| n.to_string()),
            "input" => {
                let made = self.descriptor(w[1]).read_via_stream(number(2)).map_err(name);
                self.hold(made, Held::Input)
            }
            "output" => {
                let made = self.descriptor(w[1]).write_via_stream(number(2)).map_err(name);
                self.hold(made, Held::Output)
            }
            "append" => {
                let made = self.descriptor(w[1]).append_via_stream().map_err(name);
                self.hold(made, Held::Output)
            }
            "get" => self.input(w[1]).blocking_read(number(2)).map_err(stream_error)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            "get-now" => self.input(w[1]).read(number(2)).map_err(stream_error)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            "skip" => self.input(w[1]).blocking_skip(number(2)).map_err(stream_error).map(|n| n.to_string()),
            "put" => self.output(w[1]).blocking_write_and_flush(w[2].as_bytes()).map_err(stream_error)
                .map(|()| String::new()),
            "zeroes" => self.output(w[1]).blocking_write_zeroes_and_flush(number(2)).map_err(stream_error)
                .map(|()| String::new()),
            "splice" => self.output(w[1]).blocking_splice(self.input(w[2]), number(3)).map_err(stream_error)
                .map(|n| n.to_string()),
            "ready" => Ok(format!("{}", self.input(w[1]).subscribe().ready())),
            "stat" => self.descriptor(w[1]).stat().map_err(name).map(stat),
            "stat-at" => self.descriptor(w[1]).stat_at(follow(w.get(3)), w[2]).map_err(name).map(stat),
            "mkdir" => done(self.descriptor(w[1]).create_directory_at(w[2])),
            "rmdir" => done(self.descriptor(w[1]).remove_directory_at(w[2])),
            "unlink" => done(self.descriptor(w[1]).unlink_file_at(w[2])),
            "readlink" => self.descriptor(w[1]).readlink_at(w[2]).map_err(name),
            "symlink" => done(self.descriptor(w[1]).symlink_at(w[2], w[3])),
            "link" => done(self.descriptor(w[1]).link_at(follow(w.get(5)), w[2], self.descriptor(w[3]), w[4])),
            "rename" => done(self.descriptor(w[1]).rename_at(w[2], self.descriptor(w[3]), w[4])),
            "list" => self.list(w[1]),
            "set-size" => done(self.descriptor(w[1]).set_size(number(2))),
            "set-times" => done(self.descriptor(w[1]).set_times(time(w[2]), time(w[3]))),
            "set-times-at" => {
                done(self.descriptor(w[1]).set_times_at(follow(w.get(5)), w[2], time(w[3]), time(w[4])))
            }
            "sync" => done(self.descriptor(w[1]).sync()),
            "sync-data" => done(self.descriptor(w[1]).sync_data()),
            "advise" => done(self.descriptor(w[1]).advise(number(2), number(3), Advice::WillNeed)),
            "flags" => self.descriptor(w[1]).get_flags().map_err(name).map(flag_names),
            "type" => self.descriptor(w[1]).get_type().map_err(name).map(case),
            "same" => Ok(self.descriptor(w[1]).is_same_object(self.descriptor(w[2])).to_string()),
            "hash" => self.descriptor(w[1]).metadata_hash().map_err(name).map(|h| format!("{:x}{:x}", h.upper, h.lower)),
            "hash-at" => self.descriptor(w[1]).metadata_hash_at(follow(w.get(3)), w[2]).map_err(name)
                .map(|h| format!("{:x}{:x}", h.upper, h.lower)),
            // Writes zeros until that fails; how much went, and why no more.
            "fill" => {
                let block = [0u8; 4096];
                let mut written = 0u64;
                loop {
                    match self.output(w[1]).blocking_write_and_flush(&block) {
                        Ok(()) => written += 4096,
                        Err(error) => return Ok(format!("{written} {}", stream_error(error))),
                    }
                }
            }
            // Opens the path again and again, and keeps what it opened.
            "open-many" => {
                for i in 0..number(3) {
                    match self.descriptor(w[1]).open_at(PathFlags::empty(), w[2], OpenFlags::empty(), DescriptorFlags::READ) {
                        Ok(opened) => self.held.push(Held::Descriptor(opened)),
                        Err(error) => return Ok(format!("{i} {}", name(error))),
                    }
                }
                Ok(w[3].to_string())
            }
            "input-many" => {
                for i in 0..number(2) {
                    match self.descriptor(w[1]).read_via_stream(i) {
                        Ok(stream) => self.held.push(Held::Input(stream)),
                        Err(error) => return Ok(format!("{i} {}", name(error))),
                    }
                }
                Ok(w[2].to_string())
            }
            // As many streams, each of which has read and is kept.
            "read-many" => {
                for i in 0..number(2) {
                    let stream = self.descriptor(w[1]).read_via_stream(0).map_err(name)?;
                    if stream.blocking_read(65536).map_err(stream_error)?.len() != 65536 {
                        return Ok(format!("{i} short"));
                    }
                    self.held.push(Held::Input(stream));
                }
                Ok(w[2].to_string())
            }
            "copy" => self.copy(w),
            "truncate-while-reading" => {
                let descriptor = self.descriptor(w[1]);
                let stream = descriptor.read_via_stream(0).map_err(name)?;
                let first = stream.blocking_read(4).map_err(stream_error)?;
                descriptor.set_size(4).map_err(name)?;
                let second = stream.blocking_read(4).map_err(stream_error);
                let second = second.map_or_else(|error| error, |bytes| String::from_utf8_lossy(&bytes).into_owned());
                Ok(format!("{} {second}", String::from_utf8_lossy(&first)))
            }
            other => panic!("no operation {other}"),
        }
    }

    /// `copy|FROM|TO|PIECE`: from one descriptor to another, in pieces, the way a program does.
    fn copy(&self, w: &[&str]) -> Answer {
        let piece: u64 = w[3].parse().unwrap();
        let input = self.descriptor(w[1]).read_via_stream(0).map_err(name)?;
        let output = self.descriptor(w[2]).write_via_stream(0).map_err(name)?;
        let mut copied = 0u64;
        loop {
            let bytes = match input.blocking_read(piece) {
                Ok(bytes) => bytes,
                Err(StreamError::Closed) => break,
                Err(error) => return Err(stream_error(error)),
            };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let room = output.check_write().map_err(stream_error)? as usize;
                if room == 0 {
                    output.subscribe().block();
                    continue;
                }
                let (now, later) = rest.split_at(room.min(rest.len()));
                output.write(now).map_err(stream_error)?;
                rest = later;
            }
            copied += bytes.len() as u64;
        }
        output.blocking_flush().map_err(stream_error)?;
        Ok(copied.to_string())
    }
}

impl Guest for Files {
    fn run() -> Result<(), ()> {
        let out = get_stdout();
        let mut shell = Shell { held: Vec::new() };
        let mut paths = Vec::new();
        for (descriptor, path) in get_directories() {
            shell.held.push(Held::Descriptor(descriptor));
            paths.push(path);
        }
        let mut text = format!("preopens {}\n", paths.join(" "));
        let cgi = wasip2::cli::environment::get_environment().iter().any(|(name, _)| name == "GATEWAY_INTERFACE");
        if cgi {
            text = format!("content-type: text/plain\n\n{text}");
        }
        for argument in wasip2::cli::environment::get_arguments().iter().skip(1) {
            let argument = if cgi { unescape(argument) } else { argument.clone() };
            let words: Vec<&str> = argument.split('|').collect();
            match shell.run(&words) {
                Ok(answer) => text += &format!("ok {answer}\n"),
                Err(error) => text += &format!("{error}\n"),
            }
        }
        for piece in text.as_bytes().chunks(4096) {
            out.blocking_write_and_flush(piece).map_err(|_| ())?;
        }
        Ok(())
    }
}

wasip2::cli::command::export!(Files);
