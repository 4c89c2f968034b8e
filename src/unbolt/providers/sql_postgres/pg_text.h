// PostgreSQL's text format of values, both ways, by C++ type. Nothing is read that is not wholly
// understood.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/contracts/postgres_types.h"
#include "unbolt/contracts/sql.h"

namespace unbolt::providers::sql_postgres {

// ---- Numbers as mantissa, exponent and sign

contracts::PgFloat from_double(double value);
contracts::PgFloat from_float(float value);
double to_double(const contracts::PgFloat& parts);
double to_float(const contracts::PgFloat& parts);

// ---- Reading

// How large an answer is so far, in memory: where a text is short, its value may be long.
class AnswerSize {
 public:
  explicit AnswerSize(std::size_t& bytes) : bytes_(bytes) {}
  // A piece of a value. False where the answer becomes too large: it is not read then.
  bool add(std::size_t bytes) {
    bytes_ += contracts::SqlLimits::kCell + bytes;
    return bytes_ <= contracts::SqlLimits::kAnswer;
  }

 private:
  std::size_t& bytes_;
};

bool read(std::string_view text, double& out);  // also NaN and Infinity
bool read(std::string_view text, contracts::PgDate& out);
bool read(std::string_view text, contracts::PgTime& out);
bool read(std::string_view text, contracts::PgTimeTz& out);
bool read(std::string_view text, contracts::PgTimestamp& out);
bool read(std::string_view text, contracts::PgTimestampTz& out);
bool read(std::string_view text, contracts::PgInterval& out);  // a daterange
bool read(std::string_view text, contracts::PgMac& out);
bool read(std::string_view text, contracts::PgMac8& out);
// A tsvector; nothing for one whose words are not UTF-8.
bool read(std::string_view text, std::vector<contracts::PgLexeme>& out, AnswerSize& size);
// All numbers in a geometric value, in their order, with the brackets around them.
std::optional<std::vector<double>> numbers_in(std::string_view text, AnswerSize& size);
// "0101": how many, and the bits from the highest of the first byte on.
bool read_bits(std::string_view text, std::uint32_t& count, Bytes& out);
// Each element of "{a,"b c"}", in its order, until `each` says no. False then, and for an array
// with NULL in it or of several dimensions.
bool for_each_element(std::string_view text, char delimiter,
                      const std::function<bool(std::string_view)>& each);

// ---- Writing

std::string text_of(double value);
std::string text_of(const contracts::PgPoint& point);
std::string text_of(const std::vector<contracts::PgPoint>& points);  // "(x,y),(x,y)"
std::string text_of(const contracts::PgDate& date);
std::string text_of(const contracts::PgTime& time);
std::string text_of(const contracts::PgTimeTz& time);
std::string text_of(const contracts::PgTimestamp& time);
std::string text_of(const contracts::PgTimestampTz& time);
std::string text_of(const contracts::PgInterval& range);
std::string text_of(const contracts::PgMac& address);
std::string text_of(const contracts::PgMac8& address);
std::string text_of(const std::vector<contracts::PgLexeme>& vector);
std::string text_of(const std::vector<std::tuple<std::string, std::optional<std::string>>>& hstore);
// Nothing where there are fewer bits than `count`.
std::optional<std::string> bits_of(std::uint32_t count, const Bytes& bytes);
std::string hex_of(const Bytes& bytes);  // "\x00ff"
// In quotes, as within an array.
std::string in_quotes(std::string_view text);

}  // namespace unbolt::providers::sql_postgres
