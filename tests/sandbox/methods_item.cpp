// methods_item: crm.item.*, the newer methods for leads, deals and contacts alike.
#include <algorithm>

#include "crm.h"
#include "portal.h"

namespace sandbox {

namespace {

Reply no_type() {
  return Reply::fail(400, "NOT_FOUND", "Smart process not found");
}

const EntityType* type_asked(const Value& params) {
  return type_by_id(param(params, "entityTypeId").integer());
}

Value number_or_text(const Field& field, const Value& value) {
  if (value.is_null() || !field.numeric()) return value;
  if (field.type == "double") return value.real();
  return value.integer();
}

bool has_contacts(const EntityType& type) {
  return type.find("PHONE") != nullptr;
}

Value contacts_list(const Record& record) {
  Value list = Value::array();
  for (const Contact& contact : record.contacts)
    list.append(Value::map({{"id", contact.id},
                            {"valueType", contact.value_type},
                            {"value", contact.value},
                            {"typeId", contact.type_id}}));
  return list;
}

Value item_of(const EntityType& type, const Record& record, const Value& wanted) {
  const auto is_wanted = [&](std::string_view name) {
    return wanted.size() == 0 || std::ranges::any_of(wanted.members(), [&](const auto& member) {
             return member.value.text() == name || (member.value.text() == "*" && name != "fm");
           });
  };
  Value item = Value::array();
  for (const Field& field : type.fields) {
    if (field.multiple()) continue;
    const std::string name = item_name(field);
    if (name == "id" || is_wanted(name))
      item.set(b24::Key(name), number_or_text(field, record.fields[b24::Key(field.name)]));
  }
  if (has_contacts(type) && is_wanted("fm")) item.set("fm", contacts_list(record));
  if (is_wanted("entityTypeId")) item.set("entityTypeId", type.id);
  return item;
}

Value document_of(const EntityType& type, const Record& record) {
  return Value::map({{"item", item_of(type, record, Value::array())}});
}

// The newer names become the older ones; unknown fields are passed over silently.
Value older_fields(const EntityType& type, const Value& fields) {
  Value older = Value::array();
  for (const auto& [name, value] : fields.members())
    if (const Field* field = type.find_item_name(name.text()))
      older.set(b24::Key(field->name), value);
  return older;
}

std::vector<Contact> contacts_of(const Value& fm) {
  std::vector<Contact> contacts;
  for (const auto& member : fm.members()) {
    const Value& row = member.value;
    contacts.push_back({row["id"].integer(), row["typeId"].text(),
                        row["valueType"].is_null() ? "WORK" : row["valueType"].text(),
                        row["value"].text()});
  }
  return contacts;
}

std::optional<Reply> fault_of_item(const Value& fields) {
  const Value& fm = fields["fm"];
  if (!fm.is_null() && !fm.is_array())
    return Reply::fail(400, "100",
                       "Expected iterable value for multiple field, but got `string` instead");
  if (fields["stageId"].is_array())
    return Reply::fail(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID",
                       "Invalid value for field \"stageId\"");
  return fault_of_contacts(contacts_of(fm));
}

Reply add(Portal& portal, const Caller&, const Value& params) {
  const EntityType* type = type_asked(params);
  if (type == nullptr) return no_type();
  const Value& fields = param(params, "fields");
  if (auto fault = fault_of_item(fields)) return *fault;
  const Record& record = portal.records.add(type->kind, older_fields(*type, fields),
                                            contacts_of(fields["fm"]), b24::now_ms());
  portal.changed(type->kind, record.id, "ADD");
  return Reply::good(document_of(*type, record));
}

// Finds the item that a call names and hands it on, or answers why it cannot.
template <class Use>
Reply with_item(Portal& portal, const Value& params, Use use) {
  const EntityType* type = type_asked(params);
  if (type == nullptr) return no_type();
  const Record* record = portal.records.find(type->kind, param(params, "id").integer());
  if (record == nullptr) return Reply::fail(400, "NOT_FOUND", "Element not found");
  return use(*type, *record);
}

Reply get(Portal& portal, const Caller&, const Value& params) {
  return with_item(portal, params, [](const EntityType& type, const Record& record) {
    return Reply::good(document_of(type, record));
  });
}

Reply update(Portal& portal, const Caller&, const Value& params) {
  return with_item(portal, params, [&](const EntityType& type, const Record& record) {
    const Value& fields = param(params, "fields");
    if (auto fault = fault_of_item(fields)) return *fault;
    portal.records.update(type.kind, record.id, older_fields(type, fields),
                          contacts_of(fields["fm"]), b24::now_ms());
    portal.changed(type.kind, record.id, "UPDATE");
    return Reply::good(document_of(type, record));
  });
}

Reply erase(Portal& portal, const Caller&, const Value& params) {
  return with_item(portal, params, [&](const EntityType& type, const Record& record) {
    const std::int64_t id = record.id;
    portal.records.erase(type.kind, id);
    portal.changed(type.kind, id, "DELETE");
    return Reply::good(Value::array());
  });
}

// Unlike the older methods, these refuse what they do not know.
std::optional<Reply> fault_of_query(const EntityType& type, const ListQuery& query) {
  for (const auto& member : query.filter.members()) {
    const std::string key = member.key.text();
    const std::string field(split_filter_key(key).field);
    if (type.find_item_name(field) == nullptr)
      return Reply::fail(400, "INVALID_ARG_VALUE",
                         "Invalid filter: field '" + field + "' is not allowed in filter");
  }
  for (const auto& member : query.order.members())
    if (type.find_item_name(member.key.text()) == nullptr)
      return Reply::fail(
          400, "INVALID_ARG_VALUE",
          "Invalid order: field '" + member.key.text() + "' is not allowed in order");
  return std::nullopt;
}

Reply list(Portal& portal, const Caller&, const Value& params) {
  const EntityType* type = type_asked(params);
  if (type == nullptr) return no_type();
  const ListQuery query{param(params, "filter"), param(params, "order")};
  if (auto fault = fault_of_query(*type, query)) return *fault;
  const auto rows = select(portal.records, type->kind, query, &EntityType::find_item_name,
                           b24::now_ms() - portal.list_delay);
  const Value& asked = param(params, "select");
  const Value wanted = asked.size() == 0 ? Value::list({"*"}) : asked;
  Reply reply =
      page_of(rows, params, [&](const Record& record) { return item_of(*type, record, wanted); });
  reply.result = Value::map({{"items", std::move(reply.result)}});
  return reply;
}

Reply fields(Portal&, const Caller&, const Value& params) {
  const EntityType* type = type_asked(params);
  if (type == nullptr) return no_type();
  const auto described = [](std::string_view kind, bool read_only, std::string_view title,
                            std::string_view name) {
    return Value::map({{"type", kind},
                       {"isRequired", false},
                       {"isReadOnly", read_only},
                       {"isImmutable", false},
                       {"isMultiple", kind == "crm_multifield"},
                       {"isDynamic", false},
                       {"title", title},
                       {"upperName", name}});
  };
  Value all = Value::array();
  for (const Field& field : type->fields)
    if (!field.multiple())
      all.set(item_name(field), described(field.type, field.read_only, field.title, field.name));
  if (has_contacts(*type)) all.set("fm", described("crm_multifield", false, "Contacts", "FM"));
  return Reply::good(Value::map({{"fields", std::move(all)}}));
}

constexpr Method kItemMethods[] = {
    {"crm.item.fields", "crm", &fields}, {"crm.item.add", "crm", &add},
    {"crm.item.get", "crm", &get},       {"crm.item.list", "crm", &list},
    {"crm.item.update", "crm", &update}, {"crm.item.delete", "crm", &erase},
};

}  // namespace

std::span<const Method> item_methods() {
  return kItemMethods;
}

}  // namespace sandbox
