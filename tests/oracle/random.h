// The one source of chance: the same seed makes the same cases on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>

namespace unbolt::oracle {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  // Less than `bound`, which is not 0. (The library's distributions differ from one to another.)
  std::uint32_t below(std::uint64_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(choices.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace unbolt::oracle
