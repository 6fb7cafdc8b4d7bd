// crm: duplicates, directories and the check of e-mail addresses.
#include "crm.h"

#include "base/text.h"

namespace sandbox {

namespace {

struct StatusRow {
  std::string_view entity, status, name, semantics;
};
constexpr StatusRow kStatuses[] = {
    {"STATUS", "NEW", "Unprocessed", ""},
    {"STATUS", "IN_PROCESS", "In process", ""},
    {"STATUS", "PROCESSED", "Processed", ""},
    {"STATUS", "JUNK", "Low-quality lead", "F"},
    {"STATUS", "CONVERTED", "High-quality lead", "S"},
    {"SOURCE", "CALL", "Call", ""},
    {"SOURCE", "EMAIL", "E-mail", ""},
    {"SOURCE", "WEB", "Website", ""},
    {"SOURCE", "ADVERTISING", "Advertising", ""},
    {"SOURCE", "WEBFORM", "CRM form", ""},
    {"SOURCE", "CALLBACK", "Callback", ""},
    {"SOURCE", "OTHER", "Other", ""},
    {"DEAL_STAGE", "NEW", "New", ""},
    {"DEAL_STAGE", "PREPARATION", "Document preparation", ""},
    {"DEAL_STAGE", "EXECUTING", "In progress", ""},
    {"DEAL_STAGE", "WON", "Deal successful", "S"},
    {"DEAL_STAGE", "LOSE", "Deal failed", "F"},
};

std::string normalized(std::string_view type, std::string_view text) {
  if (type == "EMAIL") return b24::text::lower(b24::text::trim(text));
  std::string digits;
  for (char c : text)
    if (c >= '0' && c <= '9') digits += c;
  return digits;
}

Value ids_with(const Records& records, Kind kind, const std::string& type_id,
               const std::vector<std::string>& wanted) {
  Value ids = Value::array();
  for (const auto& [id, record] : records.all(kind)) {
    const bool has = std::ranges::any_of(record.contacts, [&](const Contact& contact) {
      return contact.type_id == type_id &&
             std::ranges::find(wanted, normalized(type_id, contact.value)) != wanted.end();
    });
    if (has) ids.append(id);
  }
  return ids;
}

}  // namespace

std::optional<Reply> fault_of_contacts(const std::vector<Contact>& contacts) {
  for (const Contact& contact : contacts) {
    if (contact.type_id != "EMAIL" || contact.value.empty()) continue;
    const std::size_t at = contact.value.find('@');
    if (at == 0 || at == std::string::npos || at + 1 == contact.value.size())
      return Reply::fail(400, "ERROR_CORE", "The field Work e-mail contains an invalid address");
  }
  return std::nullopt;
}

Reply find_duplicates(Portal& portal, const Caller&, const Value& params) {
  constexpr std::size_t kMostValues = 20;
  const std::string type = param(params, "type").text();
  if (type.empty())
    return Reply::fail(400, "Communication type is not defined", "Parameter 'type' is required.");
  if (type != "PHONE" && type != "EMAIL")
    return Reply::fail(400, "",
                       "Communication type '" + type + "' is not supported in current context");
  std::vector<std::string> wanted;
  for (const auto& member : param(params, "values").members())
    if (wanted.size() < kMostValues) wanted.push_back(normalized(type, member.value.text()));
  if (wanted.empty()) return Reply::fail(400, "", "Communication values is not defined");
  const std::string entity = param(params, "entity_type").text();
  Value found = Value::array();
  for (const Kind kind : {Kind::lead, Kind::contact, Kind::company}) {
    const std::string_view name = type_of(kind).name;
    if (!entity.empty() && entity != name) continue;
    Value ids = ids_with(portal.records, kind, type, wanted);
    if (ids.size() != 0) found.set(b24::Key(name), std::move(ids));
  }
  return Reply::good(std::move(found));
}

Reply list_statuses(Portal&, const Caller&, const Value& params) {
  const Value& filter = param(params, "filter");
  const auto fits = [&](const char* field, std::string_view text) {
    const Value* wanted = filter.find(field);
    return wanted == nullptr || wanted->text() == text;
  };
  Value rows = Value::array();
  int id = 99, sort = 0;
  std::string_view entity;
  for (const StatusRow& row : kStatuses) {
    sort = row.entity == entity ? sort + 10 : 10;
    entity = row.entity;
    id += 2;
    if (!fits("ENTITY_ID", row.entity) || !fits("STATUS_ID", row.status)) continue;
    rows.append(
        Value::map({{"ID", std::to_string(id)},
                    {"ENTITY_ID", row.entity},
                    {"STATUS_ID", row.status},
                    {"NAME", row.name},
                    {"NAME_INIT", row.name},
                    {"SORT", std::to_string(sort)},
                    {"SYSTEM", "Y"},
                    {"CATEGORY_ID", nullptr},
                    {"COLOR", "#39A8EF"},
                    {"SEMANTICS", row.semantics.empty() ? Value() : Value(row.semantics)}}));
  }
  Reply reply = Reply::good(std::move(rows));
  reply.total = static_cast<std::int64_t>(reply.result.size());
  return reply;
}

}  // namespace sandbox
