#include "oracle.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "codec.h"

extern char** environ;

namespace unbolt::oracle {

Oracle::Oracle(const std::string& program) {
  std::signal(SIGPIPE, SIG_IGN);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
  const int error = posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (error != 0) throw std::runtime_error("the oracle cannot be started: " + program);
}

Oracle::~Oracle() {
  close(to_);
  close(from_);
  if (child_ > 0) waitpid(child_, nullptr, 0);
}

void Oracle::send(ByteView component, const std::vector<RawCase>& cases) {
  Bytes frame(4);
  put_counted(frame, as_text(component));
  put_u32(frame, static_cast<std::uint32_t>(cases.size()));
  for (const RawCase& one : cases) {
    Bytes body;
    put_u32(body, static_cast<std::uint32_t>(one.steps.size()));
    for (const Step& step : one.steps) {
      for (const std::uint32_t word : {step.guest, step.op, step.a, step.b, step.c})
        put_u32(body, word);
    }
    put_counted(body, as_text(one.arguments));
    put_counted(body, as_text(one.result));
    put_counted(frame, as_text(body));
  }
  Bytes length;
  put_u32(length, static_cast<std::uint32_t>(frame.size() - 4));
  std::copy(length.begin(), length.end(), frame.begin());
  for (std::size_t done = 0; done < frame.size();) {
    const ssize_t count = write(to_, frame.data() + done, frame.size() - done);
    if (count <= 0) throw std::runtime_error("the oracle does not read");
    done += static_cast<std::size_t>(count);
  }
}

void Oracle::read(std::uint8_t* out, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::read(from_, out, count);
    if (got <= 0) throw std::runtime_error("the oracle does not answer");
    out += got;
    count -= static_cast<std::size_t>(got);
  }
}

std::expected<std::vector<Outcome>, std::string> Oracle::receive() {
  Bytes head(4);
  read(head.data(), 4);
  Bytes frame(Decoder(head, {}).u32());
  read(frame.data(), frame.size());
  Decoder in(frame, {});
  if (in.u8() != 0) return std::unexpected(std::string(as_text(in.counted())));
  std::vector<Outcome> outcomes;
  while (!in.at_end()) {
    Outcome& outcome = outcomes.emplace_back();
    const bool trapped = in.u8() != 0;
    const ByteView came = in.counted();
    if (trapped) {
      outcome.trap = std::string(as_text(came));
    } else {
      outcome.result.assign(came.begin(), came.end());
    }
    for (std::uint32_t i = in.u32(); i > 0; --i) {
      const ByteView call = in.counted();
      outcome.calls.emplace_back(call.begin(), call.end());
    }
    outcome.live = static_cast<std::int64_t>(in.u64());
  }
  return outcomes;
}

}  // namespace unbolt::oracle
