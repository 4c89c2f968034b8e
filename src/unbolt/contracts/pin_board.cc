#include "unbolt/contracts/pin_board.h"

namespace unbolt::contracts {
namespace {

PinValue first_value(PinKind kind) {
  if (kind == PinKind::Analog) return std::uint32_t{0};
  if (kind == PinKind::Led) return PinColor{};
  return PinLevel::Low;
}

class BoardWatch final : public PinWatch {
 public:
  BoardWatch(std::shared_ptr<Pins> board, std::shared_ptr<EdgeQueue> edges)
      : board_(std::move(board)), edges_(std::move(edges)) {}
  Reply<PinResult<std::optional<PinEdge>>> next(std::chrono::milliseconds patience) override {
    return edges_->next(patience);
  }

 private:
  const std::shared_ptr<Pins> board_;
  const std::shared_ptr<EdgeQueue> edges_;
};

}  // namespace

PinBoard::PinBoard(std::vector<PinSpec> specs) {
  for (PinSpec& spec : specs) {
    std::string name = spec.name;
    const PinValue value = first_value(spec.kind);
    pins_.emplace(std::move(name), Watched{{std::move(spec), value}, {}});
  }
}

PinResult<PinBoard::Watched*> PinBoard::find(std::string_view name, PinKind kind) {
  const auto found = pins_.find(name);
  if (found == pins_.end()) return std::unexpected(PinError(std::monostate()));
  if (found->second.spec.kind != kind) return std::unexpected(PinError(found->second.spec.kind));
  return &found->second;
}

PinResult<> PinBoard::set(std::string_view name, PinKind kind, PinValue value) {
  const std::lock_guard lock(mutex_);
  UNBOLT_ASSIGN(Watched * pin, find(name, kind));
  if (const auto* millivolts = std::get_if<std::uint32_t>(&value);
      millivolts && *millivolts > pin->spec.most_millivolts)
    return std::unexpected(PinError(pin->spec.most_millivolts));
  UNBOLT_TRY(apply(pin->spec, value));
  if (pin->value == value) return {};
  pin->value = value;
  changed(pin->spec, value);
  return {};
}

template <class T>
PinResult<T> PinBoard::get(std::string_view name, PinKind kind) {
  const std::lock_guard lock(mutex_);
  UNBOLT_ASSIGN(Watched * pin, find(name, kind));
  return std::get<T>(pin->value);
}

Reply<PinResult<std::vector<Pin>>> PinBoard::pins() {
  std::vector<Pin> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, pin] : pins_) all.push_back({name, pin.spec.kind});
  return PinResult<std::vector<Pin>>(std::move(all));
}

Reply<PinResult<>> PinBoard::set_level(std::string_view pin, PinLevel level) {
  return set(pin, PinKind::Output, level);
}
Reply<PinResult<>> PinBoard::set_voltage(std::string_view pin, std::uint32_t millivolts) {
  return set(pin, PinKind::Analog, millivolts);
}
Reply<PinResult<>> PinBoard::set_color(std::string_view led, PinColor color) {
  return set(led, PinKind::Led, color);
}
Reply<PinResult<std::uint32_t>> PinBoard::get_voltage(std::string_view pin) {
  return get<std::uint32_t>(pin, PinKind::Analog);
}
Reply<PinResult<PinColor>> PinBoard::get_color(std::string_view led) {
  return get<PinColor>(led, PinKind::Led);
}

Reply<PinResult<PinLevel>> PinBoard::get_level(std::string_view pin) {
  const std::lock_guard lock(mutex_);
  auto found = find(pin, PinKind::Input);
  if (found) return read((*found)->spec, std::get<PinLevel>((*found)->value));
  if (found.error() != PinError(PinKind::Output))
    return PinResult<PinLevel>(std::unexpected(std::move(found).error()));
  return PinResult<PinLevel>(std::get<PinLevel>(pins_.find(pin)->second.value));
}

Reply<PinResult<std::shared_ptr<PinWatch>>> PinBoard::watch(std::string_view pin) {
  using Answer = PinResult<std::shared_ptr<PinWatch>>;
  auto edges = std::make_shared<EdgeQueue>();
  {
    const std::lock_guard lock(mutex_);
    auto found = find(pin, PinKind::Input);
    if (!found) return Answer(std::unexpected(std::move(found).error()));
    std::size_t watches = 0;
    for (auto& [name, of] : pins_) {
      std::erase_if(of.watches, [](const auto& watch) { return watch.expired(); });
      watches += of.watches.size();
    }
    if (watches >= PinLimits::kWatches)
      return Answer(std::unexpected(PinError("the board has as many watches as it can: 256")));
    (*found)->watches.push_back(edges);
  }
  return Answer(std::make_shared<BoardWatch>(shared_from_this(), std::move(edges)));
}

PinResult<> PinBoard::drive(std::string_view input, PinLevel level) {
  const std::lock_guard lock(mutex_);
  UNBOLT_ASSIGN(Watched * pin, find(input, PinKind::Input));
  if (pin->value == PinValue(level)) return {};
  pin->value = level;
  changed(pin->spec, pin->value);
  for (const auto& watch : pin->watches) {
    if (const auto edges = watch.lock()) edges->push(level);
  }
  return {};
}

}  // namespace unbolt::contracts
