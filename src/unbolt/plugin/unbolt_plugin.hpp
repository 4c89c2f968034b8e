// A provider of one's own as a C++ class, on top of unbolt_plugin.h. C++23, this header alone:
//
//   class Pricing {
//    public:
//     explicit Pricing(const unbolt::provider::Options& options);
//     std::expected<std::uint64_t, std::string> quote(std::string_view item, std::uint32_t count);
//   };
//   UNBOLT_PROVIDER("pricing 1.0", Pricing,
//                   {"shop:pricing/prices", "quote", unbolt::provider::function<&Pricing::quote>})
//
// The class is made once for each link's URL and called on several threads at once. What its
// constructor throws is why the link is refused; what a function throws traps the component that
// called. Types, of parameters and results:
//   bool, integers, float, double, char32_t (char)
//   std::string_view, std::string       string; a view of a parameter ends with the call
//   std::span<const T>, std::vector<T>  list<T>; a span: of numbers, as a parameter, to the same end
//   std::optional, std::expected        option, result; void is `_`
//   std::variant                        variant; std::monostate is a case without a payload
//   std::pair, std::tuple               tuple
//   enums, aggregates                   after UNBOLT_ENUM(Type, cases), UNBOLT_FLAGS(Type, flags),
//                                       UNBOLT_RECORD(Type, field…), at file scope
// A function that answers later has `Later<R>` as its first parameter and returns nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "unbolt/plugin/unbolt_plugin.h"

namespace unbolt::provider {

// ---- What types are

template <class T>
inline constexpr std::size_t kCases = 0;
template <class T>
inline constexpr std::size_t kFlags = 0;
template <class T>
struct Record;

#define UNBOLT_ENUM(Type, cases) \
  template <>                    \
  inline constexpr std::size_t unbolt::provider::kCases<Type> = cases;
#define UNBOLT_FLAGS(Type, flags) \
  template <>                     \
  inline constexpr std::size_t unbolt::provider::kFlags<Type> = flags;
#define UNBOLT_RECORD(Type, ...)         \
  template <>                            \
  struct unbolt::provider::Record<Type> { \
    static auto tie(auto& record) {      \
      auto& [__VA_ARGS__] = record;      \
      return std::tie(__VA_ARGS__);      \
    }                                    \
  };

using Byte = std::uint8_t;

// Where what a result leads to is kept until it was read.
class Memory {
 public:
  explicit Memory(const unbolt_host* host, unbolt_call* call) : host_(host), call_(call) {}
  // For an answer that comes later.
  Memory() = default;
  void* get(std::size_t size, std::size_t alignment) {
    if (host_) {
      void* at = host_->allocate(call_, size, alignment);
      if (!at) throw std::bad_alloc();
      return at;
    }
    return blocks_.emplace_back(new Byte[std::max<std::size_t>(size, 1)]).get();
  }

 private:
  const unbolt_host* host_ = nullptr;
  unbolt_call* call_ = nullptr;
  std::vector<std::unique_ptr<Byte[]>> blocks_;
};

// Abi<T>: kSize, kAlign, signature, read, write.
template <class T>
struct Abi;

constexpr std::size_t up(std::size_t offset, std::size_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}
constexpr std::size_t word_of(std::size_t cases) {
  return cases <= 256 ? 1 : cases <= 65536 ? 2 : 4;
}

template <class T>
  requires std::is_arithmetic_v<T>
struct Abi<T> {
  static constexpr std::size_t kSize = sizeof(T), kAlign = sizeof(T);
  static std::string signature() {
    if constexpr (std::is_same_v<T, bool>)
      return "bool";
    else if constexpr (std::is_same_v<T, char32_t>)
      return "char";
    else if constexpr (std::is_floating_point_v<T>)
      return sizeof(T) == 4 ? "f32" : "f64";
    else
      return (std::is_signed_v<T> ? "s" : "u") + std::to_string(8 * sizeof(T));
  }
  static void read(const Byte* at, T& out) { std::memcpy(&out, at, sizeof out); }
  static void write(Byte* at, const T& value, Memory&) { std::memcpy(at, &value, sizeof value); }
};

template <class T>
  requires std::is_enum_v<T>
struct Abi<T> {
  static_assert(kCases<T> + kFlags<T> > 0, "UNBOLT_ENUM or UNBOLT_FLAGS says how many it has");
  static constexpr std::size_t kSize = kCases<T>         ? word_of(kCases<T>)
                                       : kFlags<T> <= 8  ? 1
                                       : kFlags<T> <= 16 ? 2
                                                         : 4;
  static constexpr std::size_t kAlign = kSize;
  static std::string signature() {
    return (kCases<T> ? "enum{" : "flags{") + std::to_string(kCases<T> + kFlags<T>) + "}";
  }
  static void read(const Byte* at, T& out) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, at, kSize);
    out = static_cast<T>(bits);
  }
  static void write(Byte* at, const T& value, Memory&) {
    const auto bits = static_cast<std::uint32_t>(value);
    std::memcpy(at, &bits, kSize);
  }
};

