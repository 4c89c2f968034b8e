#include "unbolt/http/port_holder.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace unbolt::http {
namespace {

namespace fs = std::filesystem;

// Lines of /proc/net/tcp: "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
// ...".
void listening_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  std::string suffix = fmt::format(":{:04X}", port);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
        timeout >> inode;
    if (state == "0A" && local.ends_with(suffix)) inodes.insert("socket:[" + inode + "]");
  }
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& inodes) {
  std::error_code ignored;
  for (fs::directory_iterator at(process / "fd", ignored), end; at != end; at.increment(ignored)) {
    if (inodes.contains(fs::read_symlink(at->path(), ignored).string())) return true;
    if (ignored) ignored.clear();
  }
  return false;
}

}  // namespace

std::string port_holder(std::uint16_t port) {
  std::set<std::string> inodes;
  listening_inodes("/proc/net/tcp", port, inodes);
  listening_inodes("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return {};
  std::error_code ignored;
  for (fs::directory_iterator at("/proc", ignored), end; at != end; at.increment(ignored)) {
    std::string pid = at->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos ||
        !holds_one_of(at->path(), inodes))
      continue;
    std::string name;
    std::ifstream file(at->path() / "comm");
    std::getline(file, name);
    return fmt::format("{} (process {})", name, pid);
  }
  return {};
}

}  // namespace unbolt::http
