#include "unbolt/providers/kv_redis/reply.h"

#include <hiredis/hiredis.h>

#include "unbolt/contracts/text.h"

namespace unbolt::providers::redis {

void FreeReply::operator()(redisReply* reply) const { freeReplyObject(reply); }

bool ReplyView::is_nil() const { return reply_->type == REDIS_REPLY_NIL; }
bool ReplyView::is_text() const {
  return reply_->type == REDIS_REPLY_STRING || reply_->type == REDIS_REPLY_STATUS;
}
bool ReplyView::is_number() const { return reply_->type == REDIS_REPLY_INTEGER; }
bool ReplyView::is_array() const { return reply_->type == REDIS_REPLY_ARRAY; }
bool ReplyView::is_error() const { return reply_->type == REDIS_REPLY_ERROR; }
std::string_view ReplyView::text() const { return {reply_->str, reply_->len}; }
std::int64_t ReplyView::number() const { return reply_->integer; }
std::size_t ReplyView::size() const { return is_array() ? reply_->elements : 0; }
ReplyView ReplyView::operator[](std::size_t i) const { return ReplyView(reply_->element[i]); }

Error error_of(std::string_view text, std::string_view server) {
  struct Known {
    std::string_view start;
    ErrorCode code;
    std::string_view hint;
  };
  static constexpr Known kKnown[] = {
      {"WRONGPASS", ErrorCode::Denied, "check the user and the password in the URL"},
      {"NOAUTH", ErrorCode::Denied, "it wants a password: write redis://:PASSWORD@HOST"},
      {"ERR AUTH", ErrorCode::Denied, "it has no password: leave it out of the URL"},
      {"ERR invalid password", ErrorCode::Denied, "check the password in the URL"},
      {"NOPERM", ErrorCode::Denied, "give this user the commands and keys (ACL SETUSER)"},
      {"ERR DB index", ErrorCode::NotFound, "name a database that it has (its option `databases`)"},
      {"ERR invalid DB", ErrorCode::NotFound, "the database is a number: redis://HOST/0"},
      {"OOM", ErrorCode::LimitExceeded, "its memory is full: raise maxmemory, or remove keys"},
      {"WRONGTYPE", ErrorCode::Conflict,
       "another program uses the same names: set another prefix="},
      {"MISCONF", ErrorCode::Unavailable, "it cannot write to its disk"},
      {"READONLY", ErrorCode::Unavailable, "it is a replica: name the primary"},
      {"MOVED", ErrorCode::Unsupported, "it is a cluster, which this provider does not use"},
      {"CROSSSLOT", ErrorCode::Unsupported, "it is a cluster, which this provider does not use"},
      {"CLUSTERDOWN", ErrorCode::Unsupported, "it is a cluster, which this provider does not use"},
      {"ERR unknown command", ErrorCode::Unsupported, "a Redis of version 6 or later is needed"},
      {"LOADING", ErrorCode::Unavailable, {}},
      {"BUSY", ErrorCode::Unavailable, {}},
      {"MASTERDOWN", ErrorCode::Unavailable, {}},
      {"NOREPLICAS", ErrorCode::Unavailable, {}},
      {"ERR max number of clients", ErrorCode::Unavailable, "raise its option maxclients"},
  };
  Error error{ErrorCode::Unavailable,
              fmt::format("{} refused: {}", server, contracts::printable(text, 200)),
              {}};
  for (const Known& known : kKnown) {
    if (!text.starts_with(known.start)) continue;
    error.code = known.code;
    error.hint = known.hint;
    break;
  }
  return error;
}

Error unexpected_reply(std::string_view server) {
  return Error{ErrorCode::ProtocolError,
               fmt::format("{} answered what this program does not understand", server),
               "is it a Redis server, and nothing else writes under this prefix?"};
}

}  // namespace unbolt::providers::redis