struct SpanAbi {
  static constexpr std::size_t kSize = sizeof(unbolt_bytes), kAlign = alignof(unbolt_bytes);
  static unbolt_bytes load(const Byte* at) {
    unbolt_bytes bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
  }
  static void store(Byte* at, const void* data, std::size_t size) {
    const unbolt_bytes bytes{data, size};
    std::memcpy(at, &bytes, sizeof bytes);
  }
};

template <class T>
  requires(std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>)
struct Abi<T> : SpanAbi {
  static std::string signature() { return "string"; }
  static void read(const Byte* at, T& out) {
    const unbolt_bytes bytes = load(at);
    out = T(bytes.size ? static_cast<const char*>(bytes.data) : "", bytes.size);
  }
  static void write(Byte* at, const T& value, Memory& memory) {
    void* text = memory.get(value.size(), 1);
    if (!value.empty()) std::memcpy(text, value.data(), value.size());
    store(at, text, value.size());
  }
};

template <class T>
  requires std::is_arithmetic_v<T>
struct Abi<std::span<const T>> : SpanAbi {
  static std::string signature() { return "list<" + Abi<T>::signature() + ">"; }
  static void read(const Byte* at, std::span<const T>& out) {
    const unbolt_bytes bytes = load(at);
    out = {static_cast<const T*>(bytes.data), bytes.size};
  }
};

template <class T>
struct Abi<std::vector<T>> : SpanAbi {
  static std::string signature() { return "list<" + Abi<T>::signature() + ">"; }
  static void read(const Byte* at, std::vector<T>& out) {
    const unbolt_bytes bytes = load(at);
    const auto* element = static_cast<const Byte*>(bytes.data);
    out.clear();
    for (std::size_t i = 0; i < bytes.size; ++i, element += Abi<T>::kSize) {
      T value{};
      Abi<T>::read(element, value);
      out.push_back(std::move(value));
    }
  }
  static void write(Byte* at, const std::vector<T>& value, Memory& memory) {
    auto* elements = static_cast<Byte*>(memory.get(value.size() * Abi<T>::kSize, Abi<T>::kAlign));
    std::size_t offset = 0;
    for (const T& one : value) {
      std::memset(elements + offset, 0, Abi<T>::kSize);
      Abi<T>::write(elements + offset, one, memory);
      offset += Abi<T>::kSize;
    }
    store(at, elements, value.size());
  }
};

// Fields one after the other.
template <class... Ts>
struct Fields {
  static constexpr std::size_t kAlign = std::max({std::size_t{1}, Abi<Ts>::kAlign...});
  static constexpr std::size_t kEnd = [] {
    std::size_t offset = 0;
    ((offset = up(offset, Abi<Ts>::kAlign) + Abi<Ts>::kSize), ...);
    return offset;
  }();
  static constexpr std::size_t kSize = up(kEnd, kAlign);
  static std::string signature() {
    std::string text;
    ((text += (text.empty() ? "" : ", ") + Abi<Ts>::signature()), ...);
    return text;
  }
  static void read(const Byte* at, Ts&... out) {
    std::size_t offset = 0;
    ((offset = up(offset, Abi<Ts>::kAlign), Abi<Ts>::read(at + offset, out),
      offset += Abi<Ts>::kSize),
     ...);
  }
  static void write(Byte* at, Memory& memory, const Ts&... value) {
    std::size_t offset = 0;
    ((offset = up(offset, Abi<Ts>::kAlign), Abi<Ts>::write(at + offset, value, memory),
      offset += Abi<Ts>::kSize),
     ...);
  }
};

