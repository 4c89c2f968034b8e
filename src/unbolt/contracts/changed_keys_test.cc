#include "unbolt/contracts/changed_keys.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace unbolt::contracts {
namespace {

using Effect = ChangedKeys::Effect;
using Round = ChangedKeys::Round;
using Write = ChangedKeys::Write;

class Changes : public testing::Test {
 protected:
  Changes() { changed.start(1 << 20); }

  Write begin(std::string_view key) { return changed.begin("b", {&key, 1}); }
  void end(Write write, std::string_view key, std::string_view value,
           Effect effect = Effect::Done) {
    changed.end(write, "b", {&key, 1}, effect, {to_bytes(as_bytes(value))});
  }
  // "KEY=VALUE" for those that were told, "KEY?" for those that are to be read.
  std::string taken(Round round = Round::Next) {
    const auto taken = changed.take(round);
    if (taken.overflowed) return "all";
    std::string text;
    for (const auto& [bucket, told] : taken.told) {
      EXPECT_EQ(told.keys.size(), told.values.size());
      for (std::size_t i = 0; i < told.keys.size(); ++i)
        text += told.keys[i] +
                (told.values[i] ? "=" + std::string(as_text(*told.values[i])) : "-") + " ";
    }
    for (const auto& [bucket, keys] : taken.keys)
      for (const std::string& key : keys) text += key + "? ";
    return text;
  }

  ChangedKeys changed;
};

TEST_F(Changes, OneAfterTheOtherTellsTheLast) {
  end(begin("a"), "a", "1");
  end(begin("a"), "a", "2");
  EXPECT_EQ(taken(), "a=2 ");
  EXPECT_EQ(taken(), "");
}

TEST_F(Changes, OneThatRemovesTellsSo) {
  const std::string_view key = "a";
  changed.end(begin("a"), "b", {&key, 1}, Effect::Done, {std::nullopt});
  EXPECT_EQ(taken(), "a- ");
}

TEST_F(Changes, OverlappingOnesAreRead) {
  const Write first = begin("a"), second = begin("a");
  end(second, "a", "2");
  EXPECT_EQ(taken(), "a? ");
  end(first, "a", "1");
  EXPECT_EQ(taken(), "a? ");
  end(begin("a"), "a", "3");
  EXPECT_EQ(taken(), "a=3 ");
}

TEST_F(Changes, AThirdOneOverlapsWithTheFirst) {
  const Write first = begin("a"), second = begin("a");
  end(second, "a", "2");
  const Write third = begin("a");
  end(first, "a", "1");
  end(third, "a", "3");
  EXPECT_EQ(taken(), "a? ");
}

TEST_F(Changes, OneThatBeganBeforeIsRead) {
  end(0, "a", "1");
  EXPECT_EQ(taken(), "a? ");
  const Write known = begin("a");
  end(0, "a", "1");
  end(known, "a", "2");
  EXPECT_EQ(taken(), "a? ");
}

TEST_F(Changes, OneThatBeganInAnEarlierCopyIsRead) {
  const Write earlier = begin("a");
  changed.start(1 << 20);
  const Write now = begin("a");
  end(earlier, "a", "1");
  end(now, "a", "2");
  EXPECT_EQ(taken(), "a? ");
}

TEST_F(Changes, AnUnsureOneIsReadUntilTheLastRound) {
  end(begin("a"), "a", "1", Effect::Unsure);
  EXPECT_EQ(taken(), "a? ");
  end(begin("a"), "a", "2");
  EXPECT_EQ(taken(), "a? ");
  EXPECT_EQ(taken(), "");
  EXPECT_EQ(taken(Round::Last), "a? ");
}

TEST_F(Changes, OneOnItsWayIsForgottenByNoRound) {
  const Write slow = begin("a");
  EXPECT_EQ(taken(), "");
  const Write quick = begin("a");
  end(quick, "a", "2");
  end(slow, "a", "1");
  EXPECT_EQ(taken(), "a? ");
}

TEST_F(Changes, LargeOnesAreRead) {
  end(begin("a"), "a", std::string(ChangedKeys::kMostValue + 1, 'x'));
  EXPECT_EQ(taken(), "a? ");
}

TEST_F(Changes, ValuesGiveWayBeforeKeysDo) {
  changed.start(1000);
  end(begin("a"), "a", std::string(900, 'x'));
  end(begin("b"), "b", "1");
  EXPECT_EQ(taken(), "b=1 a? ");
  // Nothing of it is left.
  end(begin("a"), "a", std::string(700, 'x'));
  EXPECT_EQ(taken(), "a=" + std::string(700, 'x') + " ");
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g"}) end(begin(key), key, "1");
  EXPECT_EQ(taken(), "all");
}

TEST_F(Changes, SeveralKeysOfOneWrite) {
  const std::initializer_list<std::string_view> keys = {"a", "b", "a"};
  const Write write = changed.begin("b", keys);
  changed.end(write, "b", keys, Effect::Done,
              {to_bytes(as_bytes("1")), to_bytes(as_bytes("2")), to_bytes(as_bytes("3"))});
  EXPECT_EQ(taken(), "b=2 a? ");
}

TEST_F(Changes, NobodyRecordsAfterTheStop) {
  const Write write = begin("a");
  changed.stop();
  EXPECT_EQ(begin("b"), 0U);
  end(write, "a", "1");
  changed.start(1 << 20);
  EXPECT_EQ(taken(), "");
}

}  // namespace
}  // namespace unbolt::contracts
