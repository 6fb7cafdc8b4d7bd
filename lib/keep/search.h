// search: what an owner looks for among the leads or the events, for the desk and the shell alike.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "keep/store.h"

namespace b24 {

// How many items one look goes through whose texts nobody has an index of.
inline constexpr std::size_t kLookedThrough = 1'000;

struct SearchPage {
  std::vector<Item> items;
  std::int64_t after = 0;     // ListFilter::after of the next page; 0: this was the last
  bool in_texts = false;      // the texts were looked through
  Millis looked_back_to = 0;  // the look ended there, for it is bounded; 0: at the end
};

// A page of `filter` (its kind given, newest first), of what was `typed`: nothing, an id or how one
// begins (six characters and more); of a lead a phone number, an e-mail address or words of names;
// of an event its name. These are found at once, however many there are. Anything else (an object
// such as "ONCRMDEAL:7", too: an index of them would cost each event more than all the others), and
// with `in_texts` everything, is looked for in the texts of the items, capital letters or not, at
// most kLookedThrough from filter.after on.
Result<SearchPage> search(Store& store, ListFilter filter, std::string_view typed = {},
                          bool in_texts = false);

}  // namespace b24
