// check_portal: what the parts of the portal's checks all know.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check_seen.h"
#include "settings/form.h"
#include "settings/settings.h"

namespace b24::check {

// The forms whose leads go to the portal of this name; none while a form has a fault.
std::vector<Form> forms_of(const Settings& settings, std::string_view portal);
// The portal's methods that these settings make us call, sorted. In the batch, number N is asked
// about by the command "methodN".
std::vector<std::string> used_methods(const Settings& settings, std::string_view portal = {});
// The commands that ask for the fields of what a form makes, and for the stages of its deals.
std::string fields_question(const Form& form);
std::string stages_question(const Form& form);
// What every lead of the form gets in this field; empty when nothing.
std::string fixed_value(const Form& form, std::string_view name);
// What the portal answered to one question; null, with what to say, when it did not.
const Answer* answer_to(const Seen& seen, std::string_view key, Finding& instead);
// The portal's word for yes: true, "Y", "1".
bool yes(const Value& value);

}  // namespace b24::check
