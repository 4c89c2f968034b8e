#include "unbolt/contracts/server_address.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

Result<ServerAddress> parsed(std::string_view text) {
  auto url = parse_provider_url(text);
  if (!url) return std::unexpected(url.error());
  return parse_server_address(*url, 6379, "redis://localhost:6379/0");
}

TEST(ServerAddress, IsReadFromTheUrl) {
  auto address = parsed("redis://me:p%40ss%3A%2F@db.example:7000/3?timeout=5s");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->user, "me");
  EXPECT_EQ(address->password, "p@ss:/");
  EXPECT_EQ(address->host, "db.example");
  EXPECT_EQ(address->port, 7000);
  EXPECT_EQ(address->path, "3");
  EXPECT_EQ(address->shown(), "db.example:7000");

  address = parsed("redis://:secret@[::1]");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->user, "");
  EXPECT_EQ(address->password, "secret");
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 6379);
  EXPECT_EQ(address->shown(), "[::1]:6379");
}

TEST(ServerAddress, RefusesWhatIsNoneAndKeepsThePassword) {
  for (std::string_view text :
       {"redis:", "redis:host", "redis://", "redis://:hidden@", "redis://u:hidden@:6379",
        "redis://u:hidden@host:0", "redis://u:hidden@host:65536", "redis://u:hidden@host:x",
        "redis://u:hidden@[::1", "redis://u:hidden@[::1]x", "redis://u:hidden@host:"}) {
    auto address = parsed(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::InvalidArgument) << text;
    EXPECT_FALSE(address.error().message.contains("hidden")) << address.error().message;
    EXPECT_EQ(address.error().hint, "write redis://localhost:6379/0");
  }
  for (std::string_view text : {"redis://u:hid%zzden@host", "redis://u:hid/den@host"}) {
    auto broken = parsed(text);
    ASSERT_FALSE(broken) << text;
    EXPECT_FALSE(broken.error().message.contains("hid")) << broken.error().message;
  }
}

}  // namespace
}  // namespace unbolt::contracts
