// Cases that are files: sections, each after a line `--- NAME`, of which the last is what is
// expected. UNBOLT_UPDATE_GOLDENS=1 writes what came instead.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace unbolt::control {

struct Golden {
  std::filesystem::path file;
  std::map<std::string, std::string> sections;
  std::string expected;  // the name of the last section
};

inline Golden read_golden(const std::filesystem::path& file) {
  Golden golden{.file = file};
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("--- ")) {
      golden.expected = line.substr(4);
      golden.sections[golden.expected];
    } else if (!golden.expected.empty()) {
      golden.sections[golden.expected] += line + "\n";
    }
  }
  return golden;
}

// `produce` makes the last section of the others.
inline void check_goldens(const std::string& folder,
                          const std::function<std::string(Golden&)>& produce) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(UNBOLT_GOLDENS) / folder)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    Golden golden = read_golden(file);
    const std::string actual = produce(golden);
    if (std::getenv("UNBOLT_UPDATE_GOLDENS")) {
      std::ifstream in(file);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const std::size_t start = text.find("--- " + golden.expected + "\n");
      std::ofstream(file) << text.substr(0, start) << "--- " << golden.expected << "\n" << actual;
    } else {
      EXPECT_EQ(actual, golden.sections[golden.expected]);
    }
  }
}

}  // namespace unbolt::control
