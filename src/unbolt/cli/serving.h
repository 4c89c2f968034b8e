// What every command that serves has in common: its loops and its listening address.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>
#include <span>
#include <string>

namespace unbolt::cli {

// Runs every loop on a thread of its own, the first on this one, until each was stopped.
void run_loops(std::span<const std::unique_ptr<boost::asio::io_context>> loops);

// Where a listening socket can be reached: "127.0.0.1:8080".
std::string address_of(int listener);

}  // namespace unbolt::cli
