// A hostile guest: one fixed component whose memory is the input, and which passes to host
// functions of many types the core values that the input says. Its realloc returns what the input
// says too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "unbolt/component/strings.h"
#include "unbolt/component/testing/guest.h"

namespace {

using namespace unbolt;
using namespace unbolt::component;

using Choice = std::variant<std::monostate, std::uint8_t, float, double, std::string_view,
                            std::vector<std::tuple<std::uint8_t, std::string_view>>>;
using Lists = std::vector<std::vector<std::optional<char32_t>>>;
using Either = std::expected<std::vector<std::string_view>, std::tuple<bool, char32_t>>;

std::uint64_t touch(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 0;
  for (const auto byte : bytes) sum += byte;
  return sum;
}

std::string text(Call&, std::string_view value) { return std::string(value.substr(0, 1000)); }
std::uint64_t bytes(Call&, std::span<const std::uint8_t> value) { return touch(value); }
std::vector<std::uint64_t> words(Call&, std::span<const std::uint64_t> value) {
  return {value.begin(),
          value.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(value.size(), 100))};
}
std::uint64_t texts(Call&, std::vector<std::string_view> value) {
  std::uint64_t sum = 0;
  for (const auto item : value) sum += item.size();
  return sum;
}
std::uint64_t lists(Call&, Lists value) {
  for (const auto& inner : value) {
    for (const auto& c : inner) {
      if (c && (*c >= 0x110000 || (*c >= 0xd800 && *c < 0xe000))) std::abort();
    }
  }
  return value.size();
}
std::uint64_t choice(Call&, Choice value) { return value.index(); }
std::uint64_t either(Call&, Either value) { return value.has_value(); }

constexpr std::string_view kGuest = R"((component
  (import "f:z/host" (instance $host
    (type $c' (variant (case "a") (case "b" u8) (case "c" f32) (case "d" f64) (case "e" string)
      (case "f" (list (tuple u8 string)))))
    (export "c" (type $c (eq $c')))
    (export "text" (func (param "x" string) (result string)))
    (export "text16" (func (param "x" string) (result string)))
    (export "text-latin" (func (param "x" string) (result string)))
    (export "bytes" (func (param "x" (list u8)) (result u64)))
    (export "words" (func (param "x" (list u64)) (result (list u64))))
    (export "texts" (func (param "x" (list string)) (result u64)))
    (export "lists" (func (param "x" (list (list (option char)))) (result u64)))
    (export "choice" (func (param "x" $c) (result u64)))
    (export "either" (func (param "x" (result (list string) (error (tuple bool char)))) (result u64)))))
  (core module $libc_module
    (memory (export "memory") 2)
    (global $p (export "p") (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (global.get $p)))
  (core instance $libc (instantiate $libc_module))
  (alias core export $libc "memory" (core memory $m))
  (alias core export $libc "realloc" (core func $r))
  (core func $text (canon lower (func $host "text") (memory $m) (realloc $r)))
  (core func $text16 (canon lower (func $host "text16") (memory $m) (realloc $r) string-encoding=utf16))
  (core func $text_latin (canon lower (func $host "text-latin") (memory $m) (realloc $r) string-encoding=latin1+utf16))
  (core func $bytes (canon lower (func $host "bytes") (memory $m)))
  (core func $words (canon lower (func $host "words") (memory $m) (realloc $r)))
  (core func $texts (canon lower (func $host "texts") (memory $m)))
  (core func $lists (canon lower (func $host "lists") (memory $m)))
  (core func $choice (canon lower (func $host "choice") (memory $m)))
  (core func $either (canon lower (func $host "either") (memory $m)))
  (core module $main_module
    (import "l" "memory" (memory 2))
    (import "l" "p" (global $p (mut i32)))
    (import "h" "text" (func $text (param i32 i32 i32)))
    (import "h" "text16" (func $text16 (param i32 i32 i32)))
    (import "h" "text-latin" (func $text_latin (param i32 i32 i32)))
    (import "h" "bytes" (func $bytes (param i32 i32) (result i64)))
    (import "h" "words" (func $words (param i32 i32 i32)))
    (import "h" "texts" (func $texts (param i32 i32) (result i64)))
    (import "h" "lists" (func $lists (param i32 i32) (result i64)))
    (import "h" "choice" (func $choice (param i32 i64 i32) (result i64)))
    (import "h" "either" (func $either (param i32 i32 i32) (result i64)))
    (func (export "run") (param $at i32) (param $size i32) (param $which i32) (param $a i32) (param $b i32) (param $c i32)
      (param $p i32)
      (global.set $p (local.get $p))
      (block $b8 (block $b7 (block $b6 (block $b5 (block $b4 (block $b3 (block $b2 (block $b1 (block $b0
        (br_table $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 $b8 (local.get $which)))
        (call $text (local.get $a) (local.get $b) (local.get $c)) return)
        (call $text16 (local.get $a) (local.get $b) (local.get $c)) return)
        (call $text_latin (local.get $a) (local.get $b) (local.get $c)) return)
        (drop (call $bytes (local.get $a) (local.get $b))) return)
        (call $words (local.get $a) (local.get $b) (local.get $c)) return)
        (drop (call $texts (local.get $a) (local.get $b))) return)
        (drop (call $lists (local.get $a) (local.get $b))) return)
        (drop (call $choice (local.get $a) (i64.extend_i32_u (local.get $b)) (local.get $c))) return)
      (drop (call $either (local.get $a) (local.get $b) (local.get $c)))))
  (core instance $main (instantiate $main_module (with "l" (instance $libc)) (with "h" (instance
    (export "text" (func $text)) (export "text16" (func $text16)) (export "text-latin" (func $text_latin))
    (export "bytes" (func $bytes)) (export "words" (func $words)) (export "texts" (func $texts))
    (export "lists" (func $lists)) (export "choice" (func $choice)) (export "either" (func $either))))))
  (func (export "run") (param "bytes" (list u8)) (param "which" u32) (param "a" u32) (param "b" u32) (param "c" u32)
    (param "p" u32) (canon lift (core func $main "run") (memory $m) (realloc $r)))))";

struct Setting {
  TestHost host;
  std::shared_ptr<const LinkedComponent> component;
  Setting() {
    host.interfaces.add("f:z/host")
        .func<&text>("text")
        .func<&text>("text16")
        .func<&text>("text-latin")
        .func<&bytes>("bytes")
        .func<&words>("words")
        .func<&texts>("texts")
        .func<&lists>("lists")
        .func<&choice>("choice")
        .func<&either>("either");
    auto linked = link_text(host, kGuest);
    if (!linked) throw std::runtime_error(linked.error().message);
    component = std::move(*linked);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Setting setting;
  struct Head {
    std::uint8_t which;
    std::uint8_t padding[3];
    std::uint32_t a, b, c, p;
  } head;
  if (size < sizeof head || size > 65'536) return 0;
  std::memcpy(&head, data, sizeof head);
  Guest guest(setting.host, setting.component);
  if (guest.start()) std::abort();
  // The bytes come to lie at 0: that is what realloc returns before it is told otherwise.
  (void)guest.call("run", std::span<const std::uint8_t>(data + sizeof head, size - sizeof head),
                   std::uint32_t{head.which} % 9, head.a, head.b, head.c, head.p);
  if (guest.instance().live_handles() != 0) std::abort();
  return 0;
}
