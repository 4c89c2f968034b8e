#include "unbolt/host/router.h"

#include <gtest/gtest.h>

#include <string>

namespace unbolt::host {
namespace {

constexpr TargetId kNobody{99};

TargetId id(unsigned number) { return TargetId{number}; }

RouteTable table(const std::vector<Route>& routes) {
  auto made = RouteTable::make(routes);
  EXPECT_TRUE(made) << made.error().message;
  return made ? std::move(*made) : RouteTable();
}

TEST(RouteTable, TakesTheLongestPath) {
  const auto routes = table({{"", "/", id(0)}, {"", "/shop", id(1)}, {"", "/shop/cart/", id(2)}});
  const auto find = [&](std::string_view target) {
    return routes.find("example", target).value_or(kNobody);
  };
  EXPECT_EQ(find("/"), id(0));
  EXPECT_EQ(find("/?a=/shop"), id(0));
  EXPECT_EQ(find("/shopping"), id(0));
  EXPECT_EQ(find("/shop"), id(1));
  EXPECT_EQ(find("/shop?x"), id(1));
  EXPECT_EQ(find("/shop/"), id(1));
  EXPECT_EQ(find("/shop/cart"), id(2));
  EXPECT_EQ(find("/shop/cart/1/2/3"), id(2));
  EXPECT_EQ(find("/shop/carts"), id(1));
  EXPECT_EQ(find("*"), id(0));  // OPTIONS * of the server itself
}

TEST(RouteTable, TakesTheMostExactHost) {
  const auto routes = table({{"", "/any", id(0)},
                             {"a.example", "/", id(1)},
                             {"*.example", "/", id(2)},
                             {"*.b.example", "/", id(3)}});
  const auto find = [&](std::string_view host, std::string_view target) {
    return routes.find(host, target).value_or(kNobody);
  };
  EXPECT_EQ(find("a.example", "/"), id(1));
  EXPECT_EQ(find("A.Example:8080", "/x"), id(1));
  EXPECT_EQ(find("c.example", "/"), id(2));
  EXPECT_EQ(find("c.b.example", "/"), id(3));
  EXPECT_EQ(find("example", "/"), kNobody);
  EXPECT_EQ(find("example", "/any"), id(0));
  EXPECT_EQ(find("[::1]:80", "/any/thing"), id(0));
  EXPECT_EQ(find("", "/any"), id(0));
}

TEST(RouteTable, RefusesTwoOfTheSame) {
  EXPECT_FALSE(RouteTable::make({{"A.example", "/x", id(0)}, {"a.example", "/x/", id(1)}}));
  EXPECT_FALSE(RouteTable::make({{"", "x", id(0)}}));
}

// A path is as long as a request's head may be; only so much of it is looked at as routes have.
TEST(RouteTable, LongPathsAreCheap) {
  const auto routes = table({{"", "/a/b", id(0)}});
  std::string path = "/a/b";
  for (int i = 0; i < 100'000; ++i) path += "/";
  EXPECT_EQ(routes.find("x", path), id(0));
  EXPECT_EQ(routes.find("x", std::string(100'000, '/')), std::nullopt);
}

}  // namespace
}  // namespace unbolt::host
