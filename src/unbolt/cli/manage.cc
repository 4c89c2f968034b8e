#include "unbolt/cli/manage.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "unbolt/cli/manifest_file.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/providers.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/text.h"
#include "unbolt/control/control_client.h"
#include "unbolt/control/manifest.h"
#include "unbolt/control/state_folder.h"

namespace unbolt::cli {
namespace {

using Json = nlohmann::json;

// A host waits 30 s for messages and 30 s for requests that are under way.
constexpr std::chrono::seconds kStopTime{65};

// The host that is meant, where the user did not say which.
Result<std::filesystem::path> find_host(const ManageOptions& options) {
  std::string name = options.application;
  if (name.empty()) {
    UNBOLT_ASSIGN(const auto running, control::running_applications());
    if (running.empty()) {
      return std::unexpected(Error{ErrorCode::NotFound, "no host of this user runs",
                                   "start one: unbolt up [MANIFEST]"});
    }
    if (running.size() > 1) {
      return std::unexpected(
          Error{ErrorCode::InvalidArgument,
                fmt::format("several applications run: {}", fmt::join(running, ", ")),
                "name one: --app NAME"});
    }
    name = running.front();
  }
  UNBOLT_ASSIGN(const auto socket, control::control_socket(name));
  if (std::error_code failure; std::filesystem::exists(socket, failure)) return socket;
  UNBOLT_ASSIGN(const auto running, control::running_applications());
  return std::unexpected(
      Error{ErrorCode::NotFound, fmt::format("no host runs the application '{}'", name),
            running.empty() ? "start one: unbolt up [MANIFEST]"
                            : fmt::format("running: {}", fmt::join(running, ", "))});
}

// Asks, and prints each line of the answer: as it came where JSON is wanted, else with `print`.
// `when_host_ends`: what to say where that is no error.
int ask(const ManageOptions& options, const Json& request,
        const std::function<void(const Json&)>& print, const char* when_host_ends = nullptr) {
  const auto socket = find_host(options);
  if (!socket) return report(socket.error());
  const auto done = control::ask(*socket, request, [&](const Json& line) {
    if (options.json()) {
      std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
      print(line);
    }
    std::fflush(stdout);
  });
  if (done) return kDone;
  if (when_host_ends && done.error().code == ErrorCode::ConnectionClosed) {
    if (!options.json()) std::fprintf(stderr, "%s\n", when_host_ends);
    return kDone;
  }
  return report(done.error());
}

// Columns as wide as they need to be, two spaces between.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    std::printf("%s\n", line.c_str());
  }
}

std::string text(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string()
             ? contracts::printable(found->get<std::string>(), 1024)
             : std::string();
}
std::uint64_t number(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}
double real(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}
// "sha256:0123456789ab…" → "0123456789ab"
std::string short_digest(const std::string& digest) {
  const auto colon = digest.find(':');
  return digest.substr(colon == std::string::npos ? 0 : colon + 1, 12);
}

// How long ago that was, in the largest unit that says it well: "47s", "12m", "5h", "3d".
std::string age(std::chrono::seconds since_epoch) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(now).count() - since_epoch.count());
  if (seconds < 2 * 60) return fmt::format("{}s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string calls(std::uint64_t count) {
  return fmt::format("{} call{}", count, count == 1 ? "" : "s");
}

// What was asked for was there already.
bool is_nothing(const Json& change) { return text(change, "change").starts_with("nothing: "); }

// What becomes of what served before.
enum class Old : std::uint8_t { Drains, Stays };

void print_change(const Json& line, Old old = Old::Drains) {
  if (!line.contains("changed")) return;
  const Json& change = line["changed"];
  const Json before = change.value("before", Json::object()),
             after = change.value("after", Json::object());
  std::printf("%s: %s\n", text(change, "component").c_str(), text(change, "change").c_str());
  if (is_nothing(change)) return;
  if (old == Old::Stays) {
    std::printf("  made in %.1f ms, its part of the calls after %.1f ms\n",
                real(change, "ready-ms"), real(change, "serving-ms"));
  } else {
    std::printf("  made in %.1f ms, every new call after %.1f ms, ", real(change, "ready-ms"),
                real(change, "serving-ms"));
    if (change.value("drained", true)) {
      std::printf("the old one drained after %.1f ms\n", real(change, "drained-ms"));
    } else {
      std::printf("%s of the old one still under way\n",
                  calls(number(before, "in-flight")).c_str());
    }
  }
  if (change.contains("copied")) {
    const Json& copied = change["copied"];
    std::printf("  carried %llu keys (%llu bytes) over in %.1f ms; writes were held for %.1f ms\n",
                static_cast<unsigned long long>(number(copied, "keys")),
                static_cast<unsigned long long>(number(copied, "bytes")), real(copied, "took-ms"),
                real(copied, "held-ms"));
    if (const auto removed = number(copied, "removed"); removed > 0)
      std::printf("  removed %llu keys that the new store held\n",
                  static_cast<unsigned long long>(removed));
  }
  const auto served = [](const char* which, const Json& of) {
    if (text(of, "revision").empty()) return;
    std::printf("  %s %s: %s, %llu failed\n", which, short_digest(text(of, "revision")).c_str(),
                calls(number(of, "calls")).c_str(),
                static_cast<unsigned long long>(number(of, "failed")));
  };
  served("before", before);
  served("after ", after);
}

