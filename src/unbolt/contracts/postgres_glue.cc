// wasmcloud:postgres@0.1.1-draft onto Postgres.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Call;

// variant query-error { invalid-params(string), invalid-query(string), unexpected(string) }
using QueryError = std::variant<std::string, std::string, std::string>;
// variant statement-prepare-error { unexpected(string) }
using PrepareError = std::variant<std::string>;
// variant prepared-statement-exec-error { unknown-prepared-query, query-error(query-error),
//   unexpected(string) }
using ExecError = std::variant<std::monostate, QueryError, std::string>;

std::string text(Error error) {
  if (!error.hint.empty()) error.message += " (" + error.hint + ")";
  return std::move(error.message);
}

QueryError query_error(Error error) {
  // Whose fault it is: a value's, the statement's, or neither's.
  const auto code = error.code;
  const bool of_value = error.message.starts_with("$");
  std::string why = text(std::move(error));
  if (of_value) return QueryError(std::in_place_index<0>, std::move(why));
  if (code == ErrorCode::InvalidArgument || code == ErrorCode::Conflict ||
      code == ErrorCode::Denied)
    return QueryError(std::in_place_index<1>, std::move(why));
  return QueryError(std::in_place_index<2>, std::move(why));
}
PrepareError prepare_error(Error error) { return PrepareError(text(std::move(error))); }
ExecError exec_error(Error error) {
  if (error.code == ErrorCode::NotFound) return ExecError(std::in_place_index<0>);
  return ExecError(std::in_place_index<1>, query_error(std::move(error)));
}

const Error& not_linked() {
  static const Error error{ErrorCode::Unavailable, "no provider of wasmcloud:postgres is linked",
                           "link one, as in wasmcloud:postgres=postgres://HOST/DATABASE"};
  return error;
}

template <class T, class E>
std::expected<T, E> converted(Result<T> result, E (*convert)(Error)) {
  if (!result) return std::unexpected(convert(std::move(result.error())));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}
template <class T, class E>
Task<std::expected<T, E>> converted_later(std::shared_ptr<Postgres> /*held*/,
                                          Task<Result<T>> result, E (*convert)(Error)) {
  co_return converted(co_await std::move(result), convert);
}

// What `ask` (`Reply<Result<T>>(Postgres&)`) of the linked provider answers.
template <class T, class E, class Ask>
Reply<std::expected<T, E>> with_provider(Call& call, E (*convert)(Error), Ask ask) {
  const Guest& guest = call.host<Guest>();
  const auto& linked = guest.links->postgres.find(guest.chosen.find(Choosable::Postgres), {});
  if (!linked) return std::expected<T, E>(std::unexpected(convert(not_linked())));
  Reply<Result<T>> reply = ask(*linked);
  if (reply.ready()) return converted(std::move(reply).take(), convert);
  return converted_later(linked, std::move(reply).task(), convert);
}

Reply<std::expected<PgRows, QueryError>> query(Call& call, std::string_view statement,
                                               std::vector<PgValue> values) {
  return with_provider<PgRows>(call, query_error, [&](Postgres& postgres) {
    return postgres.query(statement, std::move(values));
  });
}
Reply<std::expected<void, QueryError>> query_batch(Call& call, std::string_view statements) {
  return with_provider<void>(call, query_error,
                             [&](Postgres& postgres) { return postgres.query_batch(statements); });
}
Reply<std::expected<std::string, PrepareError>> prepare(Call& call, std::string_view statement) {
  return with_provider<std::string>(
      call, prepare_error, [&](Postgres& postgres) { return postgres.prepare(statement); });
}
Reply<std::expected<std::uint64_t, ExecError>> exec(Call& call, std::string_view token,
                                                    std::vector<PgValue> values) {
  return with_provider<std::uint64_t>(call, exec_error, [&](Postgres& postgres) {
    return postgres.exec(token, std::move(values));
  });
}

}  // namespace

void add_postgres(component::HostInterfaces& host) {
  // The types are here by their shape; the interface has no functions.
  host.add("wasmcloud:postgres/types@0.1.1-draft");
  host.add("wasmcloud:postgres/query@0.1.1-draft")
      .func<&query>("query")
      .func<&query_batch>("query-batch");
  host.add("wasmcloud:postgres/prepared@0.1.1-draft").func<&prepare>("prepare").func<&exec>("exec");
}

}  // namespace unbolt::contracts