template <class T, class Tied>
struct RecordAbi;
template <class T, class... Ts>
struct RecordAbi<T, std::tuple<Ts&...>> {
  using Layout = Fields<std::remove_cvref_t<Ts>...>;
  static constexpr std::size_t kSize = Layout::kSize, kAlign = Layout::kAlign;
  static std::string signature() { return "{" + Layout::signature() + "}"; }
  static auto tied(auto& value) {
    if constexpr (requires { Record<T>::tie(value); })
      return Record<T>::tie(value);
    else
      return std::apply([](auto&... part) { return std::tie(part...); }, value);
  }
  static void read(const Byte* at, T& out) {
    std::apply([&](auto&... part) { Layout::read(at, part...); }, tied(out));
  }
  static void write(Byte* at, const T& value, Memory& memory) {
    std::apply([&](const auto&... part) { Layout::write(at, memory, part...); }, tied(value));
  }
};
template <class T>
  requires requires(T& value) { Record<T>::tie(value); }
struct Abi<T> : RecordAbi<T, decltype(Record<T>::tie(std::declval<T&>()))> {};
template <class... Ts>
struct Abi<std::tuple<Ts...>> : RecordAbi<std::tuple<Ts...>, std::tuple<Ts&...>> {};
template <class A, class B>
struct Abi<std::pair<A, B>> : RecordAbi<std::pair<A, B>, std::tuple<A&, B&>> {};

// The payloads of a variant; void and monostate: none.
template <class T>
inline constexpr bool kNone = std::is_void_v<T> || std::is_same_v<T, std::monostate>;
template <class T>
struct Payload {
  static constexpr std::size_t kSize = Abi<T>::kSize, kAlign = Abi<T>::kAlign;
  static std::string signature() { return Abi<T>::signature(); }
};
template <class T>
  requires kNone<T>
struct Payload<T> {
  static constexpr std::size_t kSize = 0, kAlign = 1;
  static std::string signature() { return "_"; }
};
template <class... Ts>
struct Cases {
  static constexpr std::size_t kWord = word_of(sizeof...(Ts));
  static constexpr std::size_t kAlign = std::max({kWord, Payload<Ts>::kAlign...});
  static constexpr std::size_t kAt =
      up(kWord, std::max({std::size_t{1}, Payload<Ts>::kAlign...}));
  static constexpr std::size_t kSize =
      up(kAt + std::max({std::size_t{0}, Payload<Ts>::kSize...}), kAlign);
  static std::uint32_t chosen(const Byte* at) {
    std::uint32_t index = 0;
    std::memcpy(&index, at, kWord);
    return index;
  }
  static void choose(Byte* at, std::size_t index) { std::memcpy(at, &index, kWord); }
};

template <class T>
struct Abi<std::optional<T>> : Cases<void, T> {
  using Base = Cases<void, T>;
  static std::string signature() { return "option<" + Abi<T>::signature() + ">"; }
  static void read(const Byte* at, std::optional<T>& out) {
    out.reset();
    if (Base::chosen(at) == 1) Abi<T>::read(at + Base::kAt, out.emplace());
  }
  static void write(Byte* at, const std::optional<T>& value, Memory& memory) {
    Base::choose(at, value ? 1 : 0);
    if (value) Abi<T>::write(at + Base::kAt, *value, memory);
  }
};

template <class T, class E>
struct Abi<std::expected<T, E>> : Cases<T, E> {
  using Base = Cases<T, E>;
  static std::string signature() {
    return "result<" + Payload<T>::signature() + ", " + Payload<E>::signature() + ">";
  }
  static void read(const Byte* at, std::expected<T, E>& out) {
    if (Base::chosen(at) == 0) {
      out = std::expected<T, E>();
      if constexpr (!kNone<T>) Abi<T>::read(at + Base::kAt, *out);
    } else {
      out = std::unexpected(E());
      if constexpr (!kNone<E>) Abi<E>::read(at + Base::kAt, out.error());
    }
  }
  static void write(Byte* at, const std::expected<T, E>& value, Memory& memory) {
    Base::choose(at, value ? 0 : 1);
    if (value) {
      if constexpr (!kNone<T>) Abi<T>::write(at + Base::kAt, *value, memory);
    } else {
      if constexpr (!kNone<E>) Abi<E>::write(at + Base::kAt, value.error(), memory);
    }
  }
};

