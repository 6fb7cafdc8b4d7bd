// item_title: what a person knows a lead or an event by, in the shell and at the desk alike.
#pragma once

#include <string>

#include "keep/store.h"

namespace b24 {

// Of a lead the person's name, else the title that it has in the CRM; of an event its name; else
// the id.
std::string title_of(const Item& item);
// Of a lead the company, phones and e-mail addresses; of an event its object.
std::string contact_of(const Item& item);

}  // namespace b24
