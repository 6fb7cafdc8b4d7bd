// methods_crm: crm.lead.*, crm.deal.*, crm.contact.* and what belongs to them.
#include <algorithm>

#include "base/text.h"
#include "crm.h"
#include "portal.h"

namespace sandbox {

namespace {

std::optional<Reply> fault_of_fields(const Value& params) {
  for (const char* name : {"fields", "params"}) {
    const Value& given = param(params, name);
    if (given.is_array() || given.is_null()) continue;
    return Reply::fail(400, "", "Parameter '" + std::string(name) + "' must be array.");
  }
  return std::nullopt;
}

// PHONE, EMAIL, ...: [{VALUE, VALUE_TYPE, ID}]. What is not of that shape is passed over.
std::vector<Contact> contacts_of(const EntityType& type, const Value& fields) {
  std::vector<Contact> contacts;
  for (const Field& field : type.fields) {
    if (!field.multiple()) continue;
    for (const auto& member : fields[b24::Key(field.name)].members()) {
      const Value& value_type = member.value["VALUE_TYPE"];
      contacts.push_back({member.value["ID"].integer(), std::string(field.name),
                          value_type.is_null() ? "WORK" : value_type.text(),
                          std::string(b24::text::trim(member.value["VALUE"].text()))});
    }
  }
  return contacts;
}

Value contact_row(const Contact& contact) {
  return Value::map({{"ID", std::to_string(contact.id)},
                     {"VALUE_TYPE", contact.value_type},
                     {"VALUE", contact.value},
                     {"TYPE_ID", contact.type_id}});
}

void put_contacts(Value& row, const Record& record, std::string_view type_id) {
  for (const Contact& contact : record.contacts)
    if (contact.type_id == type_id) row[b24::Key(type_id)].append(contact_row(contact));
}

template <Kind kind>
Reply add(Portal& portal, const Caller&, const Value& params) {
  if (auto fault = fault_of_fields(params)) return *fault;
  const Value& fields = param(params, "fields");
  auto contacts = contacts_of(type_of(kind), fields);
  if (auto fault = fault_of_contacts(contacts)) return *fault;
  const Record& record = portal.records.add(kind, fields, std::move(contacts), b24::now_ms());
  portal.changed(kind, record.id, "ADD");
  return Reply::good(record.id);
}

// The id that a call names; an error text when it is none or there is no such entity.
template <Kind kind>
std::optional<Reply> fault_of_id(const Portal& portal, const Value& params) {
  const std::int64_t id = param(params, "id").integer();
  if (id <= 0) return Reply::fail(400, "", "ID is not defined or invalid.");
  if (portal.records.find(kind, id) == nullptr) return Reply::fail(400, "", "Not found");
  return std::nullopt;
}

template <Kind kind>
Reply get(Portal& portal, const Caller&, const Value& params) {
  if (auto fault = fault_of_id<kind>(portal, params)) return *fault;
  const Record& record = *portal.records.find(kind, param(params, "id").integer());
  Value row = record.fields;
  for (const Field& field : type_of(kind).fields)
    if (field.multiple()) put_contacts(row, record, field.name);
  return Reply::good(std::move(row));
}

template <Kind kind>
Reply update(Portal& portal, const Caller&, const Value& params) {
  if (auto fault = fault_of_id<kind>(portal, params)) return *fault;
  if (auto fault = fault_of_fields(params)) return *fault;
  const Value& fields = param(params, "fields");
  auto contacts = contacts_of(type_of(kind), fields);
  if (auto fault = fault_of_contacts(contacts)) return *fault;
  const std::int64_t id = param(params, "id").integer();
  portal.records.update(kind, id, fields, std::move(contacts), b24::now_ms());
  portal.changed(kind, id, "UPDATE");
  return Reply::good(true);
}

template <Kind kind>
Reply erase(Portal& portal, const Caller&, const Value& params) {
  if (auto fault = fault_of_id<kind>(portal, params)) return *fault;
  const std::int64_t id = param(params, "id").integer();
  portal.records.erase(kind, id);
  portal.changed(kind, id, "DELETE");
  return Reply::good(true);
}

Value selected_row(const EntityType& type, const Record& record, const Value& wanted) {
  Value row = Value::array();
  const auto is_wanted = [&](std::string_view name) {
    return std::ranges::any_of(wanted.members(),
                               [&](const auto& member) { return member.value.text() == name; });
  };
  const bool all = wanted.size() == 0 || is_wanted("*");
  for (const Field& field : type.fields) {
    if (field.multiple()) {
      if (is_wanted(field.name)) put_contacts(row, record, field.name);
    } else if (all || field.name == "ID" || is_wanted(field.name)) {
      row.set(b24::Key(field.name), record.fields[b24::Key(field.name)]);
    }
  }
  return row;
}

template <Kind kind>
Reply list(Portal& portal, const Caller&, const Value& params) {
  ListQuery query{param(params, "filter"), param(params, "order")};
  const auto rows =
      select(portal.records, kind, query, &EntityType::find, b24::now_ms() - portal.list_delay);
  return page_of(rows, params, [&](const Record& record) {
    return selected_row(type_of(kind), record, param(params, "select"));
  });
}

template <Kind kind>
Reply fields(Portal&, const Caller&, const Value&) {
  Value result = Value::array();
  for (const Field& field : type_of(kind).fields)
    result.set(b24::Key(field.name), Value::map({{"type", field.type},
                                                 {"isRequired", false},
                                                 {"isReadOnly", field.read_only},
                                                 {"isImmutable", false},
                                                 {"isMultiple", field.multiple()},
                                                 {"isDynamic", false},
                                                 {"title", field.title}}));
  return Reply::good(std::move(result));
}

Reply mode_get(Portal&, const Caller&, const Value&) {
  return Reply::good(1);
}

constexpr Method kCrmMethods[] = {
    {"crm.lead.add", "crm", &add<Kind::lead>},
    {"crm.lead.get", "crm", &get<Kind::lead>},
    {"crm.lead.list", "crm", &list<Kind::lead>},
    {"crm.lead.update", "crm", &update<Kind::lead>},
    {"crm.lead.delete", "crm", &erase<Kind::lead>},
    {"crm.lead.fields", "crm", &fields<Kind::lead>},
    {"crm.deal.add", "crm", &add<Kind::deal>},
    {"crm.deal.get", "crm", &get<Kind::deal>},
    {"crm.deal.list", "crm", &list<Kind::deal>},
    {"crm.deal.update", "crm", &update<Kind::deal>},
    {"crm.deal.delete", "crm", &erase<Kind::deal>},
    {"crm.deal.fields", "crm", &fields<Kind::deal>},
    {"crm.contact.add", "crm", &add<Kind::contact>},
    {"crm.contact.get", "crm", &get<Kind::contact>},
    {"crm.contact.list", "crm", &list<Kind::contact>},
    {"crm.duplicate.findbycomm", "crm", &find_duplicates},
    {"crm.status.list", "crm", &list_statuses},
    {"crm.settings.mode.get", "crm", &mode_get},
};

}  // namespace

std::span<const Method> crm_methods() {
  return kCrmMethods;
}

}  // namespace sandbox
