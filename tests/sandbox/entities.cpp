// entities: the tables of fields, and adding, changing and deleting.
#include "entities.h"

#include <algorithm>
#include <ctime>

#include "base/text.h"

namespace sandbox {

namespace {

constexpr Field kLeadFields[] = {
    {"ID", "integer", "ID", true},
    {"TITLE", "string", "Lead Title"},
    {"HONORIFIC", "crm_status", "Salutation"},
    {"NAME", "string", "First Name"},
    {"SECOND_NAME", "string", "Middle Name"},
    {"LAST_NAME", "string", "Last Name"},
    {"BIRTHDATE", "date", "Birthdate"},
    {"COMPANY_TITLE", "string", "Company Name"},
    {"SOURCE_ID", "crm_status", "Source"},
    {"SOURCE_DESCRIPTION", "string", "Source Description"},
    {"STATUS_ID", "crm_status", "Stage", false, "stageId"},
    {"STATUS_DESCRIPTION", "string", "Stage Description"},
    {"STATUS_SEMANTIC_ID", "string", "Status Semantic", true, "stageSemanticId"},
    {"POST", "string", "Position"},
    {"ADDRESS", "string", "Address"},
    {"ADDRESS_CITY", "string", "City"},
    {"ADDRESS_POSTAL_CODE", "string", "Postal Code"},
    {"ADDRESS_COUNTRY", "string", "Country"},
    {"CURRENCY_ID", "crm_currency", "Currency"},
    {"OPPORTUNITY", "double", "Amount"},
    {"IS_MANUAL_OPPORTUNITY", "char", "IS_MANUAL_OPPORTUNITY"},
    {"OPENED", "char", "Available to All"},
    {"COMMENTS", "string", "Comments"},
    {"HAS_PHONE", "char", "Phone Provided", true},
    {"HAS_EMAIL", "char", "Email Provided", true},
    {"HAS_IMOL", "char", "Open Line Assigned", true},
    {"ASSIGNED_BY_ID", "user", "Responsible User"},
    {"CREATED_BY_ID", "user", "Created By", true, "createdBy"},
    {"MODIFY_BY_ID", "user", "Modified By", true, "updatedBy"},
    {"DATE_CREATE", "datetime", "Creation Date", true, "createdTime"},
    {"DATE_MODIFY", "datetime", "Modification Date", true, "updatedTime"},
    {"COMPANY_ID", "crm_company", "Company"},
    {"CONTACT_ID", "crm_contact", "Contact"},
    {"IS_RETURN_CUSTOMER", "char", "Returning Lead", true},
    {"DATE_CLOSED", "datetime", "Closing Date", true},
    {"ORIGINATOR_ID", "string", "External Source"},
    {"ORIGIN_ID", "string", "Identifier in External Source"},
    {"UTM_SOURCE", "string", "Advertising System"},
    {"UTM_MEDIUM", "string", "Traffic Type"},
    {"UTM_CAMPAIGN", "string", "Campaign Identifier"},
    {"UTM_CONTENT", "string", "Campaign Content"},
    {"UTM_TERM", "string", "Campaign Search Term"},
    {"PHONE", "crm_multifield", "Phone"},
    {"EMAIL", "crm_multifield", "E-mail"},
    {"WEB", "crm_multifield", "Website"},
    {"IM", "crm_multifield", "Messenger"},
};

constexpr Field kDealFields[] = {
    {"ID", "integer", "ID", true},
    {"TITLE", "string", "Name"},
    {"TYPE_ID", "crm_status", "Type"},
    {"CATEGORY_ID", "crm_category", "Pipeline"},
    {"STAGE_ID", "crm_status", "Deal stage"},
    {"STAGE_SEMANTIC_ID", "string", "Stage group", true},
    {"PROBABILITY", "integer", "Probability"},
    {"CURRENCY_ID", "crm_currency", "Currency"},
    {"OPPORTUNITY", "double", "Amount"},
    {"IS_MANUAL_OPPORTUNITY", "char", "IS_MANUAL_OPPORTUNITY"},
    {"COMPANY_ID", "crm_company", "Company"},
    {"CONTACT_ID", "crm_contact", "Contact"},
    {"LEAD_ID", "crm_lead", "Lead", true},
    {"OPENED", "char", "Available to everyone"},
    {"CLOSED", "char", "Closed"},
    {"COMMENTS", "string", "Comment"},
    {"ASSIGNED_BY_ID", "user", "Responsible"},
    {"CREATED_BY_ID", "user", "Created by", true, "createdBy"},
    {"MODIFY_BY_ID", "user", "Modified by", true, "updatedBy"},
    {"DATE_CREATE", "datetime", "Created on", true, "createdTime"},
    {"DATE_MODIFY", "datetime", "Modified on", true, "updatedTime"},
    {"SOURCE_ID", "crm_status", "Source"},
    {"SOURCE_DESCRIPTION", "string", "Source information"},
    {"ORIGINATOR_ID", "string", "External source"},
    {"ORIGIN_ID", "string", "Item ID in data source"},
    {"UTM_SOURCE", "string", "UTM Source"},
    {"UTM_MEDIUM", "string", "UTM Medium"},
    {"UTM_CAMPAIGN", "string", "UTM Campaign"},
    {"UTM_CONTENT", "string", "UTM Content"},
    {"UTM_TERM", "string", "UTM Term"},
};

constexpr Field kContactFields[] = {
    {"ID", "integer", "ID", true},
    {"HONORIFIC", "crm_status", "Salutation"},
    {"NAME", "string", "First name"},
    {"SECOND_NAME", "string", "Second name"},
    {"LAST_NAME", "string", "Last name"},
    {"BIRTHDATE", "date", "Date of birth"},
    {"POST", "string", "Position"},
    {"TYPE_ID", "crm_status", "Contact type"},
    {"SOURCE_ID", "crm_status", "Source"},
    {"SOURCE_DESCRIPTION", "string", "Source information"},
    {"COMMENTS", "string", "Comment"},
    {"OPENED", "char", "Available to everyone"},
    {"EXPORT", "char", "Included in export"},
    {"HAS_PHONE", "char", "Has phone", true},
    {"HAS_EMAIL", "char", "Has e-mail", true},
    {"ASSIGNED_BY_ID", "user", "Responsible person"},
    {"CREATED_BY_ID", "user", "Created by", true, "createdBy"},
    {"MODIFY_BY_ID", "user", "Modified by", true, "updatedBy"},
    {"DATE_CREATE", "datetime", "Created on", true, "createdTime"},
    {"DATE_MODIFY", "datetime", "Modified on", true, "updatedTime"},
    {"COMPANY_ID", "crm_company", "Company"},
    {"LEAD_ID", "crm_lead", "Lead", true},
    {"ORIGINATOR_ID", "string", "External source"},
    {"ORIGIN_ID", "string", "Item ID in data source"},
    {"UTM_SOURCE", "string", "UTM Source"},
    {"UTM_MEDIUM", "string", "UTM Medium"},
    {"UTM_CAMPAIGN", "string", "UTM Campaign"},
    {"UTM_CONTENT", "string", "UTM Content"},
    {"UTM_TERM", "string", "UTM Term"},
    {"PHONE", "crm_multifield", "Phone"},
    {"EMAIL", "crm_multifield", "E-mail"},
    {"WEB", "crm_multifield", "Website"},
    {"IM", "crm_multifield", "Messenger"},
};

constexpr Field kCompanyFields[] = {
    {"ID", "integer", "ID", true},
    {"TITLE", "string", "Company name"},
    {"COMPANY_TYPE", "crm_status", "Company type", false, "typeId"},
    {"COMMENTS", "string", "Comment"},
    {"OPENED", "char", "Available to everyone"},
    {"ASSIGNED_BY_ID", "user", "Responsible person"},
    {"DATE_CREATE", "datetime", "Created on", true, "createdTime"},
    {"DATE_MODIFY", "datetime", "Modified on", true, "updatedTime"},
    {"ORIGINATOR_ID", "string", "External source"},
    {"ORIGIN_ID", "string", "Item ID in data source"},
    {"UTM_SOURCE", "string", "UTM Source"},
    {"PHONE", "crm_multifield", "Phone"},
    {"EMAIL", "crm_multifield", "E-mail"},
    {"WEB", "crm_multifield", "Website"},
    {"IM", "crm_multifield", "Messenger"},
};

constexpr Field kProcessFields[] = {
    {"ID", "integer", "ID", true},
    {"TITLE", "string", "Name"},
    {"XML_ID", "string", "External code"},
    {"STAGE_ID", "crm_status", "Stage"},
    {"OPENED", "char", "Available to everyone"},
    {"ASSIGNED_BY_ID", "user", "Responsible person"},
    {"CONTACT_ID", "crm_contact", "Contact"},
    {"COMPANY_ID", "crm_company", "Company"},
    {"SOURCE_ID", "crm_status", "Source"},
    {"DATE_CREATE", "datetime", "Created on", true, "createdTime"},
    {"DATE_MODIFY", "datetime", "Modified on", true, "updatedTime"},
};

constexpr Field kTaskFields[] = {
    {"ID", "integer", "ID", true},
    {"TITLE", "string", "Name"},
    {"DESCRIPTION", "string", "Description"},
    {"STATUS", "enum", "Status"},
    {"PRIORITY", "enum", "Priority"},
    {"RESPONSIBLE_ID", "user", "Participant"},
    {"CREATED_BY", "user", "Creator"},
    {"CREATED_DATE", "datetime", "Created on", true},
    {"CHANGED_DATE", "datetime", "Changed on", true},
};

constexpr EntityType kTypes[kKinds] = {
    {Kind::lead, 1, "LEAD", "Lead #", kLeadFields},
    {Kind::deal, 2, "DEAL", "Deal #", kDealFields},
    {Kind::contact, 3, "CONTACT", "", kContactFields},
    {Kind::company, 4, "COMPANY", "", kCompanyFields},
    {Kind::process, 128, "DYNAMICITEM", "Item #", kProcessFields},
    {Kind::task, 0, "TASK", "", kTaskFields},
};

// What the portal fills in when a new entity does not say.
struct Default {
  std::string_view field, value;
};
constexpr Default kDefaults[] = {
    {"STATUS_ID", "NEW"},    {"STATUS_SEMANTIC_ID", "P"},
    {"STAGE_ID", "NEW"},     {"STAGE_SEMANTIC_ID", "P"},
    {"CATEGORY_ID", "0"},    {"CURRENCY_ID", "USD"},
    {"OPPORTUNITY", "0.00"}, {"IS_MANUAL_OPPORTUNITY", "N"},
    {"OPENED", "N"},         {"CLOSED", "N"},
    {"EXPORT", "N"},         {"HAS_IMOL", "N"},
    {"ASSIGNED_BY_ID", "1"}, {"CREATED_BY_ID", "1"},
    {"MODIFY_BY_ID", "1"},   {"BIRTHDATE", ""},
    {"DATE_CLOSED", ""},     {"IS_RETURN_CUSTOMER", "N"},
    {"STATUS", "2"},         {"PRIORITY", "1"},
    {"CREATED_BY", "1"},
};

void put(Record& record, const EntityType& type, std::string_view name, std::string_view text) {
  if (type.find(name) != nullptr) record.fields.set(b24::Key(name), text);
}

void put_given(Record& record, const EntityType& type, const Value& given) {
  for (const auto& [key, value] : given.members()) {
    const Field* field = type.find(key.text());
    if (field == nullptr || field->read_only || field->multiple() || value.is_array()) continue;
    record.fields.set(key, value.is_null() ? Value() : Value(value.text()));
  }
}

bool has_contact(const Record& record, std::string_view type_id) {
  return std::ranges::any_of(record.contacts,
                             [&](const Contact& contact) { return contact.type_id == type_id; });
}

void put_derived(Record& record, const EntityType& type, Millis now) {
  for (const char* field : {"DATE_MODIFY", "CHANGED_DATE"})
    put(record, type, field, portal_time(now));
  put(record, type, "HAS_PHONE", has_contact(record, "PHONE") ? "Y" : "N");
  put(record, type, "HAS_EMAIL", has_contact(record, "EMAIL") ? "Y" : "N");
}

}  // namespace

bool Field::numeric() const {
  return type == "integer" || type == "user" || type == "double" || type == "crm_company" ||
         type == "crm_contact" || type == "crm_lead" || type == "crm_category";
}

const Field* EntityType::find(std::string_view wanted) const {
  const auto* found = std::ranges::find(fields, wanted, &Field::name).base();
  return found == fields.data() + fields.size() ? nullptr : found;
}

const Field* EntityType::find_item_name(std::string_view wanted) const {
  for (const Field& field : fields)
    if (!field.multiple() && item_name(field) == wanted) return &field;
  return nullptr;
}

const EntityType& type_of(Kind kind) {
  return kTypes[static_cast<std::size_t>(kind)];
}

const EntityType* type_by_id(std::int64_t id) {
  for (const EntityType& type : kTypes)
    if (type.id == id && id != 0) return &type;
  return nullptr;
}

std::string item_name(const Field& field) {
  if (!field.item_name.empty()) return std::string(field.item_name);
  std::string name;
  bool upper = false;
  for (char c : field.name) {
    if (c == '_')
      upper = true;
    else
      name += (std::exchange(upper, false) || c < 'A' || c > 'Z') ? c : static_cast<char>(c + 32);
  }
  return name;
}

void Records::note_origin(Kind kind, const Record& record) {
  const std::string origin = b24::text::lower(record.text("ORIGIN_ID"));
  if (!origin.empty()) origins_[static_cast<std::size_t>(kind)][origin].insert(record.id);
}

std::vector<const Record*> Records::of_origin(Kind kind, const std::string& origin) const {
  std::vector<const Record*> rows;
  const auto& known = origins_[static_cast<std::size_t>(kind)];
  const auto ids = known.find(b24::text::lower(origin));
  if (ids == known.end()) return rows;
  for (const std::int64_t id : ids->second)
    if (const Record* record = find(kind, id)) rows.push_back(record);
  return rows;
}

const Record& Records::add(Kind kind, const Value& fields, std::vector<Contact> contacts,
                           Millis now) {
  const EntityType& type = type_of(kind);
  Record record;
  record.id = ++last_id_[static_cast<std::size_t>(kind)];
  record.created = now;
  for (const Field& field : type.fields)
    if (!field.multiple()) record.fields.set(b24::Key(field.name), Value());
  for (const auto& [field, value] : kDefaults) put(record, type, field, value);
  put(record, type, "ID", std::to_string(record.id));
  for (const char* field : {"DATE_CREATE", "CREATED_DATE"})
    put(record, type, field, portal_time(now));
  put_given(record, type, fields);
  if (record.text("TITLE").empty())
    put(record, type, "TITLE", std::string(type.title) + std::to_string(record.id));
  for (Contact& contact : contacts) {
    if (contact.value.empty()) continue;
    contact.id = ++last_contact_id_;
    record.contacts.push_back(std::move(contact));
  }
  put_derived(record, type, now);
  note_origin(kind, record);
  return records_[static_cast<std::size_t>(kind)]
      .emplace(record.id, std::move(record))
      .first->second;
}

bool Records::update(Kind kind, std::int64_t id, const Value& fields, std::vector<Contact> contacts,
                     Millis now) {
  auto& records = records_[static_cast<std::size_t>(kind)];
  const auto found = records.find(id);
  if (found == records.end()) return false;
  Record& record = found->second;
  put_given(record, type_of(kind), fields);
  for (Contact& contact : contacts) {
    const auto old = std::ranges::find(record.contacts, contact.id, &Contact::id);
    if (contact.id != 0 && old != record.contacts.end()) {
      if (contact.value.empty())
        record.contacts.erase(old);
      else
        *old = std::move(contact);
    } else if (!contact.value.empty()) {
      contact.id = ++last_contact_id_;
      record.contacts.push_back(std::move(contact));
    }
  }
  put_derived(record, type_of(kind), now);
  note_origin(kind, record);
  return true;
}

bool Records::erase(Kind kind, std::int64_t id) {
  return records_[static_cast<std::size_t>(kind)].erase(id) != 0;
}

const Record* Records::find(Kind kind, std::int64_t id) const {
  const auto found = all(kind).find(id);
  return found == all(kind).end() ? nullptr : &found->second;
}

std::string portal_time(Millis at) {
  const std::time_t seconds = at / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
  return text;
}

}  // namespace sandbox
