#include "cases.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace unbolt::oracle {
namespace {

constexpr std::size_t kMaxHandles = 60;

std::uint32_t random_mask(Random& random) {
  switch (random.below(6)) {
    case 0: return 0xffffffff;
    case 1: return 1u << random.below(8);
    case 2: return random.below(256);
    case 3: return 0x80000000;  // of a latin1+utf16 length
    case 4: return random.pick({0xd800u, 0xdc00u, 0xd8000000u, 0xdc00d800u, 0x80u, 0x8080u});
    default: return 1u << random.below(32);
  }
}

// Most often the word of a pointer, a length or a discriminant.
std::uint32_t random_offset(Random& random) {
  return random.one_in(5) ? random.below(160) : 4 * random.below(10);
}

std::uint32_t random_pointer(Random& random) {
  return random.pick({100'000u, 100'001u, 100'002u, 100'004u, 262'144u, 262'145u, 0x7fffffffu,
                      0x80000000u, 0xfffffff0u, 0xffffffffu});
}

// `next` is the first handle that a guest gets once it has its parameters.
Step hostile_step(Random& random, const Signature& signature, std::uint32_t next) {
  const CoreSignature core = core_signature(signature);
  const std::uint32_t guest = random.below(signature.guests.size());
  const auto step = [&](Op op, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0,
                        bool after = false) {
    return Step{guest, static_cast<std::uint32_t>(op) | (after ? kAfter : 0), a, b, c};
  };
  const auto flat_param = [&] {
    return kFlatParams + 8 * random.below(std::max<std::size_t>(core.params.size(), 1)) +
           (random.one_in(6) ? 4 : 0);
  };
  const bool after = random.one_in(3);
  const std::uint32_t where = after ? kResultPointer : flat_param();
  const std::uint32_t handle = random.one_in(3) ? 1 + random.below(4) : next;
  switch (random.below(27)) {
    case 26: return step(Op::Both, handle, handle + random.below(2));
    case 25: return step(Op::Copy, flat_param(), flat_param());
    case 20: return step(Op::Make, 1 + random.below(1000), 0, 0, after);
    case 21: return step(Op::Give, handle, 0, 0, after);
    case 22: return step(Op::Lend, handle, 0, 0, after);
    case 23: return step(Op::DropBelow, handle, 0, 0, after);
    case 24:
      return random.one_in(2) ? step(Op::Keep, 1)
                              : step(Op::Destructor, 1 + random.below(2), handle);
    case 0:
    case 1:
    case 2: return step(Op::Xor, flat_param(), 0, random_mask(random));
    case 3: return step(Op::Xor, kResultPointer, 0, random_mask(random), random.one_in(2));
    case 4: return step(Op::Xor, kFlatResult + 4 * random.below(2), 0, random_mask(random), true);
    case 5:
    case 6: return step(Op::XorInside, where, random_offset(random), random_mask(random), after);
    case 7:
      return step(Op::XorByteInside, where, random_offset(random), random_mask(random), after);
    case 8:
    case 9:
    case 18:
    case 19:
      return step(Op::XorDeep, where, random_offset(random) | random.below(12) << 16,
                  random_mask(random), after);
    case 10: return step(Op::Drop, handle, 0, 0, after);
    case 11: return step(Op::New, random.below(1000), 0, 0, after);
    case 12: return step(random.one_in(2) ? Op::DropOwn : Op::Rep, handle, 0, 0, after);
    case 13: return step(Op::Skip);
    case 14: return step(Op::Again, 2 + random.below(2));
    case 15: return step(Op::Grow, 1 + random.below(30), 0, 0, after);
    case 16: {
      const auto trick = static_cast<ReallocTrick>(1 + random.below(5));
      std::uint32_t value = random_pointer(random);
      if (trick == ReallocTrick::Drop) value = handle;
      if (trick == ReallocTrick::Shift) value = random.pick({1u, 2u, 4u, 8u, 16u, 0xfffffff8u});
      if (trick == ReallocTrick::Grow) value = 1 + random.below(20);
      return step(Op::Realloc, 1 + random.below(4), static_cast<std::uint32_t>(trick), value,
                  after);
    }
    default:
      return random.one_in(4) ? step(Op::Trap, 0, 0, 0, after)
                              : step(Op::PostReturn, 1 + random.below(2), handle);
  }
}

}  // namespace

Signature random_signature(Random& random) {
  Signature signature;
  // Small ones, too: there a hostile step most often hits something.
  const int depth = random.one_in(4) ? 2 : 4;
  const std::uint32_t most = depth == 2 ? 2 : random.one_in(10) ? 20 : 5;
  int budget = random.one_in(8) ? 120 : 30;
  for (std::uint32_t i = random.below(most + 1); i > 0; --i)
    signature.params.push_back(random_shape(random, Lent::Yes, depth, budget));
  budget = random.one_in(8) ? 120 : 30;
  if (!random.one_in(6)) signature.result = random_shape(random, Lent::No, depth, budget);
  for (std::uint32_t i = random.pick({1u, 1u, 2u, 2u, 2u, 3u}); i > 0; --i) {
    signature.guests.push_back(
        random.pick({Encoding::Utf8, Encoding::Utf16, Encoding::Latin1Utf16}));
  }
  return signature;
}

