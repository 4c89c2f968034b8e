#include "unbolt/providers/kv_redis/scripts.h"

#include <openssl/sha.h>

#include <fmt/format.h>

namespace unbolt::providers::redis {
namespace {

// `ChangeMessage` reads it. A large value is not told: it would fill the server's buffers for those
// who listen.
constexpr char kTell[] = R"lua(
local function tell(kind, key, value)
  if #value > 16384 then kind, value = 'f', '' end
  redis.call('PUBLISH', ARGV[1],
             struct.pack('>c1I2I2', kind, #ARGV[2], #key) .. ARGV[2] .. key .. value)
end
)lua";

constexpr char kPut[] = R"lua(
local function put(key, value)
  if redis.call('HSET', KEYS[1], key, value) == 1 then
    redis.call('ZADD', KEYS[2], 0, key)
    redis.call('ZADD', KEYS[3], 0, ARGV[2])
  end
  tell('s', key, value)
end
)lua";

}  // namespace

Script Script::of(std::string text) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string hexadecimal;
  for (unsigned char byte : digest) hexadecimal += fmt::format("{:02x}", byte);
  return Script{std::move(text), std::move(hexadecimal)};
}

std::string Scripts::text_of_set() {
  return std::string(kTell) + kPut + R"lua(
for i = 3, #ARGV, 2 do put(ARGV[i], ARGV[i + 1]) end
return 1
)lua";
}

std::string Scripts::text_of_remove() {
  return std::string(kTell) + R"lua(
for i = 3, #ARGV do
  if redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call('ZREM', KEYS[2], ARGV[i])
    tell('d', ARGV[i], '')
  end
end
if redis.call('HLEN', KEYS[1]) == 0 then redis.call('ZREM', KEYS[3], ARGV[2]) end
return 1
)lua";
}

// Lua's numbers hold 53 bits: larger ones are added digit by digit.
std::string Scripts::text_of_increment() {
  return std::string(kTell) + kPut + R"lua(
local function sum_of(a, b)
  if #a <= 15 and #b <= 15 then return string.format('%.0f', tonumber(a) + tonumber(b)) end
  local digits, carry = {}, 0
  for i = 0, math.max(#a, #b) - 1 do
    local x = i < #a and a:byte(#a - i) or 48
    local y = i < #b and b:byte(#b - i) or 48
    local sum = x + y - 96 + carry
    carry = sum > 9 and 1 or 0
    digits[#digits + 1] = sum % 10
  end
  if carry == 1 then digits[#digits + 1] = 1 end
  return table.concat(digits):reverse()
end
local function fits(number)
  return #number < 20 or #number == 20 and number <= '18446744073709551615'
end
local old = redis.call('HGET', KEYS[1], ARGV[3]) or '0'
local number = #old <= 1024 and old:match('^%d+$')
number = number and number:gsub('^0+(%d)', '%1')
if not number or not fits(number) then return {0, old:sub(1, 1025)} end
local sum = sum_of(number, ARGV[4])
if not fits(sum) then return {0, old} end
put(ARGV[3], sum)
return {1, sum}
)lua";
}

std::string Scripts::text_of_compare_and_set() {
  return std::string(kTell) + kPut + R"lua(
local found = redis.call('HGET', KEYS[1], ARGV[3])
local expected = ARGV[4] == '1' and ARGV[5]
if found ~= expected then return 0 end
put(ARGV[3], ARGV[6])
return 1
)lua";
}

std::string Scripts::text_of_get_many() {
  return R"lua(
local bytes, most = 0, tonumber(ARGV[1])
for i = 2, #ARGV do
  bytes = bytes + redis.call('HSTRLEN', KEYS[1], ARGV[i])
  if bytes > most then return bytes end
end
local found = {}
for i = 2, #ARGV do found[i - 1] = redis.call('HGET', KEYS[1], ARGV[i]) end
return found
)lua";
}

}  // namespace unbolt::providers::redis