template <class... Ts>
struct Abi<std::variant<Ts...>> : Cases<Ts...> {
  using Base = Cases<Ts...>;
  static std::string signature() {
    std::string text;
    ((text += (text.empty() ? "" : ", ") + Payload<Ts>::signature()), ...);
    return "variant{" + text + "}";
  }
  static void read(const Byte* at, std::variant<Ts...>& out) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (void)((Base::chosen(at) == I && (read_case<I>(at, out), true)) || ...);
    }(std::index_sequence_for<Ts...>());
  }
  static void write(Byte* at, const std::variant<Ts...>& value, Memory& memory) {
    Base::choose(at, value.index());
    std::visit(
        [&]<class P>(const P& payload) {
          if constexpr (!kNone<P>) Abi<P>::write(at + Base::kAt, payload, memory);
        },
        value);
  }

 private:
  template <std::size_t I>
  static void read_case(const Byte* at, std::variant<Ts...>& out) {
    auto& payload = out.template emplace<I>();
    using P = std::remove_reference_t<decltype(payload)>;
    if constexpr (!kNone<P>) Abi<P>::read(at + Base::kAt, payload);
  }
};

// ---- Providers

// What the link's URL says, and the host. Lives as long as the provider's constructor runs; the
// host, which it can be asked for, as long as the provider.
class Options {
 public:
  Options(const unbolt_host* host, const unbolt_option* options, std::size_t count)
      : host_(host), options_(options, count) {}
  std::string get(std::string_view name, std::string_view otherwise = {}) const {
    for (const auto& option : options_) {
      if (option.name == name) return option.value;
    }
    return std::string(otherwise);
  }
  const unbolt_host* host() const { return host_; }

 private:
  const unbolt_host* host_;
  std::span<const unbolt_option> options_;
};

inline void log(const unbolt_host* host, std::int32_t level, std::string_view text) {
  host->log(host, level, text.data(), text.size());
}

// An answer that comes later, from any thread: to be moved there. What is destroyed without an
// answer fails the call.
template <class R = void>
class Later {
 public:
  Later(const unbolt_host* host, std::uint64_t ticket) : host_(host), ticket_(ticket) {}
  Later(Later&& other) noexcept
      : host_(other.host_), ticket_(std::exchange(other.ticket_, 0)) {}
  Later& operator=(Later&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(ticket_, other.ticket_);
    return *this;
  }
  ~Later() { fail("it was given up"); }

  // False where nobody waits any more.
  bool done()
    requires std::is_void_v<R>
  {
    return host_->complete(host_, std::exchange(ticket_, 0), nullptr) == 1;
  }
  bool done(const auto& value)
    requires(!std::is_void_v<R>)
  {
    const R& answer = value;
    alignas(16) Byte result[Abi<R>::kSize] = {};
    Memory memory;
    Abi<R>::write(result, answer, memory);
    return host_->complete(host_, std::exchange(ticket_, 0), result) == 1;
  }
  bool fail(std::string_view why) {
    const auto ticket = std::exchange(ticket_, 0);
    return ticket && host_->complete_failed(host_, ticket, why.data(), why.size()) == 1;
  }

 private:
  const unbolt_host* host_;
  std::uint64_t ticket_;
};

template <class T>
struct Opened {
  const unbolt_host* host;
  T provider;
};

// How a member function is called.
struct Function {
  unbolt_function call;
  std::string (*signature)();
};

