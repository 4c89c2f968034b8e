// What the measuring programs share: time, medians, and the lines that bench/report.py reads.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::bench {

// Measures one round for each line that is read, and answers with a line: bench/interleave.py has
// several programs take theirs in turn.
template <class Round>
void each_round(Round round) {
  char line[64];
  while (std::fgets(line, sizeof line, stdin)) {
    round();
    std::puts("done");
    std::fflush(stdout);
  }
}

// CPU time of this thread: what others do on the machine is not counted, though it does cool the
// caches.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One figure, taken in rounds; reported by its median, with the least and the largest.
class Series {
 public:
  explicit Series(std::string name) : name_(std::move(name)) {}
  void add(double value) { values_.push_back(value); }
  void print(const char* unit) const {
    if (values_.empty()) return;
    auto sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    std::printf(
        "{\"figure\": \"%s\", \"unit\": \"%s\", \"median\": %.4g, \"least\": %.4g, \"most\": "
        "%.4g}\n",
        name_.c_str(), unit, sorted[sorted.size() / 2], sorted.front(), sorted.back());
    std::fflush(stdout);
  }

 private:
  std::string name_;
  std::vector<double> values_;
};

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "error: %s\n", why.c_str());
  std::exit(1);
}

// The value, or the end of the program.
template <class T>
T need(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(*result);
}

}  // namespace unbolt::bench
