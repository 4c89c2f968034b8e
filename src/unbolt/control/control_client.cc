#include "unbolt/control/control_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "unbolt/base/task.h"
#include "unbolt/control/control_errors.h"

namespace unbolt::control {

Result<> ask(const std::filesystem::path& socket, const nlohmann::json& request,
             const std::function<void(const nlohmann::json&)>& on_line) {
  asio::io_context io;
  asio::local::stream_protocol::socket connection(io);
  boost::system::error_code error;
  try {
    connection.connect(asio::local::stream_protocol::endpoint(socket.string()), error);
  } catch (const std::exception&) {  // the path is too long
    error = asio::error::invalid_argument;
  }
  if (error) {
    return fail(ErrorCode::NotFound, "no host answers at {}: {}", socket.string(), error.message());
  }
  const std::string text = request.dump() + "\n";
  asio::write(connection, asio::buffer(text), error);
  std::string pending;
  while (!error) {
    const std::size_t size =
        asio::read_until(connection, asio::dynamic_buffer(pending), '\n', error);
    if (error) break;
    const auto line = nlohmann::json::parse(pending.substr(0, size), nullptr, false);
    pending.erase(0, size);
    if (!line.is_object()) return fail(ErrorCode::ProtocolError, "the host sent no JSON object");
    if (line.contains("error")) return std::unexpected(error_from_json(line["error"]));
    if (line.contains("done")) return {};
    on_line(line);
  }
  return fail(ErrorCode::ConnectionClosed, "the host ended before it had answered");
}

}  // namespace unbolt::control
