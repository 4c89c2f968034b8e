#include "unbolt/control/commands.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "unbolt/contracts/text.h"
#include "unbolt/control/plan.h"
#include "unbolt/control/shown.h"

namespace unbolt::control {
namespace {

constexpr std::chrono::milliseconds kLogPause{100};
constexpr std::uint64_t kMostLines = 10'000;

// Members of a request: a value of the right type, or an error that names it.
Result<std::string> text(const Json& request, const char* member) {
  const auto found = request.find(member);
  if (found == request.end()) return std::string();
  if (!found->is_string() || found->get_ref<const std::string&>().size() > (4u << 20))
    return fail(ErrorCode::InvalidArgument, "'{}' is a text", member);
  return found->get<std::string>();
}
Result<bool> flag(const Json& request, const char* member) {
  const auto found = request.find(member);
  if (found == request.end()) return false;
  if (!found->is_boolean())
    return fail(ErrorCode::InvalidArgument, "'{}' is true or false", member);
  return found->get<bool>();
}
Result<std::optional<std::uint64_t>> number(const Json& request, const char* member,
                                            std::uint64_t least, std::uint64_t most) {
  const auto found = request.find(member);
  if (found == request.end()) return std::nullopt;
  const auto value = found->is_number_unsigned() ? found->get<std::uint64_t>()
                                                 : std::numeric_limits<std::uint64_t>::max();
  if (value < least || value > most) {
    return fail(ErrorCode::InvalidArgument, "'{}' is a number from {} to {}", member, least, most);
  }
  return value;
}

Result<Carry> carry_of(const Json& request) {
  UNBOLT_ASSIGN(const bool copy, flag(request, "copy"));
  UNBOLT_ASSIGN(const bool overwrite, flag(request, "overwrite"));
  return !copy ? Carry::Nothing : overwrite ? Carry::Overwrite : Carry::Data;
}

Json to_json(const Calls& calls) {
  return {{"revision", calls.revision},
          {"calls", calls.begun},
          {"failed", calls.failed},
          {"in-flight", calls.in_flight}};
}

Json links_of(const ComponentState& state) {
  Json links = Json::array();
  for (const auto& [key, url] : state.links) {
    links.push_back({{"contract", key.contract}, {"name", key.name}, {"url", shown_url(url)}});
  }
  return links;
}

double milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000.0;
}

}  // namespace

Json to_json(const ChangeReport& report) {
  Json json = {{"component", report.component},
               {"change", report.change},
               {"ready-ms", milliseconds(report.ready)},
               {"serving-ms", milliseconds(report.serving)},
               {"drained-ms", milliseconds(report.drained)},
               {"drained", report.is_drained},
               {"before", to_json(report.before)},
               {"after", to_json(report.after)}};
  if (const auto& copied = report.copied) {
    json["copied"] = {{"buckets", copied->carried.buckets},
                      {"keys", copied->carried.keys},
                      {"bytes", copied->carried.bytes},
                      {"removed", copied->carried.removed},
                      {"rounds", copied->rounds},
                      {"calls-held", copied->calls_held},
                      {"held-ms", milliseconds(copied->held)},
                      {"took-ms", milliseconds(copied->took)}};
  }
  return json;
}

Task<Result<>> Commands::handle(Json request, ControlAnswer& answer) {
  const auto command = text(request, "command");
  if (!command) co_return std::unexpected(command.error());
  if (*command == "status") co_return co_await status(answer);
  if (*command == "apply") co_return co_await apply(request, answer);
  if (*command == "swap") co_return co_await swap(request, answer);
  if (*command == "rollback") co_return co_await roll_back(request, answer);
  if (*command == "logs") co_return co_await logs(request, answer);
  if (*command == "stop") {
    parts_.stop();
    co_return Result<>();
  }
  co_return fail(ErrorCode::InvalidArgument, "there is no command '{}'",
                 contracts::printable(*command, 80));
}

Task<Result<>> Commands::status(ControlAnswer& answer) {
  Json components = Json::array();
  for (const ComponentStatus& status : parts_.application.status()) {
    Json component = to_json(status.calls);
    component["name"] = status.name;
    component["image"] = status.state.image;
    component["since"] =
        std::chrono::duration_cast<std::chrono::seconds>(status.since.time_since_epoch()).count();
    component["links"] = links_of(status.state);
    component["watch"] = status.state.watch;
    component["can-roll-back"] = status.can_roll_back;
    if (status.canary) {
      component["canary"] = to_json(status.canary->calls);
      component["canary"]["percent"] = status.canary->percent;
      component["canary"]["image"] = status.canary->state.image;
    }
    component["draining"] = Json::array();
    for (const Calls& calls : status.draining) component["draining"].push_back(to_json(calls));
    components.push_back(std::move(component));
  }
  Json routes = Json::array();
  for (const Route& route : parts_.application.routes())
    routes.push_back({{"host", route.host}, {"path", route.path}, {"to", route.to}});
  Json topics = Json::array();
  for (const WantedTopic& topic : parts_.application.topics()) {
    topics.push_back({{"subject", topic.subject},
                      {"from", shown_url(topic.url)},
                      {"group", topic.group},
                      {"to", topic.component}});
  }
  Json listeners = Json::array();
  for (const ListenerStatus& listener : parts_.application.listeners()) {
    listeners.push_back({{"telnet", listener.address},
                         {"to", listener.component},
                         {"sessions", listener.sessions},
                         {"most", listener.most}});
  }
  co_return co_await answer.send({{"application", parts_.application.desired().name},
                                  {"listen", parts_.listen},
                                  {"components", std::move(components)},
                                  {"routes", std::move(routes)},
                                  {"topics", std::move(topics)},
                                  {"listeners", std::move(listeners)}});
}

