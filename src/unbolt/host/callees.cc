#include "unbolt/host/callees.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "unbolt/contracts/guest.h"

namespace unbolt::host {

using component::GuestResource;
using component::OwnValue;
using component::ResourceType;
using component::Type;
using component::TypeKind;
using component::Value;
using component::Values;
using Answer = component::ValueFunction::Answer;

namespace {

// What a handle in the caller stands for.
struct HeldResource {
  Callee& callee;
  const ComponentLease* of;
  const ResourceType* type;
  std::uint32_t rep;
};

// Every handle in a value, with its type, until `visit` says false.
template <class F>
bool each_handle(const Type& type, Value& value, const F& visit) {
  if (!type.holds_handle) return true;
  const auto each_of = [&](auto type_at) {
    auto& values = std::get<Values>(value.of);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!each_handle(*type_at(i), values[i], visit)) return false;
    }
    return true;
  };
  switch (type.kind) {
    case TypeKind::Own:
    case TypeKind::Borrow: return visit(type, value);
    case TypeKind::List: return each_of([&](std::size_t) { return type.children[0]; });
    case TypeKind::Map: return each_of([&](std::size_t) { return type.children[2]; });
    case TypeKind::Record:
    case TypeKind::Tuple: return each_of([&](std::size_t i) { return type.children[i]; });
    default: {
      auto& chosen = std::get<component::CaseValue>(value.of);
      return !chosen.payload || each_handle(*type.children[chosen.index], *chosen.payload, visit);
    }
  }
}

}  // namespace

// One link of one instance. Leases an instance of the other component for each call, and keeps it
// as long as resources of its are held.
class Callee {
 public:
  Callee(const Callees& all, component::Instance& caller, std::shared_ptr<const ComponentLink> link)
      : all_(all), caller_(caller), link_(std::move(link)) {}

  const ComponentLink& link() const { return *link_; }
  bool kept() const { return lease_ != nullptr; }

  // `type` is the caller's.
  Task<Answer> call(std::size_t function, const component::FuncType& type, Values arguments);
  Reply<Result<>> drop(std::unique_ptr<HeldResource> held);

 private:
  Task<Result<>> open();
  Task<Result<>> destroy(std::unique_ptr<HeldResource> held);
  void set_deadline();
  bool to_callee(const Type& type, Value& value);
  void to_caller(const Type& type, Value& value);
  void release_if_free();
  Error failed(const engine::Fault& fault, std::string_view where) const;

  const Callees& all_;
  component::Instance& caller_;
  const std::shared_ptr<const ComponentLink> link_;

  // While it is leased.
  std::string name_;
  std::unique_ptr<ComponentLease> lease_;
  std::shared_ptr<const LinkBinding> binding_;
  std::size_t held_ = 0;  // resources in the caller's hands
};

// ---- Calls

Task<Answer> Callee::call(std::size_t function, const component::FuncType& type, Values arguments) {
  // Whoever cancels us cancels what the callee waits for; then the callee ends, and we do.
  co_await asio::this_coro::throw_if_cancelled(false);
  if (auto opened = co_await open(); !opened) co_return std::unexpected(std::move(opened).error());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!to_callee(*type.params[i].type, arguments[i]))
      co_return fail(ErrorCode::InvalidArgument,
                     "{}: a handle is of another instance of component '{}'",
                     link_->functions()[function].display(), name_);
  }
  component::Instance& instance = lease_->instance();
  component::ValueCall call(instance, *binding_->functions[function], std::move(arguments));
  if (!call.begin()) co_await instance.store().settle();
  if (const auto fault = instance.store().take_fault()) {
    lease_.reset();
    co_return std::unexpected(failed(*fault, link_->functions()[function].display()));
  }
  std::optional<Value> result = std::move(call.result());
  if (result) to_caller(*type.result, *result);
  release_if_free();
  co_return result;
}

Task<Result<>> Callee::open() {
  if (lease_) {
    set_deadline();
    co_return Result<>();
  }
  ComponentSource* source = all_.sources() ? all_.sources()->find(link_->name()) : nullptr;
  if (!source)
    co_return fail(ErrorCode::Unavailable, "component '{}' has no link '{}' here", all_.component(),
                   link_->name());
  name_ = source->name();
  if (all_.depth() >= kMaxCallDepth)
    co_return fail(ErrorCode::LimitExceeded,
                   "component '{}' cannot call component '{}': calls between components are nested "
                   "{} deep, the most there may be; do their links form a cycle?",
                   all_.component(), name_, kMaxCallDepth);
  auto leased = co_await source->lease(
      {caller_.store().deadline().value_or(engine::Deadline::max()), all_.depth() + 1});
  if (!leased) co_return std::unexpected(failed(leased.error(), "being started"));
  lease_ = std::move(*leased);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    release_if_free();
    co_return fail(ErrorCode::Cancelled, "cancelled");
  }
  auto binding = all_.sources()->bind(link_, lease_->instance().shared_component(), name_);
  if (!binding) {
    release_if_free();
    co_return std::unexpected(std::move(binding).error().in("another revision took its place"));
  }
  binding_ = std::move(*binding);
  co_return Result<>();
}

void Callee::set_deadline() {
  const auto own = std::chrono::steady_clock::now() + lease_->timeout();
  lease_->instance().store().set_deadline(std::min(own, caller_.store().deadline().value_or(own)));
}

void Callee::release_if_free() {
  if (held_ != 0 || !lease_) return;
  lease_->release();
  lease_.reset();
  binding_.reset();
}

