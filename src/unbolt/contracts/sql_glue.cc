// wasi:sql@0.2.0-draft onto Sql.
#include <algorithm>
#include <limits>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/held_bytes.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

constexpr std::size_t kMaxName = 256;  // of a database

// resource error
struct SqlError {
  std::string text;
};
template <class T>
using SqlResult = std::expected<T, Own<SqlError>>;

// resource statement
struct SqlStatement {
  std::string query;
  std::vector<std::string> parameters;
  HeldBytes held;
};

// resource connection: a name, and by it (or as it was chosen when it was opened) a link. The
// provider is looked up for each statement; but a transaction stays with the one it began on.
struct SqlHandle {
  std::string name;
  ChosenLink link;
  std::shared_ptr<Sql> provider;  // whose session it is
  std::unique_ptr<SqlSession> session;
};

std::unexpected<Own<SqlError>> failed(const Error& error) {
  std::string text = error.message;
  if (!error.hint.empty()) text += " (" + error.hint + ")";
  return std::unexpected(Own<SqlError>(std::make_unique<SqlError>(std::move(text))));
}

std::string trace(Call&, Borrow<SqlError> error) { return error->text; }

SqlResult<Own<SqlStatement>> prepare(Call& call, std::string_view query,
                                     std::vector<std::string_view> parameters) {
  if (auto ok = check_statement(query, parameters); !ok) return failed(ok.error());
  std::uint64_t bytes = sizeof(SqlStatement) + query.size();
  for (std::string_view parameter : parameters) bytes += sizeof(std::string) + parameter.size();
  Own<SqlStatement> statement(new SqlStatement{{}, {}, HeldBytes(call.host<Guest>().held_bytes)});
  if (!statement->held.resize(bytes)) {
    return failed(Error{ErrorCode::LimitExceeded,
                        fmt::format("the handles of this instance take more than {} bytes "
                                    "together, with the statements behind them",
                                    kMaxHeldBytes),
                        "drop statements that have run"});
  }
  statement->query = query;
  statement->parameters.assign(parameters.begin(), parameters.end());
  return statement;
}

// The name is that of a link; the link without a name serves every other one.
SqlResult<Own<SqlHandle>> open(Call& call, std::string_view name) {
  if (name.size() > kMaxName) {
    return failed(Error{ErrorCode::LimitExceeded,
                        fmt::format("the name of a database has {} bytes: at most {} are allowed",
                                    name.size(), kMaxName),
                        {}});
  }
  const Guest& guest = call.host<Guest>();
  ChosenLink link = guest.chosen.copy(Choosable::Sql);
  if (!guest.links->sql.find(to_pointer(link), name)) {
    return failed(Error{ErrorCode::NotFound,
                        fmt::format("no database is linked under the name '{}'", name),
                        "link one, as in wasi:sql=sqlite:app.db"});
  }
  return std::make_unique<SqlHandle>(
      SqlHandle{std::string(name), std::move(link), nullptr, nullptr});
}

// Not null: nobody has a handle of what is not linked, and links come and go with instances.
SqlSession& session(Call& call, SqlHandle& handle) {
  if (handle.session && handle.session->in_transaction()) return *handle.session;
  const auto& linked = call.host<Guest>().links->sql.find(to_pointer(handle.link), handle.name);
  if (handle.provider != linked) {
    handle.session = linked->session();
    handle.provider = linked;
  }
  return *handle.session;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

SqlResult<SqlCells> to_cells(Result<SqlCells> cells) {
  if (!cells) return failed(cells.error());
  return std::move(*cells);
}
Task<SqlResult<SqlCells>> to_cells_later(Task<Result<SqlCells>> cells) {
  co_return to_cells(co_await std::move(cells));
}
Reply<SqlResult<SqlCells>> query(Call& call, Borrow<SqlHandle> handle,
                                 Borrow<SqlStatement> statement) {
  auto cells = session(call, *handle).query(statement->query, views(statement->parameters));
  if (cells.ready()) return to_cells(std::move(cells).take());
  return to_cells_later(std::move(cells).task());
}

SqlResult<std::uint32_t> to_count(Result<std::uint64_t> count) {
  if (!count) return failed(count.error());
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(*count, std::numeric_limits<std::uint32_t>::max()));
}
Task<SqlResult<std::uint32_t>> to_count_later(Task<Result<std::uint64_t>> count) {
  co_return to_count(co_await std::move(count));
}
Reply<SqlResult<std::uint32_t>> exec(Call& call, Borrow<SqlHandle> handle,
                                     Borrow<SqlStatement> statement) {
  auto count = session(call, *handle).exec(statement->query, views(statement->parameters));
  if (count.ready()) return to_count(std::move(count).take());
  return to_count_later(std::move(count).task());
}

}  // namespace

void add_sql(component::HostInterfaces& host) {
  host.add("wasi:sql/types@0.2.0-draft")
      .resource<SqlStatement>("statement")
      .resource<SqlError>("error")
      .resource<SqlHandle>("connection")
      .func<&prepare>("[static]statement.prepare")
      .func<&trace>("[method]error.trace")
      .func<&open>("[static]connection.open");
  host.add("wasi:sql/readwrite@0.2.0-draft").func<&query>("query").func<&exec>("exec");
}

}  // namespace unbolt::contracts
