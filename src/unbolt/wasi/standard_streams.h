// The process's standard streams, and what stands for them where a component serves requests.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/contracts/logging.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// Standard input of the process (`descriptor` 0): a terminal, a pipe, a file, a socket. One for a
// process.
std::shared_ptr<Source> standard_input(Executor loop, int descriptor);
// An input that has ended.
std::shared_ptr<Source> empty_input();
// Writes to a descriptor of the process as it comes; what the system does not take at once stays in
// the sink until there is room. A pipe that nobody reads any more closes the stream; one who goes
// on after having been told so is reported to `on_broken_pipe`, once.
std::shared_ptr<Sink> descriptor_output(Executor loop, int descriptor,
                                        std::function<void()> on_broken_pipe = nullptr);
// Each line becomes a line of the log; the rest of an unfinished one when the sink goes.
std::shared_ptr<Sink> log_output(contracts::Logging& logging, std::string component,
                                 std::string stream, LogLevel level);

}  // namespace unbolt::wasi
