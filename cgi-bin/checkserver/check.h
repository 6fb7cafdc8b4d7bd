// check: the engine of the self-check: a table of checks, each a row with its state and its remedy.
//
// A run has two halves. First it looks (check_seen.h): whatever waits for a disk or a network is
// looked at side by side, within one time limit, changing nothing. Then it judges: every check is a
// function without side effects from what was seen to a Row, so it can be tested with facts that no
// machine has. The words are in the message catalogues:
//   check_ID                the title
//   check_ID_FINDING        what was found, with the row's facts filled in
//   check_ID_FINDING_fix    what to do about it; none where there is nothing to do
//   check_fix_CODE          the same for an error of this code, where the finding has no words of
//                           its own for it
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "value/value.h"
#include "web/page.h"

namespace b24::check {

enum class State { ok, info, warning, error };
std::string_view name(State state);

enum class Group { programs, settings, storage, leaks, portal, inbound, suite };
std::string_view name(Group group);
inline constexpr Group kGroups[] = {Group::programs, Group::settings, Group::storage, Group::leaks,
                                    Group::portal,   Group::inbound,  Group::suite};

// A figure for those who draw curves: b24hooks_NAME.
struct Metric {
  std::string name;  // snake_case with its unit, as Prometheus wants it: "portal_answer_seconds"
  double value = 0;
};

// What a check found. No secret is ever in it.
struct Finding {
  State state = State::ok;
  std::string name;  // of the message; empty: it is not about this installation, and has no row
  // What the message is filled with. A time is {number, unit}, by duration(): languages differ in
  // what they call the units.
  Value facts = Value::array();
  std::string cause = {};               // in the words of whoever failed; shown after the message
  std::string remedy = {};              // likewise; shown when the catalogue has no remedy
  std::string code = {};                // of the error that was met
  std::vector<std::string> paste = {};  // lines to copy into a shell or the settings
  std::vector<Metric> metrics = {};
};

using Lines = std::vector<std::string>;
inline Finding found(State state, std::string_view name, Value facts = Value::array(),
                     Lines paste = {}) {
  return {state, std::string(name), std::move(facts), "", "", "", std::move(paste)};
}
inline Finding ok(std::string_view name, Value facts = Value::array()) {
  return found(State::ok, name, std::move(facts));
}
inline Finding info(std::string_view name, Value facts = Value::array()) {
  return found(State::info, name, std::move(facts));
}
inline Finding warning(std::string_view name, Value facts = Value::array(), Lines paste = {}) {
  return found(State::warning, name, std::move(facts), std::move(paste));
}
inline Finding error(std::string_view name, Value facts = Value::array(), Lines paste = {}) {
  return found(State::error, name, std::move(facts), std::move(paste));
}
// With the figures that it is judged by.
inline Finding measured(Finding finding, std::vector<Metric> metrics) {
  finding.metrics = std::move(metrics);
  return finding;
}
// An error as a finding: its cause, its code and its remedy as they are.
Finding failed(std::string_view finding, const Error& error, State state = State::error,
               Value facts = Value::array(), Lines paste = {});

// A length of time for a finding's facts, in the unit that suits it.
Value duration(Millis time);

struct Seen;  // check_seen.h

// What has to be there for a check to judge; where it is not, the finding says so ("no_settings",
// "no_store", "late", "no_answer"). All but the first need the settings, too. Where the store is
// not of this kind (a file; a database that machines share) the check has no row.
enum class Needs { nothing, settings, storage, store, file, database };

struct Check {
  std::string_view id;
  Group group;
  // The name that CRest::checkServer gives to this failure; empty where it has none.
  std::string_view crest;
  Finding (*judge)(const Seen& seen);
  Needs needs = Needs::settings;
};

// The tables of the groups (check_GROUP.cpp), in the order in which they are shown.
std::span<const Check> program_checks();
std::span<const Check> setting_checks();
std::span<const Check> storage_checks();
std::span<const Check> database_checks();
std::span<const Check> leak_checks();
std::span<const Check> portal_checks();
std::span<const Check> form_checks();
std::span<const Check> inbound_checks();
std::span<const Check> suite_checks();
std::vector<Check> all_checks();

struct Row {
  std::string id;  // of the check
  Group group = Group::programs;
  std::string crest;
  Finding finding;
  std::string portal = {};  // of a check of one of several: its name
};
std::string name_of(const Row& row);  // that no other row has: "portal_tls", "portal_tls.shop"

// Counts and times by the hour, oldest first, for the charts.
struct Hour {
  Millis at = 0;
  std::int64_t leads = 0;
  std::int64_t events = 0;
  Millis delivery = -1;  // the mean time from form to portal; -1: no lead was delivered
};

struct Report {
  Millis at = 0;    // when the run ended
  Millis took = 0;  // how long it was
  std::vector<Row> rows;
  std::vector<Hour> hours;

  State verdict() const;  // the worst state; info counts as ok
  int count(State state) const;
};

Value list_of(const Lines& lines);
Value metrics_of(const Finding& finding);  // {"portal_answer_seconds": 0.2}

// All, or some of them. No value that the settings keep secret is in the report, whatever a check
// or an error says.
Report judge(const Seen& seen, std::span<const Check> checks);
Report judge(const Seen& seen);

// For a process that is new for each request: the report as one line of JSON, and back.
std::string to_text(const Report& report);
Result<Report> from_text(std::string_view text);

// A row in somebody's language.
struct Words {
  std::string title;
  std::string detail;
  std::string remedy;
};
// Without templates (they may be what is broken): ids and facts, in no language.
Words words(const Row& row, const Templates* templates, std::string_view language);

}  // namespace b24::check