namespace detail {

template <class F>
unbolt_status guarded(const unbolt_host* host, unbolt_call* call, const F& run) {
  (void)host;
  try {
    return run();
  } catch (const std::exception& e) {
    return host->fail(call, e.what(), std::strlen(e.what()));
  } catch (...) {
    constexpr std::string_view kWhy = "it threw";
    return host->fail(call, kWhy.data(), kWhy.size());
  }
}

template <class R>
std::string arrow() {
  if constexpr (std::is_void_v<R>)
    return {};
  else
    return " -> " + Abi<R>::signature();
}

template <auto Method, class T, class R, class... Args>
struct Now {
  using Params = Fields<std::remove_cvref_t<Args>...>;
  static unbolt_status call(void* context, unbolt_call* call, const void* params, void* result) {
    auto& opened = *static_cast<Opened<T>*>(context);
    return guarded(opened.host, call, [&] {
      std::tuple<std::remove_cvref_t<Args>...> args;
      std::apply([&](auto&... a) { Params::read(static_cast<const Byte*>(params), a...); }, args);
      std::apply(
          [&](auto&... a) {
            if constexpr (std::is_void_v<R>) {
              (opened.provider.*Method)(std::move(a)...);
            } else {
              Memory memory(opened.host, call);
              const R answer = (opened.provider.*Method)(std::move(a)...);
              Abi<R>::write(static_cast<Byte*>(result), answer, memory);
            }
          },
          args);
      return UNBOLT_DONE;
    });
  }
  static std::string signature() { return "func(" + Params::signature() + ")" + arrow<R>(); }
};

template <auto Method, class T, class R, class... Args>
struct WithTicket {
  using Params = Fields<std::remove_cvref_t<Args>...>;
  static unbolt_status call(void* context, unbolt_call* call, const void* params, void*) {
    auto& opened = *static_cast<Opened<T>*>(context);
    return guarded(opened.host, call, [&]() -> unbolt_status {
      std::tuple<std::remove_cvref_t<Args>...> args;
      std::apply([&](auto&... a) { Params::read(static_cast<const Byte*>(params), a...); }, args);
      const std::uint64_t ticket = opened.host->later(call);
      if (!ticket) throw std::runtime_error("too many calls wait for an answer");
      Later<R> later(opened.host, ticket);
      std::apply(
          [&](auto&... a) { (opened.provider.*Method)(std::move(later), std::move(a)...); }, args);
      return UNBOLT_LATER;
    });
  }
  static std::string signature() { return "func(" + Params::signature() + ")" + arrow<R>(); }
};

template <auto Method, class Type>
struct Of;
template <auto Method, class T, class R, class... Args>
struct Of<Method, R (T::*)(Args...)> : Now<Method, T, R, Args...> {};
template <auto Method, class T, class R, class... Args>
struct Of<Method, R (T::*)(Args...) const> : Now<Method, T, R, Args...> {};
template <auto Method, class T, class R, class... Args>
struct Of<Method, void (T::*)(Later<R>, Args...)> : WithTicket<Method, T, R, Args...> {};
template <auto Method, class T, class R, class... Args>
struct Of<Method, void (T::*)(Later<R>, Args...) const> : WithTicket<Method, T, R, Args...> {};

inline int refuse(unbolt_error* error, std::string_view why) {
  const std::size_t size = std::min(why.size(), sizeof error->message - 1);
  std::memcpy(error->message, why.data(), size);
  error->message[size] = 0;
  return 1;
}

}  // namespace detail

template <auto Method>
inline constexpr Function function{&detail::Of<Method, decltype(Method)>::call,
                                   &detail::Of<Method, decltype(Method)>::signature};

// One line of UNBOLT_PROVIDER: the interface with its version or, for every version, without.
struct Entry {
  std::string_view interface, name;
  Function function;
};

template <class T>
struct Exported {
  static int open(const unbolt_host* host, const unbolt_option* options, std::size_t count,
                  void** provider, unbolt_error* error) {
    try {
      const Options given(host, options, count);
      *provider = new Opened<T>{host, T(given)};
      return 0;
    } catch (const std::exception& e) {
      return detail::refuse(error, e.what());
    } catch (...) {
      return detail::refuse(error, "its constructor threw");
    }
  }
  static void close(void* provider) { delete static_cast<Opened<T>*>(provider); }

  static int bind(std::span<const Entry> entries, void* provider, std::string_view interface,
                  std::string_view name, std::string_view signature, unbolt_binding* binding,
                  unbolt_error* error) {
    const std::string_view path = interface.substr(0, interface.find('@'));
    std::string others;
    for (const Entry& entry : entries) {
      if (entry.interface == interface || entry.interface == path) {
        if (entry.name == name) {
          const std::string own = entry.function.signature();
          if (own != signature) return detail::refuse(error, "it has it as " + own);
          binding->function = entry.function.call;
          binding->context = provider;
          return 0;
        }
      }
      others += (others.empty() ? "" : ", ") + std::string(entry.interface) + "#" +
                std::string(entry.name);
    }
    return detail::refuse(error, "it has no such function; it has " + others);
  }
};

}  // namespace unbolt::provider

// The class that is opened, and the functions that it meets.
#define UNBOLT_PROVIDER(NAME, CLASS, ...)                                                         \
  extern "C" UNBOLT_PLUGIN_EXPORT const unbolt_plugin* unbolt_plugin_entry(void) {                \
    static const unbolt::provider::Entry entries[] = {__VA_ARGS__};                               \
    using Of = unbolt::provider::Exported<CLASS>;                                                 \
    static const unbolt_plugin plugin = {                                                         \
        sizeof(unbolt_plugin), UNBOLT_PLUGIN_VERSION, NAME, &Of::open, &Of::close,                \
        [](void* provider, const char* interface, const char* name, const char* signature,        \
           unbolt_binding* binding, unbolt_error* error) {                                        \
          return Of::bind(entries, provider, interface, name, signature, binding, error);         \
        }};                                                                                       \
    return &plugin;                                                                               \
  }