Case random_case(Random& random, const Signature& signature) {
  Case one;
  do {
    one.arguments.clear();
    for (const Shape& param : signature.params)
      one.arguments.push_back(random_datum(random, param));
  } while (raw_case(signature, one).steps.size() > kMaxHandles * signature.guests.size());
  if (signature.result) one.result = random_datum(random, *signature.result);
  if (!random.one_in(3)) {
    std::vector<bool> handles;
    for (std::size_t i = 0; i < signature.params.size(); ++i)
      note_handles(signature.params[i], one.arguments[i], handles);
    const auto next = static_cast<std::uint32_t>(handles.size()) + 1;
    for (std::uint32_t i = 1 + random.below(3); i > 0; --i) {
      const Step step = hostile_step(random, signature, next);
      // What a guest uses of its own making it most often has made.
      const auto op = static_cast<Op>(step.op % kAfter);
      const bool below = op == Op::Give || op == Op::Lend || op == Op::DropBelow || op == Op::Both;
      if ((below || op == Op::Rep || op == Op::DropOwn) && !random.one_in(5)) {
        const Op make = below ? Op::Make : Op::New;
        one.hostile.push_back({step.guest, static_cast<std::uint32_t>(make), i});
        if (op == Op::Both) one.hostile.push_back(one.hostile.back());
      }
      one.hostile.push_back(step);
      if (op == Op::Lend && random.one_in(2)) {  // a loan that is over
        const Op next_op = random.pick({Op::Give, Op::DropBelow, Op::Lend, Op::Both});
        one.hostile.push_back(
            {step.guest, static_cast<std::uint32_t>(next_op) | (step.op & kAfter), step.a, step.a});
      }
    }
    one.forgetful = random.one_in(20);
  }
  return one;
}

RawCase raw_case(const Signature& signature, const Case& one) {
  RawCase raw{.guests = static_cast<std::uint32_t>(signature.guests.size()), .steps = one.hostile};
  std::uint32_t handles = 1;
  std::vector<bool> lent;
  for (std::size_t i = 0; i < signature.params.size(); ++i) {
    encode(signature.params[i], one.arguments[i], handles, raw.arguments);
    note_handles(signature.params[i], one.arguments[i], lent);
  }
  handles = 1001;
  if (one.result) encode(*signature.result, *one.result, handles, raw.result);
  bool keep = one.forgetful;
  for (std::uint32_t guest = 0; guest < signature.guests.size(); ++guest) {
    for (std::uint32_t i = 0; i < lent.size(); ++i) {
      if (lent[i] && !std::exchange(keep, false))
        raw.steps.push_back({guest, static_cast<std::uint32_t>(Op::Drop) | kAfter, i + 1});
    }
  }
  return raw;
}

std::string to_file(const KeptCase& kept, const std::string& why) {
  const auto hex = [](const Bytes& bytes) { return fmt::format("{:02x}", fmt::join(bytes, "")); };
  std::string out;
  std::istringstream lines(why);
  for (std::string line; std::getline(lines, line);) out += ";; " + line + "\n";
  out += fmt::format(";; guests {}\n", kept.one.guests);
  for (const Step& step : kept.one.steps)
    out += fmt::format(";; step {} {} {} {} {}\n", step.guest, step.op, step.a, step.b, step.c);
  out +=
      fmt::format(";; arguments {}\n;; result {}\n", hex(kept.one.arguments), hex(kept.one.result));
  return out + kept.component;
}

KeptCase from_file(std::string_view file) {
  KeptCase kept;
  std::istringstream lines{std::string(file)};
  const auto bytes = [](const std::string& hex) {
    Bytes out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    return out;
  };
  bool arguments = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string start, what, hex;
    words >> start >> what;
    if (start != ";;") {
      kept.component += line + "\n";
    } else if (what == "guests") {
      words >> kept.one.guests;
    } else if (what == "step") {
      Step& step = kept.one.steps.emplace_back();
      if (!(words >> step.guest >> step.op >> step.a >> step.b >> step.c))
        throw std::runtime_error("a step has five numbers: " + line);
    } else if (what == "arguments") {
      words >> hex;
      kept.one.arguments = bytes(hex);
      arguments = true;
    } else if (what == "result") {
      words >> hex;
      kept.one.result = bytes(hex);
    }
  }
  if (!arguments || kept.component.empty()) throw std::runtime_error("not a kept case");
  return kept;
}

}  // namespace unbolt::oracle
