// The process's standard streams, and what stands for them where a component serves requests.
#pragma once

#include <memory>
#include <string>

#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/contracts/logging.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// Standard input of the process (`descriptor` 0): a terminal, a pipe or a file. One for a process.
std::shared_ptr<Source> standard_input(Executor loop, int descriptor);
// An input that has ended.
std::shared_ptr<Source> empty_input();
// Writes to a descriptor of the process as it comes.
std::shared_ptr<Sink> descriptor_output(int descriptor);
// Each line becomes a line of the log; the rest of an unfinished one when the sink goes.
std::shared_ptr<Sink> log_output(contracts::Logging& logging, std::string component,
                                 std::string stream, LogLevel level);

}  // namespace unbolt::wasi
