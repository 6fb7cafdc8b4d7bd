// postgres_library: libpq, loaded when it is first needed: one machine's store needs none. Only
// postgres uses this.
#pragma once

#include <postgresql/libpq-fe.h>

#include "base/error.h"

namespace b24 {

// clang-format off
#define B24_POSTGRES_FUNCTIONS(EACH)                                                          \
  EACH(conninfoParse) EACH(conninfoFree) EACH(freemem) EACH(connectStartParams)               \
  EACH(connectPoll) EACH(status) EACH(socket) EACH(user) EACH(host) EACH(errorMessage)        \
  EACH(finish) EACH(backendPID) EACH(setnonblocking) EACH(setNoticeReceiver)                  \
  EACH(transactionStatus) EACH(sendQuery) EACH(sendPrepare) EACH(sendQueryPrepared)           \
  EACH(flush) EACH(consumeInput) EACH(isBusy) EACH(getResult) EACH(clear) EACH(resultStatus)  \
  EACH(resultErrorField) EACH(resultErrorMessage) EACH(ntuples) EACH(getvalue)                \
  EACH(getlength) EACH(cmdTuples) EACH(getCancel) EACH(cancel) EACH(freeCancel) EACH(notifies)  \
  EACH(connectionNeedsPassword)
// clang-format on

// The functions that are used, under their own names, without "PQ".
struct Libpq {
#define B24_MEMBER(name) decltype(&PQ##name) name;  // NOLINT(bugprone-macro-parentheses)
  B24_POSTGRES_FUNCTIONS(B24_MEMBER)
#undef B24_MEMBER
};

// Loads it once, whoever of the threads comes first; an Error of kind settings, "libpq_missing",
// when there is none, or when the program is a static one, which can load nothing.
const Result<Libpq>& postgres_library();

}  // namespace b24
