// select: the filters and orders of the list methods.
#include <algorithm>
#include <deque>
#include <functional>

#include "base/text.h"
#include "entities.h"

namespace sandbox {

namespace {

// Longest first, since ">" also begins ">=".
constexpr std::string_view kOperators[] = {"!%=", "!@", "!=", "!%", ">=", "<=", "=%",
                                           "%=",  "=",  "!",  ">",  "<",  "@",  "%"};

int compare(const Field& field, const std::string& a, const std::string& b) {
  if (field.numeric()) {
    const double x = Value(a).real(), y = Value(b).real();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return b24::text::lower(a).compare(b24::text::lower(b));  // as the portal's collation
}

// LIKE with "%" at either end of the pattern.
bool like(std::string_view text, std::string_view pattern) {
  const bool open_start = pattern.starts_with('%'), open_end = pattern.ends_with('%');
  if (open_start) pattern.remove_prefix(1);
  if (open_end && !pattern.empty()) pattern.remove_suffix(1);
  if (open_start && open_end) return text.find(pattern) != std::string_view::npos;
  if (open_start) return text.ends_with(pattern);
  return open_end ? text.starts_with(pattern) : text == pattern;
}

bool one_matches(const Field& field, std::string_view op, const std::string& has,
                 const std::string& want) {
  if (op == "=" && has.size() != want.size() && !field.numeric()) return false;
  if (op == "%") return b24::text::lower(has).find(b24::text::lower(want)) != std::string::npos;
  if (op == "=%" || op == "%=") return like(b24::text::lower(has), b24::text::lower(want));
  const int order = compare(field, has, want);
  if (op == ">") return order > 0;
  if (op == ">=") return order >= 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return order == 0;
}

std::vector<std::string> values_of(const Record& record, const Field& field) {
  if (!field.multiple()) return {record.text(field.name)};
  std::vector<std::string> values;
  for (const Contact& contact : record.contacts)
    if (contact.type_id == field.name) values.push_back(contact.value);
  return values;
}

struct Condition {
  const Field& field;
  std::string_view op;
  bool negated = false;
  std::vector<std::string> wanted = {};  // any of them
};

// The older methods ignore a field that they do not know. `keys` holds what the conditions view.
std::vector<Condition> conditions(const EntityType& type, const Value& filter, FindField names,
                                  std::deque<std::string>& keys) {
  std::vector<Condition> made;
  for (const auto& member : filter.members()) {
    auto [op, name] = split_filter_key(keys.emplace_back(member.key.text()));
    const Field* field = std::invoke(names, type, name);
    if (field == nullptr) continue;
    const bool negated = op.starts_with('!');
    if (negated) op.remove_prefix(1);
    Condition& condition = made.emplace_back(*field, op, negated);
    if (member.value.is_array()) {
      for (const auto& one : member.value.members()) condition.wanted.push_back(one.value.text());
    } else {
      condition.wanted.push_back(member.value.text());
    }
  }
  return made;
}

bool matches(const Record& record, const Condition& condition) {
  const bool found =
      std::ranges::any_of(values_of(record, condition.field), [&](const std::string& text) {
        return std::ranges::any_of(condition.wanted, [&](const std::string& one) {
          return one_matches(condition.field, condition.op, text, one);
        });
      });
  return found != condition.negated;
}

std::vector<const Record*> candidates(const Records& records, Kind kind,
                                      const std::vector<Condition>& conditions) {
  for (const Condition& each : conditions)
    if (each.field.name == "ORIGIN_ID" && each.op == "=" && !each.negated &&
        each.wanted.size() == 1 && !each.wanted.front().empty())
      return records.of_origin(kind, each.wanted.front());
  std::vector<const Record*> rows;
  for (const auto& [id, record] : records.all(kind)) rows.push_back(&record);
  return rows;
}

void sort(std::vector<const Record*>& rows, const EntityType& type, const Value& order,
          FindField names) {
  // The last key first: a stable sort keeps what the later one has ordered.
  for (auto entry = order.members().rbegin(); entry != order.members().rend(); ++entry) {
    const Field* field = std::invoke(names, type, entry->key.text());
    if (field == nullptr) continue;
    const bool down = b24::text::lower(entry->value.text()) == "desc";
    std::ranges::stable_sort(rows, [&](const Record* a, const Record* b) {
      if (down) std::swap(a, b);
      return compare(*field, a->text(field->name), b->text(field->name)) < 0;
    });
  }
}

}  // namespace

FilterKey split_filter_key(std::string_view key) {
  for (std::string_view op : kOperators)
    if (key.starts_with(op)) return {op, key.substr(op.size())};
  return {"=", key};
}

std::vector<const Record*> select(const Records& records, Kind kind, const ListQuery& query,
                                  FindField names, Millis blind_since) {
  const EntityType& type = type_of(kind);
  std::deque<std::string> keys;
  const std::vector<Condition> all = conditions(type, query.filter, names, keys);
  std::vector<const Record*> rows = candidates(records, kind, all);
  std::erase_if(rows, [&](const Record* record) {
    return record->created > blind_since ||
           !std::ranges::all_of(all, [&](const auto& one) { return matches(*record, one); });
  });
  sort(rows, type, query.order, names);
  return rows;
}

}  // namespace sandbox