// Where a store took the place of another, and its data did not come along.
void print_left_behind(std::string_view contract) {
  if (contract != "wasi:keyvalue" && contract != "wasi:blobstore") return;
  std::printf("  nothing was carried over from the old store: unbolt swap --copy does that\n");
}

// A file of the user's, as the host finds it: that may have been started in another folder.
std::string absolute(const std::string& path) {
  std::error_code failure;
  const auto result = std::filesystem::absolute(path, failure);
  return failure ? path : result.lexically_normal().string();
}

// The same for the file that a provider's URL names.
std::string absolute_url(const std::string& url) {
  for (const std::string_view scheme : {"sqlite:", "file:", "plugin:"}) {
    if (!url.starts_with(scheme) || url.starts_with(std::string(scheme) + "/")) continue;
    std::string folder;
    for (const char c : absolute("."))
      folder += c == '%' || c == '?' ? fmt::format("%{:02X}", static_cast<unsigned char>(c))
                                     : std::string(1, c);
    if (!folder.ends_with('/')) folder += '/';
    return std::string(scheme) + folder + url.substr(scheme.size());
  }
  return url;
}

}  // namespace

int apply_command(const ApplyOptions& options) {
  auto desired = read_manifest(options.manifest);
  if (!desired) return report(desired.error());
  ManageOptions host = options.host;
  if (host.application.empty()) host.application = desired->name;
  return ask(host,
             {{"command", "apply"},
              {"manifest", control::to_yaml(*desired)},
              {"dry-run", options.dry_run}},
             [](const Json& line) {
               if (const auto plan = line.find("text"); plan != line.end() && plan->is_string())
                 std::printf("%s", plan->get_ref<const std::string&>().c_str());
               print_change(line);
             });
}

int ps_command(const ManageOptions& options) {
  return ask(options, {{"command", "status"}}, [](const Json& line) {
    std::printf("%s on %s\n", text(line, "application").c_str(), text(line, "listen").c_str());
    std::vector<std::vector<std::string>> rows = {
        {"COMPONENT", "REVISION", "AGE", "CALLS", "FAILED", "NOW", "IMAGE"}};
    const auto row = [&](const std::string& name, const Json& json, const std::string& since,
                         const std::string& image) {
      rows.push_back({name, short_digest(text(json, "revision")), since,
                      std::to_string(number(json, "calls")), std::to_string(number(json, "failed")),
                      std::to_string(number(json, "in-flight")), image});
    };
    for (const Json& component : line.value("components", Json::array())) {
      const std::chrono::seconds since(number(component, "since"));
      row(text(component, "name"), component, age(since), text(component, "image"));
      if (component.contains("canary")) {
        const Json& canary = component["canary"];
        row(fmt::format("  canary {}%", number(canary, "percent")), canary, "",
            text(canary, "image"));
      }
      for (const Json& old : component.value("draining", Json::array()))
        row("  draining", old, "", "");
    }
    print_table(rows);
    std::vector<std::vector<std::string>> routes;
    for (const Json& route : line.value("routes", Json::array()))
      routes.push_back({text(route, "host") + text(route, "path"), "-> " + text(route, "to")});
    if (!routes.empty()) std::printf("routes\n");
    print_table(routes);
    std::vector<std::vector<std::string>> topics;
    for (const Json& topic : line.value("topics", Json::array())) {
      topics.push_back({text(topic, "subject"), "from " + text(topic, "from"),
                        "in group " + text(topic, "group"), "-> " + text(topic, "to")});
    }
    if (!topics.empty()) std::printf("topics\n");
    print_table(topics);
    std::vector<std::vector<std::string>> listeners;
    for (const Json& listener : line.value("listeners", Json::array())) {
      listeners.push_back({"telnet://" + text(listener, "telnet"),
                           fmt::format("{} of {} sessions", listener.value("sessions", 0),
                                       listener.value("most", 0)),
                           "-> " + text(listener, "to")});
    }
    if (!listeners.empty()) std::printf("listeners\n");
    print_table(listeners);
  });
}

