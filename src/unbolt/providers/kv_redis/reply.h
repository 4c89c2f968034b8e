// What the server answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

struct redisReply;

namespace unbolt::providers::redis {

struct FreeReply {
  void operator()(redisReply* reply) const;
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

// Looks at a reply, or at an element of one; the owner outlives it.
class ReplyView {
 public:
  explicit ReplyView(const redisReply* reply) : reply_(reply) {}

  bool is_nil() const;
  bool is_text() const;  // a string or a status
  bool is_number() const;
  bool is_array() const;
  bool is_error() const;
  std::string_view text() const;  // of a text or an error
  std::int64_t number() const;
  std::size_t size() const;  // elements of an array, else 0
  ReplyView operator[](std::size_t i) const;

 private:
  const redisReply* reply_;
};

// What a reply of the kind error means, as one of our errors. `server` is who said it.
Error error_of(std::string_view text, std::string_view server);
// For an answer that no server gives to what was asked.
Error unexpected_reply(std::string_view server);

}  // namespace unbolt::providers::redis
