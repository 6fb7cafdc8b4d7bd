// timed_mutex: for the thread sanitizer of GCC 12 alone, put before all else. It does not see
// pthread_mutex_clocklock, by which a std::timed_mutex is locked, and takes what that mutex guards
// for a race; pthread_mutex_timedlock it does see.
#pragma once

#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
