// item_words: what a person knows a lead or an event by, in the shell and at the desk alike; and
// the words that a lead is found by at once, however many there are: those of its names, its phone
// numbers and its e-mail addresses.
//
// As they are kept: in small letters (text::fold); a phone number by its last ten digits, so that
// +7 and 8 before them are the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keep/store.h"

namespace b24 {

// Of a lead the person's name, else the title that it has in the CRM; of an event its name; else
// the id.
std::string title_of(const Item& item);
// Of a lead the company, phones and e-mail addresses; of an event its object.
std::string contact_of(const Item& item);

// Of a lead's payload (params.fields of crm.lead.add or crm.item.add); at most 40.
std::vector<std::string> found_by(const Value& payload);
// Of what somebody looks for, the longest first: a phone number alone, or e-mail addresses and
// words; at most three. Empty: nothing that is a word.
std::vector<std::string> words_looked_for(std::string_view text);

}  // namespace b24
