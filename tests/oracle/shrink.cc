#include <algorithm>

#include "cases.h"

namespace unbolt::oracle {
namespace {

using enum TypeKind;

struct Typed {
  Shape shape;
  Datum datum;
};

bool is_scalar(const Shape& shape) { return shape.kind <= Char; }

// Simpler ones, the simplest first; none where it cannot be any simpler.
std::vector<Typed> simpler(const Shape& shape, const Datum& datum) {
  std::vector<Typed> out;
  if (shape.kind == U8) {
    if (datum.number != 0) out.push_back({shape, {}});
    return out;
  }
  out.push_back({{.kind = U8}, {}});
  if (is_scalar(shape) || shape.kind == Enum || shape.kind == Flags) {
    if (datum.number != 0) {
      out.push_back({shape, {}});
      out.push_back({shape, {.number = datum.number / 2}});
    }
    return out;
  }
  if (shape.kind == String) {
    // Halves, at the starts of characters.
    std::size_t middle = datum.text.size() / 2;
    while (middle > 0 && (datum.text[middle] & 0xc0) == 0x80) --middle;
    if (!datum.text.empty()) {
      out.push_back({shape, {}});
      if (middle > 0) {
        out.push_back({shape, {.text = datum.text.substr(0, middle)}});
        out.push_back({shape, {.text = datum.text.substr(middle)}});
      }
    }
    return out;
  }
  const bool of_equals = shape.kind == List || shape.kind == Option;
  const bool of_fields = shape.kind == Record || shape.kind == Tuple;
  const bool of_cases = shape.kind == Variant || shape.kind == TypeKind::Result;
  const auto part_of = [&](std::size_t item) -> std::size_t {
    return of_fields ? item : of_cases ? datum.number : shape.kind == Map ? item % 2 : 0;
  };
  // A part in place of the whole.
  for (std::size_t i = 0; i < std::min<std::size_t>(datum.items.size(), 8); ++i)
    out.push_back({shape.parts[part_of(i)], datum.items[i]});
  // Fewer parts.
  if (of_fields && shape.parts.size() > 1) {
    for (std::size_t i = 0; i < shape.parts.size(); ++i) {
      Typed less{shape, datum};
      less.shape.parts.erase(less.shape.parts.begin() + static_cast<std::ptrdiff_t>(i));
      less.datum.items.erase(less.datum.items.begin() + static_cast<std::ptrdiff_t>(i));
      out.push_back(std::move(less));
    }
  }
  if (shape.kind == Variant) {
    if (datum.number + 1 < shape.parts.size()) {
      out.push_back({shape, datum});
      out.back().shape.parts.resize(datum.number + 1);
    }
    for (std::size_t i = 0; i < shape.parts.size() && i < datum.number; ++i) {
      Typed less{shape, datum};
      less.shape.parts.erase(less.shape.parts.begin() + static_cast<std::ptrdiff_t>(i));
      --less.datum.number;
      out.push_back(std::move(less));
    }
  }
  if (of_cases) {
    for (std::size_t i = 0; i < shape.parts.size(); ++i) {
      if (i == datum.number || shape.parts[i].none) continue;
      out.push_back({shape, datum});
      out.back().shape.parts[i] = {.none = true};
      if (is_scalar(shape.parts[i])) continue;
      out.push_back({shape, datum});
      out.back().shape.parts[i] = {.kind = U8};
    }
  }
  const std::size_t pair = shape.kind == Map ? 2 : 1;
  if ((shape.kind == List || shape.kind == Map) && datum.items.size() > (shape.count ? 1 : 0)) {
    const std::size_t half = datum.items.size() / pair / 2 * pair;
    const auto keep = [&](std::size_t from, std::size_t to) {
      Typed less{shape, {}};
      less.datum.items.assign(datum.items.begin() + static_cast<std::ptrdiff_t>(from),
                              datum.items.begin() + static_cast<std::ptrdiff_t>(to));
      if (shape.count) less.shape.count = static_cast<std::uint32_t>(to - from);
      out.push_back(std::move(less));
    };
    if (!shape.count) keep(0, 0);
    if (half > 0) {
      keep(0, half);
      keep(half, datum.items.size());
      keep(pair, datum.items.size());
    }
  }
  // Simpler parts. Where several items share a shape, only as far as it stays the same.
  for (std::size_t i = 0; i < datum.items.size(); ++i) {
    const std::size_t part = part_of(i);
    const bool shared = (of_equals || shape.kind == Map) && datum.items.size() > pair;
    for (Typed& less : simpler(shape.parts[part], datum.items[i])) {
      if (shared && less.shape != shape.parts[part]) continue;
      if (shape.kind == Map && part == 0 && less.shape != shape.parts[0] && !is_scalar(less.shape))
        continue;
      Typed whole{shape, datum};
      whole.shape.parts[part] = std::move(less.shape);
      whole.datum.items[i] = std::move(less.datum);
      out.push_back(std::move(whole));
    }
  }
  return out;
}

std::vector<Trial> simpler(const Trial& trial) {
  std::vector<Trial> out;
  const auto& [signature, one] = trial;
  for (std::size_t i = 0; i < one.hostile.size(); ++i) {
    out.push_back(trial);
    out.back().one.hostile.erase(out.back().one.hostile.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (one.forgetful) {
    out.push_back(trial);
    out.back().one.forgetful = false;
  }
  for (std::uint32_t i = 0; i < signature.guests.size() && signature.guests.size() > 1; ++i) {
    Trial less = trial;
    less.signature.guests.erase(less.signature.guests.begin() + i);
    std::erase_if(less.one.hostile, [&](const Step& step) { return step.guest == i; });
    for (Step& step : less.one.hostile) step.guest -= step.guest > i;
    out.push_back(std::move(less));
  }
  for (std::size_t i = 0; i < signature.params.size(); ++i) {
    Trial less = trial;
    less.signature.params.erase(less.signature.params.begin() + static_cast<std::ptrdiff_t>(i));
    less.one.arguments.erase(less.one.arguments.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(std::move(less));
  }
  if (signature.result) {
    out.push_back(trial);
    out.back().signature.result.reset();
    out.back().one.result.reset();
  }
  for (std::size_t i = 0; i < signature.guests.size(); ++i) {
    if (signature.guests[i] == Encoding::Utf8) continue;
    out.push_back(trial);
    out.back().signature.guests[i] = Encoding::Utf8;
  }
  for (std::size_t i = 0; i < signature.params.size(); ++i) {
    for (Typed& less : simpler(signature.params[i], one.arguments[i])) {
      out.push_back(trial);
      out.back().signature.params[i] = std::move(less.shape);
      out.back().one.arguments[i] = std::move(less.datum);
    }
  }
  if (signature.result) {
    for (Typed& less : simpler(*signature.result, *one.result)) {
      out.push_back(trial);
      out.back().signature.result = std::move(less.shape);
      out.back().one.result = std::move(less.datum);
    }
  }
  return out;
}

}  // namespace

Trial shrink(Trial trial, const std::function<bool(const Trial&)>& differs, int tries) {
  for (bool found = true; found;) {
    found = false;
    for (Trial& less : simpler(trial)) {
      if (tries-- <= 0) return trial;
      if (!differs(less)) continue;
      trial = std::move(less);
      found = true;
      break;
    }
  }
  return trial;
}

}  // namespace unbolt::oracle
