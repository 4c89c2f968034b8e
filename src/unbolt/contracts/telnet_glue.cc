// unbolt:telnet onto TelnetSession.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/interfaces.h"
#include "unbolt/contracts/telnet.h"

namespace unbolt::component {
template <>
inline constexpr std::size_t kEnumCases<contracts::TelnetMode> = 3;
template <>
inline constexpr std::size_t kEnumCases<contracts::TelnetKey> = 14;
template <>
inline constexpr std::size_t kEnumCases<contracts::TelnetEnd> = 5;
}  // namespace unbolt::component

namespace unbolt::contracts {
namespace {

using component::Borrow;
using component::Call;
using Session = Borrow<TelnetHandle>;

// variant event, as the binding has it.
using Event =
    std::variant<std::string, std::string, TelnetKey, TelnetSize, std::monostate, std::monostate>;
using Read = std::expected<Event, TelnetEnd>;

Read to_event(TelnetSession::Read read) {
  if (!read) return std::unexpected(read.error());
  switch (read->index()) {
    case 0: return Event(std::in_place_index<0>, std::move(std::get<0>(*read).text));
    case 1: return Event(std::in_place_index<1>, std::move(std::get<1>(*read).text));
    case 2: return Event(std::in_place_index<2>, std::get<2>(*read));
    case 3: return Event(std::in_place_index<3>, std::get<3>(*read));
    case 4: return Event(std::in_place_index<4>);
    default: return Event(std::in_place_index<5>);
  }
}
Task<Read> to_event_later(std::shared_ptr<TelnetSession>, Task<TelnetSession::Read> read) {
  co_return to_event(co_await std::move(read));
}

std::string peer(Call&, Session session) { return session->session->peer(); }
std::optional<std::string> terminal(Call&, Session session) {
  const std::string& name = session->session->terminal();
  return name.empty() ? std::nullopt : std::optional(name);
}
std::optional<TelnetSize> size(Call&, Session session) { return session->session->size(); }
void set_mode(Call&, Session session, TelnetMode mode) { session->session->set_mode(mode); }

Reply<Read> read(Call&, Session session, std::optional<std::uint32_t> timeout_ms) {
  std::optional<std::chrono::milliseconds> patience;
  if (timeout_ms) patience.emplace(*timeout_ms);
  auto answer = session->session->read(patience);
  if (answer.ready()) return to_event(std::move(answer).take());
  return to_event_later(session->session, std::move(answer).task());
}

Task<TelnetSession::Written> write_later(std::shared_ptr<TelnetSession>,
                                         Task<TelnetSession::Written> written) {
  co_return co_await std::move(written);
}
Reply<TelnetSession::Written> write(Call&, Session session, std::string_view text) {
  auto answer = session->session->write(text);
  if (answer.ready()) return std::move(answer).take();
  return write_later(session->session, std::move(answer).task());
}

}  // namespace

void add_telnet(component::HostInterfaces& host) {
  host.add("unbolt:telnet/sessions@0.1.0")
      .resource<TelnetHandle>("session")
      .func<&peer>("[method]session.peer")
      .func<&terminal>("[method]session.terminal")
      .func<&size>("[method]session.size")
      .func<&set_mode>("[method]session.set-mode")
      .func<&read>("[method]session.read")
      .func<&write>("[method]session.write");
}

}  // namespace unbolt::contracts
