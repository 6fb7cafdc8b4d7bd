// item_title: see item_title.h.
#include "keep/item_title.h"

#include "keep/find_words.h"

namespace b24 {
namespace {

// A lead's values, whichever method's names they have; several of one kind in a row.
std::string values_of(const Value& fields, const char* classic, const char* item_name) {
  const Value* list = fields.find(classic);
  if (list == nullptr) list = &fields[item_name];
  if (!list->is_array()) return list->text();
  std::string all;
  for (const Value::Member& entry : list->members()) {
    if (list == &fields["fm"] && entry.value["typeId"].text() != classic) continue;
    const std::string text = multifield_text(entry.value);
    if (!text.empty()) all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

std::string joined(std::initializer_list<std::string> parts, std::string_view between) {
  std::string all;
  for (const std::string& part : parts) {
    if (!part.empty()) all += (all.empty() ? "" : std::string(between)) + part;
  }
  return all;
}

}  // namespace

std::string title_of(const Item& item) {
  if (item.kind == Kind::event) return item.name.empty() ? item.id : item.name;
  const Value& fields = item.payload.path("params.fields");
  const std::string person =
      joined({values_of(fields, "NAME", "name"), values_of(fields, "LAST_NAME", "lastName")}, " ");
  const std::string title = values_of(fields, "TITLE", "title");
  return !person.empty() ? person : !title.empty() ? title : item.id;
}

std::string contact_of(const Item& item) {
  if (item.kind == Kind::event) return item.object;
  const Value& fields = item.payload.path("params.fields");
  return joined({values_of(fields, "COMPANY_TITLE", "companyTitle"),
                 values_of(fields, "PHONE", "fm"), values_of(fields, "EMAIL", "fm")},
                ", ");
}

}  // namespace b24
