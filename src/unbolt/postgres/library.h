// PostgreSQL's client library, loaded when a provider first needs it: it brings two dozen others
// along, which a host without PostgreSQL should not have to read at its start.
#pragma once

#include <libpq-fe.h>

#include "unbolt/base/error.h"

namespace unbolt::postgres {

// Its functions, by their names.
struct Library {
#define UNBOLT_PQ_FUNCTIONS(use)                                                                \
  use(PQconninfoParse) use(PQconninfoFree) use(PQconnectStartParams) use(PQconnectPoll)         \
      use(PQfinish) use(PQstatus) use(PQerrorMessage) use(PQsocket) use(PQsetnonblocking)       \
          use(PQsendQuery) use(PQsendPrepare) use(PQsendQueryPrepared) use(PQflush)             \
              use(PQconsumeInput) use(PQisBusy) use(PQgetResult) use(PQnotifies) use(PQfreemem) \
                  use(PQclear) use(PQresultStatus) use(PQresultErrorField) use(PQntuples)       \
                      use(PQnfields) use(PQgetvalue) use(PQgetlength) use(PQgetisnull)          \
                          use(PQsetNoticeReceiver) use(PQhost) use(PQport) use(PQftype)         \
                              use(PQfname) use(PQcmdStatus) use(PQcmdTuples)                    \
                                  use(PQsetSingleRowMode) use(PQtransactionStatus)              \
                                      use(PQgetCancel) use(PQfreeCancel) use(PQcancel)          \
                                          use(PQserverVersion) use(PQparameterStatus)
#define UNBOLT_PQ_MEMBER(name) decltype(&::name) name = nullptr;
  UNBOLT_PQ_FUNCTIONS(UNBOLT_PQ_MEMBER)
#undef UNBOLT_PQ_MEMBER

  // Loads it once; Unsupported, with what to install, where it is not there.
  static Result<const Library*> load();
};

// What `load` has answered before.
const Library& pq();

}  // namespace unbolt::postgres
