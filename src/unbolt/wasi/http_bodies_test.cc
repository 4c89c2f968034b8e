#include <gtest/gtest.h>

#include "unbolt/wasi/http_types.h"

namespace unbolt::wasi {
namespace {

// A body that was written before its request is sent is held against the length it declared.
TEST(OutgoingBodySink, IsAsLongAsItDeclared) {
  asio::io_context io;
  OutgoingBodySink exact(io.get_executor(), 3);
  EXPECT_TRUE(exact.write(as_bytes("abc")).take());
  EXPECT_TRUE(exact.finish({}));

  OutgoingBodySink shorter(io.get_executor(), 11);
  EXPECT_TRUE(shorter.write(as_bytes("abc")).take());
  const auto finished = shorter.finish({});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, ErrorCode::ProtocolError);
  EXPECT_EQ(shorter.written(), 3u);

  OutgoingBodySink longer(io.get_executor(), 3);
  const auto written = longer.write(as_bytes("abcd")).take();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::LimitExceeded);
  EXPECT_FALSE(longer.open());

  OutgoingBodySink any(io.get_executor(), std::nullopt);
  EXPECT_TRUE(any.write(as_bytes("abcd")).take());
  EXPECT_TRUE(any.finish({}));
}

}  // namespace
}  // namespace unbolt::wasi
