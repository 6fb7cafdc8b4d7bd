// desk_list: the lists of the desk: what is asked for, and its forms: page, JSON, CSV.
#include <array>

#include "base/secret.h"
#include "base/text.h"
#include "chart.h"
#include "desk.h"
#include "keep/item_words.h"
#include "keep/search.h"

namespace b24::desk {
namespace {

constexpr std::size_t kRows = 50;
constexpr std::size_t kCsvRows = 10'000;
constexpr std::array kStates = {State::pending, State::failed, State::done, State::spam};

struct Query {
  ListFilter filter;
  std::string typed, state, from, to;
  bool in_texts = false;
  bool is_bad = false;
};

// The beginning of a day, or of the next one, into `bound`, when a day is given; whether it is one.
bool read_day(const std::string& text, bool next, Millis& bound) {
  if (text.empty()) return true;
  const std::optional<Millis> day = read_time(text, Zone::local);
  if (day) bound = next ? last_midnight(*day + 36 * kHour) : *day;
  return day.has_value() && bound > 0;
}

Query read_query(const Visit& visit, Kind kind) {
  const Value& get = visit.request.get;
  Query query;
  query.typed = text::to_valid_utf8(text::trim(get["q"].is_array() ? "" : get["q"].text()));
  query.state = get["state"].text();
  query.from = get["from"].text();
  query.to = get["to"].text();
  query.in_texts = get["in"].text() == "texts";
  query.filter.kind = kind;
  query.filter.limit = kRows;
  for (const State state : kStates) {
    if (name(state) == query.state) query.filter.state = state;
  }
  const std::string after = get["after"].text();
  query.filter.after = get["after"].integer();
  query.is_bad = (!query.state.empty() && !query.filter.state) ||
                 !read_day(query.from, false, query.filter.since) ||
                 !read_day(query.to, true, query.filter.until) || query.filter.after < 0 ||
                 after.find_first_not_of("0123456789") != after.npos;
  // A span has the cheaper question.
  if (query.filter.since > 0 && query.filter.until == 0) query.filter.until = now_ms() + kDay;
  return query;
}

std::string address_of(const Visit& visit, const Query& query, std::int64_t after,
                       std::string_view format = "", bool in_texts = false) {
  return address({{"desk", visit.request.get["desk"].text()},
                  {"q", query.typed},
                  {"in", query.in_texts || in_texts ? "texts" : ""},
                  {"state", query.state},
                  {"from", query.from},
                  {"to", query.to},
                  {"after", after},
                  {"format", format}});
}

Value row_of(const Visit& visit, const Item& item) {
  Value row = Value::map({{"href", address(item)}, {"time", time_text(item.received_at)}});
  add_state(visit, item, row);
  add_title(item, row);
  if (item.state == State::done && item.kind == Kind::lead) {
    row.set("note", item.result.empty() ? "" : "№ " + item.result);
  } else if (item.state != State::done) {
    row.set("note", item.error_code);
  }
  return row;
}

Value states_of(const Visit& visit, Kind kind, const Query& query) {
  Value states = Value::array();
  for (const State state : kStates) {
    if (kind == Kind::event && state == State::spam) continue;
    const std::string text(name(state));
    const std::string key = "desk_" + std::string(name(kind)) + "_" + text;
    states.append(
        Value::map({{"value", text}, {"name", visit.say(key)}, {"selected", text == query.state}}));
  }
  return states;
}

Response list_page(const Visit& visit, Kind kind, const Query& query, const SearchPage& found) {
  Value rows = Value::array();
  for (const Item& item : found.items) rows.append(row_of(visit, item));
  const std::string word(name(kind));
  const bool is_filtered = !query.typed.empty() || !query.state.empty() || !query.from.empty() ||
                           !query.to.empty() || query.filter.after != 0;
  Value data = Value::map(
      {{"heading", visit.say("desk_" + word + "s")},
       {"desk", word + "s"},
       {"hint", visit.say("desk_" + word + "_hint")},
       {"q", query.typed},
       {"from", query.from},
       {"to", query.to},
       {"states", states_of(visit, kind, query)},
       {"has_rows", rows.size() > 0},
       {"rows", rows},
       {"empty", visit.say(is_filtered ? "desk_nothing_found" : "desk_no_" + word + "s")},
       {"bad", query.is_bad},
       {"older", found.after == 0 ? "" : address_of(visit, query, found.after)},
       {"newest", is_filtered ? address({{"desk", word + "s"}}) : ""},
       {"csv", kind == Kind::lead ? address_of(visit, query, 0, "csv") : ""},
       {"json", address_of(visit, query, query.filter.after, "json")},
       {"is_newest", query.filter.after == 0 && !found.in_texts},
       {"send_all", action_form(visit, kind == Kind::lead ? "send_all" : "rest_all", kind)}});
  if (Value again = action_form(visit, "again_all", kind);
      kind == Kind::event && !again.is_null()) {
    again.set("since", chart::time_text(now_ms() - kHour, "%Y-%m-%dT%H:%M"));
    data.set("again_all", again);
  }
  if (found.looked_back_to != 0) {
    const Value how_far = Value::map({{"count", static_cast<std::int64_t>(kLookedThrough)},
                                      {"time", time_text(found.looked_back_to)}});
    data.set("looked", visit.say("desk_looked", how_far));
  } else if (!found.in_texts && !query.typed.empty()) {
    data.set("in_texts", address_of(visit, query, 0, "", true));
  }
  return page(visit, "list", data);
}

Response json_list(const SearchPage& found) {
  Value items = Value::array();
  for (const Item& item : found.items) items.append(shortened(item_value(item)));
  return json_answer(Value::map(
      {{"items", items},
       {"after", found.after},
       {"looked_back_to", found.looked_back_to == 0 ? "" : iso_time(found.looked_back_to)}}));
}

std::string csv_row(const Item& item) {
  const Value& fields = item.payload.path("params.fields");
  const Value* comments = fields.find("COMMENTS");
  std::string line;
  for (const std::string& cell :
       {item.id, iso_time(item.received_at), std::string(name(item.state)), item.result,
        title_of(item), contact_of(item),
        (comments != nullptr ? *comments : fields["comments"]).text(), item.error_code,
        secret::mask(item.error_text)}) {
    line += (line.empty() ? "" : ",") + text::csv_cell(text::to_valid_utf8(cell));
  }
  return line + "\r\n";
}

// All of the list from its beginning, at most kCsvRows.
Answer csv_list(const Visit& visit, Query query) {
  // A spreadsheet takes it for UTF-8 by the mark at its beginning.
  std::string csv = "\xEF\xBB\xBFid,received_at,state,lead,name,contact,comments,error,detail\r\n";
  query.filter.limit = 500;
  query.filter.after = 0;
  for (std::size_t rows = 0; rows < kCsvRows;) {
    const Result<SearchPage> found = search(visit.store, query.filter, query.typed, query.in_texts);
    if (!found) return std::unexpected(refusal_of(visit, found.error()));
    for (const Item& item : found->items) csv += csv_row(item);
    rows += found->items.size();
    if (found->after == 0 || found->looked_back_to != 0) break;
    query.filter.after = found->after;
  }
  Response response = text_response(200, std::move(csv), "text/csv; charset=utf-8");
  response.set("Content-Disposition", "attachment; filename=\"leads.csv\"");
  return response;
}

}  // namespace

Answer show_list(const Visit& visit, Kind kind) {
  const Query query = read_query(visit, kind);
  if (query.is_bad && !visit.wants("")) return std::unexpected(Refusal{400, "bad_request"});
  if (visit.wants("csv")) return csv_list(visit, query);
  Result<SearchPage> found{SearchPage{}};
  if (!query.is_bad) found = search(visit.store, query.filter, query.typed, query.in_texts);
  if (!found) return std::unexpected(refusal_of(visit, found.error()));
  return visit.wants("json") ? json_list(*found) : list_page(visit, kind, query, *found);
}

}  // namespace b24::desk
