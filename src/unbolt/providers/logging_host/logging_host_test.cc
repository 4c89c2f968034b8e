#include "unbolt/providers/logging_host/logging_host.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace unbolt::providers {
namespace {

class LinesLog final : public Log {
 public:
  bool enabled(LogLevel level) const override { return level >= LogLevel::Info; }
  void write(LogLevel, std::string_view source, std::string_view message) override {
    lines.push_back(std::string(source) + "|" + std::string(message));
  }
  std::vector<std::string> lines;
};

TEST(LoggingToHost, AttributesLinesToTheComponent) {
  LinesLog log;
  LoggingToHost logging(log);
  logging.write("shop", LogLevel::Info, "checkout", "paid 5 €");
  logging.write("shop", LogLevel::Warn, "", "no context");
  logging.write("shop", LogLevel::Debug, "checkout", "below the level");
  EXPECT_EQ(log.lines, (std::vector<std::string>{"shop|checkout: paid 5 €", "shop|no context"}));
}

TEST(LoggingToHost, AGuestCannotForgeALineOrMoveTheCursor) {
  LinesLog log;
  LoggingToHost logging(log);
  logging.write("evil", LogLevel::Info, "a\nb", "x\r\n2026-01-01 [bank] all is well\x1b[2J");
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0], "evil|a\\nb: x\\r\\n2026-01-01 [bank] all is well\\x1b[2J");
}

TEST(LoggingToHost, LinesAreBounded) {
  LinesLog log;
  LoggingToHost logging(log);
  logging.write("loud", LogLevel::Error, std::string(100'000, 'c'), std::string(10 << 20, '\x1b'));
  EXPECT_LT(log.lines.at(0).size(),
            4 * (contracts::LoggingLimits::kContext + contracts::LoggingLimits::kMessage) + 200);
}

}  // namespace
}  // namespace unbolt::providers