Task<Result<>> Commands::apply(const Json& request, ControlAnswer& answer) {
  const auto manifest = text(request, "manifest");
  const auto dry_run = flag(request, "dry-run");
  if (!manifest) co_return std::unexpected(manifest.error());
  if (!dry_run) co_return std::unexpected(dry_run.error());
  auto parsed = parse_manifest(*manifest, "manifest", "/", parts_.manifests);
  if (!parsed) co_return std::unexpected(parsed.error().to_error());
  const std::string& name = parts_.application.desired().name;
  if (parsed->name != name) {
    co_return fail(ErrorCode::Conflict,
                   "the manifest is of the application '{}', this host runs '{}'", parsed->name,
                   name);
  }
  auto desired = co_await parts_.application.resolve(std::move(*parsed));
  if (!desired) co_return std::unexpected(std::move(desired).error());
  Plan plan = make_plan(*desired, parts_.application.desired());
  for (const ComponentStatus& status : parts_.application.status()) {
    if (status.canary && desired->components.contains(status.name))
      plan.steps.push_back({.kind = Step::Kind::EndCanary, .component = status.name});
  }
  if (auto sent =
          co_await answer.send({{"plan", Json::parse(to_json(plan))}, {"text", to_text(plan)}});
      !sent)
    co_return sent;
  if (*dry_run) co_return co_await parts_.application.check(std::move(*desired));
  auto reports = co_await parts_.application.apply(std::move(*desired));
  if (!reports) co_return std::unexpected(std::move(reports).error());
  for (const ChangeReport& report : *reports) {
    note(report);
    if (auto sent = co_await answer.send({{"changed", to_json(report)}}); !sent) co_return sent;
  }
  co_return Result<>();
}

Task<Result<>> Commands::swap(const Json& request, ControlAnswer& answer) {
  const auto component = text(request, "component"), contract = text(request, "contract"),
             link = text(request, "link"), url = text(request, "url"),
             image = text(request, "image"), digest = text(request, "digest");
  for (const auto* member : {&component, &contract, &link, &url, &image, &digest}) {
    if (!*member) co_return std::unexpected(member->error());
  }
  const auto carry = carry_of(request);
  if (!carry) co_return std::unexpected(carry.error());
  const auto percent = number(request, "percent", 1, 99);
  if (!percent) co_return std::unexpected(percent.error());
  Result<ChangeReport> report;
  if (!image->empty()) {
    std::optional<unsigned> part;
    if (*percent) part = static_cast<unsigned>(**percent);
    report = co_await parts_.application.swap_revision(*component, *image, *digest, part);
  } else {
    auto parsed = contracts::parse_provider_url(*url);
    if (!parsed) co_return std::unexpected(std::move(parsed).error());
    report = co_await parts_.application.swap_link(*component, {*contract, *link}, *url, *carry);
  }
  if (!report) co_return std::unexpected(std::move(report).error());
  note(*report);
  co_return co_await answer.send({{"changed", to_json(*report)}});
}

void Commands::note(const ChangeReport& report) {
  parts_.log.line(LogLevel::Info, report.component, "{}: in service after {:.1f} ms{}",
                  report.change, milliseconds(report.serving),
                  report.is_drained ? "" : "; calls of the old one are still under way");
}

Task<Result<>> Commands::roll_back(const Json& request, ControlAnswer& answer) {
  const auto component = text(request, "component");
  const auto carry = carry_of(request);
  if (!component) co_return std::unexpected(component.error());
  if (!carry) co_return std::unexpected(carry.error());
  auto report = co_await parts_.application.roll_back(*component, *carry);
  if (!report) co_return std::unexpected(std::move(report).error());
  note(*report);
  co_return co_await answer.send({{"changed", to_json(*report)}});
}

// Lines of the host itself have sources of their own: whoever has written may be asked for.
Result<> Commands::check_source(const std::string& name) const {
  if (name.empty() || !parts_.log.lines(name, 0, 1).empty()) return {};
  std::vector<std::string> names;
  for (const ComponentStatus& status : parts_.application.status()) {
    if (status.name == name) return {};
    names.push_back(status.name);
  }
  const auto meant =
      contracts::nearest(name, std::vector<std::string_view>(names.begin(), names.end()));
  return std::unexpected(
      Error{ErrorCode::NotFound,
            fmt::format("there is no component '{}'", contracts::printable(name, 80)),
            meant ? fmt::format("did you mean {}?", *meant) : "unbolt ps lists them"});
}

Task<Result<>> Commands::logs(const Json& request, ControlAnswer& answer) {
  const auto component = text(request, "component");
  const auto follow = flag(request, "follow");
  const auto lines = number(request, "lines", 0, kMostLines);
  if (!component) co_return std::unexpected(component.error());
  if (!follow) co_return std::unexpected(follow.error());
  if (!lines) co_return std::unexpected(lines.error());
  if (auto known = check_source(*component); !known) co_return known;
  std::uint64_t last = 0;
  std::size_t most = lines->value_or(100);
  Timer pause(co_await asio::this_coro::executor);
  while (!answer.is_deserted()) {
    const std::uint64_t newest = parts_.log.newest();
    for (const LogLine& line : parts_.log.lines(*component, last, most)) {
      last = std::max(last, line.number);
      auto sent = co_await answer.send({{"line",
                                         {{"milliseconds", line.milliseconds},
                                          {"level", to_string(line.level)},
                                          {"source", line.source},
                                          {"message", line.message}}}});
      if (!sent) co_return sent;
    }
    if (!*follow) break;
    last = std::max(last, newest);
    most = kMostLines;
    pause.expires_after(kLogPause);
    co_await pause.async_wait(use_task);
  }
  co_return Result<>();
}

}  // namespace unbolt::control
