#include "unbolt/host/cgi_head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace unbolt::host {
namespace {

using Progress = CgiHeadParser::Progress;

struct Outcome {
  Progress progress = Progress::More;
  int status = 0;
  std::string fields;  // "name=value;"
  std::string rest;
  std::string why;
};

Outcome parse(std::string_view output, std::size_t piece = std::string_view::npos) {
  CgiHeadParser parser;
  Outcome out;
  while (!output.empty() && out.progress == Progress::More) {
    std::string_view part = output.substr(0, piece);
    output.remove_prefix(part.size());
    out.progress = parser.read(part);
    out.rest = part;
  }
  out.rest += output;
  out.why = parser.why();
  if (out.progress == Progress::Done) {
    out.status = parser.head().status;
    for (const auto& [name, value] : parser.head().fields) out.fields += name + "=" + value + ";";
  }
  return out;
}

TEST(CgiHead, TypeAndBody) {
  const auto out = parse("Content-Type: text/plain\n\nhello\n\n");
  EXPECT_EQ(out.progress, Progress::Done);
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.fields, "Content-Type=text/plain;");
  EXPECT_EQ(out.rest, "hello\n\n");
}

TEST(CgiHead, BothLineEndsAlsoMixed) {
  const auto out = parse("Content-Type: a/b\r\nX-One:1\n\r\n\r\n");
  EXPECT_EQ(out.fields, "Content-Type=a/b;X-One=1;");
  EXPECT_EQ(out.rest, "\r\n");
}

TEST(CgiHead, PiecesOfAnySize) {
  const std::string output = "Status: 404 Not Found\r\nContent-Type: a/b\r\n\r\nbody";
  for (std::size_t piece = 1; piece <= output.size(); ++piece) {
    const auto out = parse(output, piece);
    EXPECT_EQ(out.progress, Progress::Done) << piece;
    EXPECT_EQ(out.status, 404) << piece;
    EXPECT_EQ(out.rest, "body") << piece;
  }
}

TEST(CgiHead, StatusIsTakenOutOfTheFields) {
  EXPECT_EQ(parse("status:204\n\n").status, 204);
  EXPECT_EQ(parse("status:204\n\n").fields, "");
  EXPECT_EQ(parse("Status: 599 \n\n").status, 599);
}

TEST(CgiHead, LocationRedirects) {
  EXPECT_EQ(parse("Location: /x\n\n").status, 302);
  EXPECT_EQ(parse("Location: http://a/x\nStatus: 307 T\n\n").status, 307);
}

TEST(CgiHead, WhatIsNone) {
  for (const std::string_view output :
       {"\n", "hello\n\n", "X: 1\n\n", "Status: x\n\n", "Status: 100\n\n", "Status: 2000\n\n",
        "Status: 200x\n\n", "Status:\n\n", "Status: 200\nStatus: 200\n\n",
        "Location: /\nLocation: /\n\n", "Content-Type: a\n b\n\n", "Content-Type : a\n\n",
        "Content-Type: a\rb\n\n", ": a\n\n"}) {
    const auto out = parse(output);
    EXPECT_EQ(out.progress, Progress::Failed) << output;
    EXPECT_FALSE(out.why.empty()) << output;
  }
}

TEST(CgiHead, TheReasonIsFitForALog) {
  const auto out = parse("\x1b[31m" + std::string(1000, 'x') + "\n");
  EXPECT_EQ(out.progress, Progress::Failed);
  EXPECT_EQ(std::count(out.why.begin(), out.why.end(), '\x1b'), 0);
  EXPECT_LT(out.why.size(), 300u);
}

TEST(CgiHead, Bounded) {
  const std::string endless(CgiHeadParser::kMaxBytes + 1, 'x');
  EXPECT_EQ(parse(endless).progress, Progress::Failed);
  EXPECT_EQ(parse(endless, 100).progress, Progress::Failed);
  const std::string fits =
      "Content-Type: " + std::string(CgiHeadParser::kMaxBytes - 16, 'x') + "\n\n";
  EXPECT_EQ(parse(fits).progress, Progress::Done);
  EXPECT_EQ(parse("x" + fits).progress, Progress::Failed);
}

}  // namespace
}  // namespace unbolt::host
