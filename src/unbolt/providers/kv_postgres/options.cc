#include "unbolt/providers/kv_postgres/options.h"

#include <algorithm>
#include <string_view>

namespace unbolt::providers {
namespace {

// A schema and a name are identifiers of at most 63 bytes; the channel has the name in it.
constexpr std::size_t kLongestTable = 48;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view text) {
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); });
}

bool is_table(std::string_view text) {
  if (text.size() > kLongestTable) return false;
  std::size_t dot = text.find('.');
  if (dot == text.npos) return is_identifier(text);
  return is_identifier(text.substr(0, dot)) && is_identifier(text.substr(dot + 1));
}

}  // namespace

Result<KvPostgresOptions> KvPostgresOptions::of(const contracts::ProviderUrl& url) {
  KvPostgresOptions options;
  UNBOLT_ASSIGN(static_cast<postgres::ServerOptions&>(options),
                postgres::ServerOptions::of(url, std::chrono::seconds(5), {"table"}));
  if (auto found = url.query.find("table"); found != url.query.end()) {
    options.table = found->second;
    if (!is_table(options.table)) {
      return fail(
          ErrorCode::InvalidArgument,
          "'{}': a table is NAME or SCHEMA.NAME, of letters, digits and '_', at most {} in all",
          url.shown(), kLongestTable);
    }
  }
  return options;
}

}  // namespace unbolt::providers
