// Cases: made at random, and made simpler while they still show a difference.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "outcome.h"
#include "random.h"

namespace unbolt::oracle {

struct Case {
  std::vector<Step> hostile;
  std::vector<Datum> arguments;
  std::optional<Datum> result;
  bool forgetful = false;  // the guest next to the host keeps one of those that it was lent
};
Signature random_signature(Random& random);
Case random_case(Random& random, const Signature& signature);

// With the steps that every honest guest takes: it drops what was lent to it.
RawCase raw_case(const Signature& signature, const Case& one);

struct Trial {
  Signature signature;
  Case one;
};
// The simplest trial found, from this one on, for which `differs` says so, after at most `tries`
// questions.
Trial shrink(Trial trial, const std::function<bool(const Trial&)>& differs, int tries);

// A kept case: a file with all that is needed to run it again.
struct KeptCase {
  RawCase one;
  std::string component;  // as text
};
std::string to_file(const KeptCase& kept, const std::string& why);
// Throws where it is none.
KeptCase from_file(std::string_view file);

}  // namespace unbolt::oracle
