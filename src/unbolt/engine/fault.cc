#include "unbolt/engine/fault.h"

#include <fmt/format.h>

#include <algorithm>

namespace unbolt::engine {
namespace {

using ByteVec = wasm_byte_vec_t;

std::string take_text(ByteVec& message) {
  std::string text(message.data, message.size);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  wasm_byte_vec_delete(&message);
  return text;
}

// Where the engine was made with WASMTIME_BACKTRACE_DETAILS=1 in the environment and a module says
// what its lines were (DWARF): for each frame the functions that were there, with the places where
// they were left; the first is the innermost, and the others have it inlined.
//     0:    0x9b6 - handle
//                     at /app/main.c:8:30
std::vector<std::vector<std::string>> source_lines(std::string_view text) {
  std::vector<std::vector<std::string>> frames;
  std::string function;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.starts_with("Caused by:") || line.starts_with("note:")) break;
    constexpr std::string_view kAt = "at ", kInlined = "- ", kName = " - ";
    if (line.starts_with(kAt) && !frames.empty()) {
      frames.back().push_back(fmt::format("{} at {}", function, line.substr(kAt.size())));
    } else if (line.starts_with(kInlined)) {
      function = line.substr(kInlined.size());
    } else if (line.find_first_not_of("0123456789") == line.find(':')) {
      const auto dash = line.find(kName);
      function = dash == line.npos ? "" : std::string(line.substr(dash + kName.size()));
      frames.emplace_back();
    }
  }
  return frames;
}

std::vector<std::string> take_frames(wasm_frame_vec_t& frames, std::string_view text) {
  const auto known = source_lines(text);
  std::vector<std::string> lines;
  lines.reserve(frames.size);
  for (std::size_t i = 0; i < frames.size; ++i) {
    if (i < known.size() && !known[i].empty()) {
      lines.insert(lines.end(), known[i].begin(), known[i].end());
      continue;
    }
    const wasm_frame_t* frame = frames.data[i];
    const wasm_name_t* name = wasmtime_frame_func_name(frame);
    const auto offset = wasm_frame_module_offset(frame);
    if (name && name->size) {
      lines.push_back(
          fmt::format("{} (at {:#x})", std::string_view(name->data, name->size), offset));
    } else {
      lines.push_back(fmt::format("function {} (at {:#x})", wasm_frame_func_index(frame), offset));
    }
  }
  wasm_frame_vec_delete(&frames);
  return lines;
}

// The engine's message carries its own rendering of the backtrace first and the cause after it; the
// cause is what counts.
std::string cause(std::string text) {
  if (const auto at = text.find("wasm trap: ");
      at != std::string::npos && text.starts_with("error while executing")) {
    text.erase(0, at);
  } else if (text.starts_with("error while executing")) {
    const auto last = text.find("Caused by:");
    if (last != std::string::npos) {
      text.erase(0, last + sizeof("Caused by:") - 1);
      text.erase(0, text.find_first_not_of(" \n0123456789:"));
    }
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Fault::Kind kind_of(std::string_view message) {
  if (message.contains("maximum concurrent") || message.contains("resource limit exceeded") ||
      message.contains("Insufficient resources") ||
      message.contains("exceeds the configured maximum") ||
      message.contains("exceeds memory limits") || message.contains("exceeds table limits")) {
    return Fault::Kind::Limit;
  }
  return Fault::Kind::Trap;
}

}  // namespace

Fault fault_from(wasm_trap_t* trap) {
  ByteVec message;
  wasm_trap_message(trap, &message);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  const std::string text = take_text(message);
  Fault fault{Fault::Kind::Trap, cause(text), take_frames(frames, text)};
  wasm_trap_delete(trap);
  fault.kind = kind_of(fault.reason);
  return fault;
}

Fault fault_from(wasmtime_error_t* error) {
  ByteVec message;
  wasmtime_error_message(error, &message);
  wasm_frame_vec_t frames;
  wasmtime_error_wasm_trace(error, &frames);
  const std::string text = take_text(message);
  Fault fault{Fault::Kind::Trap, cause(text), take_frames(frames, text)};
  wasmtime_error_delete(error);
  fault.kind = kind_of(fault.reason);
  return fault;
}

Error Fault::to_error() const {
  switch (kind) {
    case Kind::Trap: return {ErrorCode::Trap, reason, {}};
    case Kind::Deadline: return {ErrorCode::Timeout, reason, {}};
    case Kind::Cancelled: return {ErrorCode::Cancelled, reason, {}};
    case Kind::Limit: return {ErrorCode::LimitExceeded, reason, {}};
    case Kind::Exit: return {ErrorCode::Internal, reason, {}};
    case Kind::Internal: return {ErrorCode::Internal, reason, {}};
  }
  return {ErrorCode::Internal, reason, {}};
}

std::string Fault::describe() const {
  std::string text = reason;
  for (std::size_t i = 0; i < frames.size(); ++i) text += fmt::format("\n    {}: {}", i, frames[i]);
  return text;
}

Trap* make_trap(std::string_view message) {
  return wasmtime_trap_new(message.data(), message.size());
}

}  // namespace unbolt::engine
