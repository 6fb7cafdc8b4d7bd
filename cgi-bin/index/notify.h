// notify: tells the owner, by a program or by mail, when leads wait too long, and again when all is
// well.
#pragma once

#include "keep/store.h"
#include "settings/app.h"
#include "settings/notice.h"

namespace b24 {

// Looks at the store; sends one message when a lead has waited longer than notify.after or has
// failed since the last message, and one digest once none waits any more. What was sent is
// remembered in the store, so several processes tell once. Call it now and then; it is cheap while
// nothing is wrong.
void notify_owner(const App& app, Store& store);

}  // namespace b24
