#include "unbolt/providers/kv_postgres/statements.h"

#include <fmt/format.h>
#include <openssl/sha.h>

namespace unbolt::providers::kv_postgres {

StoredKey::StoredKey(std::string_view whole) : key(whole.substr(0, kStart)) {
  if (whole.size() <= kStart) return;
  long_key = true;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(whole.data()), whole.size(), digest);
  key.append(reinterpret_cast<const char*>(digest), sizeof digest);
}

Statements::Statements(std::string_view table) {
  const std::size_t dot = table.find('.');
  auto quoted = [&](std::string_view suffix) {
    if (dot == table.npos) return fmt::format("\"{}{}\"", table, suffix);
    return fmt::format("\"{}\".\"{}{}\"", table.substr(0, dot), table.substr(dot + 1), suffix);
  };
  const std::string kv = quoted(""), watch = quoted("_watch");
  channel = fmt::format("unbolt:{}", table);
  // One row a change, told to those who listen.
  auto told = [&](std::string_view kind, std::string_view key) {
    return fmt::format(
        "(SELECT pg_notify('{}', '{}' || encode($1, 'base64') || ':' || encode({}, 'base64'))"
        " FROM {} WHERE until > now())",
        channel, kind, key, watch);
  };

  // Two hosts that start at once do not meet: the lock is that of the name.
  create = fmt::format(
      "SELECT pg_advisory_xact_lock(hashtext('{0}'));"
      "CREATE TABLE IF NOT EXISTS {1}(bucket bytea NOT NULL, key bytea NOT NULL, long_key bytea,"
      " value bytea NOT NULL, PRIMARY KEY(bucket, key));"
      "CREATE TABLE IF NOT EXISTS {2}(only_row boolean PRIMARY KEY DEFAULT true CHECK(only_row),"
      " until timestamptz NOT NULL);"
      "INSERT INTO {2}(until) VALUES('-infinity') ON CONFLICT DO NOTHING",
      channel, kv, watch);
  is_there = {
      "is_there",
      "SELECT 1 WHERE to_regclass($1::text) IS NOT NULL AND to_regclass($2::text) IS NOT NULL"};
  columns = {"columns", fmt::format("SELECT bucket, key, long_key, value FROM {} LIMIT 0", kv)};

  get = {"get", fmt::format("SELECT value FROM {} WHERE bucket = $1 AND key = $2", kv)};
  exists = {"exists", fmt::format("SELECT 1 FROM {} WHERE bucket = $1 AND key = $2", kv)};
  set = {"set", fmt::format("WITH put AS (INSERT INTO {}(bucket, key, long_key, value)"
                            " VALUES($1, $2, $3, $4)"
                            " ON CONFLICT(bucket, key) DO UPDATE SET value = excluded.value"
                            " RETURNING 1) SELECT {} FROM put",
                            kv, told("s", "coalesce($3, $2)"))};
  remove = {"remove", fmt::format("WITH gone AS (DELETE FROM {} WHERE bucket = $1 AND key = $2"
                                  " RETURNING 1) SELECT {} FROM gone",
                                  kv, told("d", "coalesce($3::bytea, $2)"))};
  // `encode` shows what is no digit; it is asked only of what is short.
  increment = {
      "increment",
      fmt::format(
          "WITH put AS (INSERT INTO {0} AS old(bucket, key, long_key, value)"
          " VALUES($1, $2, $3, convert_to($4::text, 'SQL_ASCII'))"
          " ON CONFLICT(bucket, key) DO UPDATE SET value ="
          "  convert_to((encode(old.value, 'escape')::numeric + $4::numeric)::text, 'SQL_ASCII')"
          " WHERE CASE WHEN length(old.value) > 1024 THEN false"
          "  WHEN encode(old.value, 'escape') !~ '^[0-9]+$' THEN false"
          "  ELSE encode(old.value, 'escape')::numeric <= 18446744073709551615"
          "   AND encode(old.value, 'escape')::numeric + $4::numeric <= 18446744073709551615 END"
          " RETURNING value) SELECT value, {1} FROM put",
          kv, told("s", "coalesce($3, $2)"))};
  // One of the two does something. An update that waits for another looks at the value again.
  compare_and_set = {
      "compare_and_set",
      fmt::format("WITH put AS (INSERT INTO {0}(bucket, key, long_key, value)"
                  " SELECT $1::bytea, $2::bytea, $3::bytea, $4::bytea WHERE $5::bytea IS NULL"
                  " ON CONFLICT(bucket, key) DO NOTHING RETURNING 1),"
                  " changed AS (UPDATE {0} SET value = $4"
                  " WHERE bucket = $1 AND key = $2 AND value = $5 RETURNING 1)"
                  " SELECT {1} FROM (SELECT FROM put UNION ALL SELECT FROM changed) AS done",
                  kv, told("s", "coalesce($3, $2)"))};
  list_first = {"list_first", fmt::format("SELECT coalesce(long_key, key) FROM {} AS kv"
                                          " WHERE bucket = $1 ORDER BY kv.key LIMIT $2",
                                          kv)};
  list_next = {"list_next",
               fmt::format("SELECT coalesce(long_key, key) FROM {} AS kv"
                           " WHERE bucket = $1 AND kv.key > $2 ORDER BY kv.key LIMIT $3",
                           kv)};
  // The sum first: what would be too large is not sent.
  get_many = {
      "get_many",
      fmt::format("WITH found AS (SELECT wanted.place, kv.value"
                  "  FROM unnest($2::bytea[]) WITH ORDINALITY AS wanted(key, place)"
                  "  JOIN {} AS kv ON kv.bucket = $1 AND kv.key = wanted.key),"
                  " size AS (SELECT coalesce(sum(length(value)), 0)::int8 AS bytes FROM found)"
                  " SELECT 0::int8, NULL::bytea, bytes FROM size UNION ALL"
                  " SELECT found.place, found.value, 0::int8 FROM found, size"
                  " WHERE size.bytes <= $3",
                  kv)};
  set_many = {"set_many",
              fmt::format("WITH put AS (INSERT INTO {}(bucket, key, long_key, value)"
                          " SELECT $1, pair.key, pair.long_key, pair.value"
                          " FROM unnest($2::bytea[], $3::bytea[], $4::bytea[])"
                          " AS pair(key, long_key, value)"
                          " ON CONFLICT(bucket, key) DO UPDATE SET value = excluded.value"
                          " RETURNING key, long_key) SELECT {} FROM put",
                          kv, told("s", "coalesce(put.long_key, put.key)"))};
  remove_many = {"remove_many",
                 fmt::format("WITH chosen AS (SELECT kv.key FROM {0} AS kv WHERE kv.bucket = $1"
                             "  AND kv.key = ANY($2::bytea[]) ORDER BY kv.key FOR UPDATE),"
                             " gone AS (DELETE FROM {0} AS kv USING chosen WHERE kv.bucket = $1"
                             "  AND kv.key = chosen.key RETURNING kv.key, kv.long_key)"
                             " SELECT {1} FROM gone",
                             kv, told("d", "coalesce(gone.long_key, gone.key)"))};
  // One seek a bucket, however many keys it has.
  auto buckets = [&](std::string_view after, int rows) {
    return fmt::format(
        "WITH RECURSIVE found(name) AS ((SELECT bucket FROM {0} {1}"
        "  ORDER BY bucket LIMIT 1) UNION ALL"
        " SELECT (SELECT bucket FROM {0} WHERE bucket > found.name"
        "  ORDER BY bucket LIMIT 1) FROM found WHERE found.name IS NOT NULL)"
        " SELECT name FROM found WHERE name IS NOT NULL LIMIT ${2}",
        kv, after, rows);
  };
  buckets_first = {"buckets_first", buckets("", 1)};
  buckets_next = {"buckets_next", buckets("WHERE bucket > $1", 2)};

  // The lock waits for the writes that began before: they did not see that somebody listens.
  const std::string until = fmt::format(
      "INSERT INTO {0} AS row(until) VALUES(now() + interval '60 s')"
      " ON CONFLICT(only_row) DO UPDATE SET until = greatest(row.until, excluded.until)",
      watch);
  listen = fmt::format("LISTEN \"{}\"; LOCK TABLE {} IN SHARE MODE; {}", channel, kv, until);
  listen_on = {"listen_on", until};
}

Parameters& add_key(Parameters& to, const StoredKey& key, std::string_view whole) {
  to.add(key.key);
  return key.is_long() ? to.add(whole) : to.add_null();
}

void ByteArray::add(std::string_view bytes) {
  postgres::append_number(items_, bytes.size(), 4);
  items_ += bytes;
  ++count_;
}

void ByteArray::add_null() {
  postgres::append_number(items_, 0xffffffff, 4);
  has_null_ = true;
  ++count_;
}

std::string ByteArray::take() && {
  constexpr std::uint64_t kBytea = 17;
  std::string out;
  postgres::append_number(out, count_ > 0 ? 1 : 0, 4);  // dimensions
  postgres::append_number(out, has_null_ ? 1 : 0, 4);
  postgres::append_number(out, kBytea, 4);
  if (count_ > 0) {
    postgres::append_number(out, count_, 4);
    postgres::append_number(out, 1, 4);  // the first index
  }
  return out + items_;
}

}  // namespace unbolt::providers::kv_postgres
