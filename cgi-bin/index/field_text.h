// field_text: what is typed into a field, as the field's type and the portal want it.
#pragma once

#include <string>
#include <string_view>

#include "settings/form.h"

namespace b24 {

// `text`: valid UTF-8 without blanks around it. Full-width digits and signs become those of ASCII,
// a date typed by its day (31.12.2026, 31-12-2026) becomes 2026-12-31, money (1 500,50) 1500.50, a
// select's or a box's text its value. What cannot be understood stays as it is.
std::string field_text(const Field& field, std::string text);

// The message's key for such a text that is there; empty when it is good.
std::string_view text_fault(const Field& field, const std::string& text);

// What the portal gets of it: money with the currency in the field's options, 1500.50|EUR.
std::string sent_text(const Field& field, std::string text);

// Strict enough to catch slips, lax enough for every address in use: no quoted local parts, but
// any letters, and a domain with a dot in it.
bool is_email(std::string_view text);

}  // namespace b24