Error Callee::failed(const engine::Fault& fault, std::string_view where) const {
  Error error = fault.to_error();
  if (fault.kind == engine::Fault::Kind::Exit) error.code = ErrorCode::Trap;
  error.message = fmt::format("component '{}', called by component '{}', failed in {}: {}", name_,
                              all_.component(), where, fault.describe());
  return error;
}

// ---- Resources

bool Callee::to_callee(const Type& type, Value& value) {
  return each_handle(type, value, [&](const Type& part, Value& handle) {
    if (part.kind == TypeKind::Borrow) {
      const auto& held =
          *static_cast<HeldResource*>(std::get<component::BorrowValue>(handle.of).object);
      if (&held.callee != this || held.of != lease_.get()) return false;
      handle.of = GuestResource{held.type, held.rep};
      return true;
    }
    auto& own = std::get<OwnValue>(handle.of);
    const auto* held = static_cast<const HeldResource*>(own.object());
    if (&held->callee != this || held->of != lease_.get()) return false;
    const GuestResource resource{held->type, held->rep};
    delete static_cast<HeldResource*>(own.release());
    --held_;
    handle.of = resource;
    return true;
  });
}

void Callee::to_caller(const Type& type, Value& value) {
  each_handle(type, value, [&](const Type& part, Value& handle) {
    const std::size_t number = *link_->find(*part.resource);
    const auto& resource = std::get<GuestResource>(handle.of);
    auto held = std::make_unique<HeldResource>(HeldResource{
        *this, lease_.get(), static_cast<const ResourceType*>(resource.type), resource.rep});
    ++held_;
    handle.of.emplace<OwnValue>(link_->resources()[number].tag, held.release());
    return true;
  });
}

Reply<Result<>> Callee::drop(std::unique_ptr<HeldResource> held) {
  if (held->of != lease_.get()) return Result<>();  // gone with its instance
  if (held->type->destructor || held_ == 1) return destroy(std::move(held));
  --held_;
  return Result<>();
}

Task<Result<>> Callee::destroy(std::unique_ptr<HeldResource> held) {
  co_await asio::this_coro::throw_if_cancelled(false);
  --held_;
  if (held->type->destructor) {
    set_deadline();
    component::Instance& instance = lease_->instance();
    component::ResourceDrop drop(instance, *held->type, held->rep);
    if (!drop.begin()) co_await instance.store().settle();
    if (const auto fault = instance.store().take_fault()) {
      lease_.reset();
      co_return std::unexpected(failed(*fault, fmt::format("dropping a {}", held->type->name)));
    }
  }
  release_if_free();
  co_return Result<>();
}

component::ResourceTag callee_resource_tag() {
  // Destroyed where no fiber is, the caller ends: its destructor does not run, it still counts as
  // held, and the callee's instance is dropped with it.
  component::ResourceTag tag{
      [](void* object) noexcept { delete static_cast<HeldResource*>(object); }};
  tag.drop = [](void* object) -> Reply<Result<>> {
    std::unique_ptr<HeldResource> held(static_cast<HeldResource*>(object));
    Callee& callee = held->callee;
    return callee.drop(std::move(held));
  };
  return tag;
}

// ---- All of them

Callees::Callees(std::string_view component, ComponentSources* sources, unsigned depth)
    : component_(component), sources_(sources), depth_(depth) {}
Callees::~Callees() = default;

Callee& Callees::of(const std::shared_ptr<const ComponentLink>& link, component::Instance& caller) {
  for (const auto& callee : callees_) {
    if (&callee->link() == link.get()) return *callee;
  }
  return *callees_.emplace_back(std::make_unique<Callee>(*this, caller, link));
}

std::size_t Callees::kept() const {
  return static_cast<std::size_t>(
      std::count_if(callees_.begin(), callees_.end(), [](const auto& c) { return c->kept(); }));
}

Reply<Answer> call_through(component::Call& call, const std::shared_ptr<const ComponentLink>& link,
                           std::size_t function, Values arguments) {
  Callees* callees = call.host<contracts::Guest>().callees;
  if (!callees)
    return Answer(fail(ErrorCode::Unavailable, "{} cannot be called here",
                       link->functions()[function].display()));
  return callees->of(link, call.instance()).call(function, call.type(), std::move(arguments));
}

// ---- Where they lead

void ComponentSources::set(std::string link, ComponentSource& source) {
  sources_.emplace_back(std::move(link), &source);
}

ComponentSource* ComponentSources::find(std::string_view link) const {
  for (const auto& [name, source] : sources_) {
    if (name == link) return source;
  }
  return nullptr;
}

Result<std::shared_ptr<const LinkBinding>> ComponentSources::bind(
    const std::shared_ptr<const ComponentLink>& link,
    const std::shared_ptr<const component::LinkedComponent>& callee, std::string_view callee_name) {
  constexpr std::size_t kMost = 16;  // revisions that are remembered
  for (auto bound = bound_.rbegin(); bound != bound_.rend(); ++bound) {
    if (bound->link == link && !bound->callee.owner_before(callee) &&
        !callee.owner_before(bound->callee))
      return bound->binding;
  }
  UNBOLT_ASSIGN(auto binding, link->bind(callee->plan(), callee_name));
  if (bound_.size() == kMost) bound_.erase(bound_.begin());
  return bound_.emplace_back(link, callee, std::make_shared<const LinkBinding>(std::move(binding)))
      .binding;
}

}  // namespace unbolt::host