int links_command(const ManageOptions& options) {
  return ask(options, {{"command", "status"}}, [](const Json& line) {
    std::vector<std::vector<std::string>> rows = {{"COMPONENT", "CONTRACT", "NAME", "PROVIDER"}};
    for (const Json& component : line.value("components", Json::array())) {
      for (const Json& link : component.value("links", Json::array())) {
        rows.push_back({text(component, "name"), text(link, "contract"), text(link, "name"),
                        text(link, "url")});
      }
    }
    print_table(rows);
  });
}

int logs_command(const LogsOptions& options) {
  return ask(
      options.host,
      {{"command", "logs"},
       {"component", options.component},
       {"follow", options.follow},
       {"lines", options.lines}},
      [](const Json& line) {
        const Json entry = line.value("line", Json::object());
        const auto milliseconds = number(entry, "milliseconds");
        std::printf("%s.%03uZ %-5s [%s] %s\n",
                    fmt::format("{:%Y-%m-%dT%H:%M:%S}",
                                fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)))
                        .c_str(),
                    static_cast<unsigned>(milliseconds % 1000), text(entry, "level").c_str(),
                    text(entry, "source").c_str(),
                    contracts::printable(entry.value("message", std::string()), 16384).c_str());
      },
      options.follow ? "the host has ended" : nullptr);
}

int swap_command(const SwapOptions& options) {
  Json request = {{"command", "swap"}, {"component", options.component}};
  if (const auto equals = options.to.find('='); equals != std::string::npos) {
    const std::string to = with_whole_url(options.to);
    auto link = contracts::parse_link_argument(to);
    if (!link) {
      Error error = std::move(link).error();
      if (error.hint.empty()) error.hint = "write CONTRACT=URL, as in wasi:keyvalue=memory:";
      return report(error);
    }
    if (options.traffic) return usage_error("--traffic goes with a revision, not with a link");
    if (!options.digest.empty()) return usage_error("--digest goes with a revision");
    request["contract"] = link->contract.substr(0, link->contract.find('@'));
    request["url"] = absolute_url(to.substr(equals + 1));
    request["link"] = options.link;
    if (options.overwrite && !options.copy) return usage_error("--overwrite goes with --copy");
    if (options.copy) request["copy"] = true;
    if (options.overwrite) request["overwrite"] = true;
  } else {
    if (options.copy || !options.link.empty())
      return usage_error("--copy and --name go with a link, CONTRACT=URL");
    const std::string image = absolute(options.to);
    if (std::error_code failure; !std::filesystem::exists(image, failure) && !failure) {
      return report({ErrorCode::NotFound, fmt::format("{}: No such file or directory", image),
                     "a provider is put into service with CONTRACT=URL, as in "
                     "wasi:keyvalue=sqlite:app.db"});
    }
    request["image"] = image;
    if (!options.digest.empty()) request["digest"] = options.digest;
    if (options.traffic) {
      std::string_view percent = *options.traffic;
      if (percent.ends_with('%')) percent.remove_suffix(1);
      unsigned value = 0;
      const auto [end, ec] =
          std::from_chars(percent.data(), percent.data() + percent.size(), value);
      if (ec != std::errc() || end != percent.data() + percent.size() || value < 1 || value > 100)
        return usage_error("--traffic is a part of the calls, from 1% to 100%");
      if (value < 100) request["percent"] = value;
    }
  }
  return ask(options.host, request, [&](const Json& line) {
    print_change(line, request.contains("percent") ? Old::Stays : Old::Drains);
    if (!options.copy && !is_nothing(line.value("changed", Json::object())))
      print_left_behind(request.value("contract", std::string()));
  });
}

int rollback_command(const RollbackOptions& options) {
  if (options.overwrite && !options.copy) return usage_error("--overwrite goes with --copy");
  return ask(options.host,
             {{"command", "rollback"},
              {"component", options.component},
              {"copy", options.copy},
              {"overwrite", options.overwrite}},
             [&](const Json& line) {
               print_change(line);
               if (options.copy) return;
               const std::string words = text(line.value("changed", Json::object()), "change");
               constexpr std::string_view kBack = "back to ";
               if (words.starts_with(kBack))
                 print_left_behind(
                     words.substr(kBack.size(), words.find(' ', kBack.size()) - kBack.size()));
             });
}

int stop_command(const ManageOptions& options) {
  const auto socket = find_host(options);
  if (!socket) return report(socket.error());
  ManageOptions host = options;
  host.application = socket->parent_path().filename().string();
  if (const int status = ask(host, {{"command", "stop"}}, [](const Json&) {}); status != kDone)
    return status;
  // Until the host has let go of its folder, so that another one may begin.
  const auto deadline = std::chrono::steady_clock::now() + kStopTime;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto running = control::running_applications();
    if (!running) return report(running.error());
    if (std::ranges::find(*running, host.application) == running->end()) return kDone;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return report({ErrorCode::Timeout, "the host was told to stop, and still ends its last calls",
                 "its process ends by itself; a second SIGTERM does not wait"});
}

}  // namespace unbolt::cli
