// entities: leads, deals, contacts, companies, one smart process and tasks as the portal keeps
// them: their fields, and the two ways in which its methods spell them.
//
// The older methods (crm.lead.*) say ORIGIN_ID and answer strings; the newer ones (crm.item.*) say
// originId and answer numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "value/value.h"

namespace sandbox {

using b24::Millis;
using b24::Value;

enum class Kind { lead, deal, contact, company, process, task };
inline constexpr std::size_t kKinds = 6;

struct Field {
  std::string_view name;   // "ORIGIN_ID"
  std::string_view type;   // "string", "integer", "user", "crm_multifield", ...
  std::string_view title;  // as crm.lead.fields says it
  bool read_only = false;
  std::string_view item_name = "";  // for crm.item.*; empty: the name in camel case

  bool multiple() const { return type == "crm_multifield"; }
  bool numeric() const;
};

struct EntityType {
  Kind kind;
  int id;                  // entityTypeId of crm.item.*; 0: it is not theirs
  std::string_view name;   // "LEAD": in events (ONCRMLEADADD) and duplicates
  std::string_view title;  // of one without a title: "Lead #5"
  std::span<const Field> fields;

  const Field* find(std::string_view name) const;            // nullptr: no such field
  const Field* find_item_name(std::string_view name) const;  // the same by the newer name
};

const EntityType& type_of(Kind kind);
const EntityType* type_by_id(std::int64_t id);  // nullptr: no such type
std::string item_name(const Field& field);

// One phone number, address, ... of an entity.
struct Contact {
  std::int64_t id = 0;
  std::string type_id;     // PHONE, EMAIL, WEB, IM
  std::string value_type;  // WORK, MOBILE, ...
  std::string value;
};

struct Record {
  std::int64_t id = 0;
  Millis created = 0;
  Value fields = Value::array();  // every field of the type, in its order; text or null
  std::vector<Contact> contacts;

  std::string text(std::string_view field) const { return fields[b24::Key(field)].text(); }
};

// The CRM's data. Not safe for several threads.
class Records {  // NOLINT(bugprone-reserved-identifier): one of the compiler's own
 public:
  // `fields` and `contacts` under the older names; what the type does not know or only reads is
  // left out silently, as the portal does.
  const Record& add(Kind kind, const Value& fields, std::vector<Contact> contacts, Millis now);
  // False: there is no such entity. Contacts with an id replace that one (an empty value deletes
  // it), others are added.
  bool update(Kind kind, std::int64_t id, const Value& fields, std::vector<Contact> contacts,
              Millis now);
  bool erase(Kind kind, std::int64_t id);
  const Record* find(Kind kind, std::int64_t id) const;
  const std::map<std::int64_t, Record>& all(Kind kind) const {
    return records_[static_cast<std::size_t>(kind)];
  }
  // All that have, or had, this ORIGIN_ID: as in the portal, looking for it does not take longer
  // with more of them.
  std::vector<const Record*> of_origin(Kind kind, const std::string& origin) const;

 private:
  void note_origin(Kind kind, const Record& record);

  std::map<std::int64_t, Record> records_[kKinds];
  std::map<std::string, std::set<std::int64_t>> origins_[kKinds];  // in lower case
  std::int64_t last_id_[kKinds] = {};
  std::int64_t last_contact_id_ = 0;
};

// What a list method was asked for; names as the method spells them.
struct ListQuery {
  Value filter = Value::array();
  Value order = Value::array();
};
// The matching records in order. `names`: how the fields are spelt (find or find_item_name).
// `blind_since`: records made after this are not seen yet.
using FindField = const Field* (EntityType::*)(std::string_view) const;
std::vector<const Record*> select(const Records& records, Kind kind, const ListQuery& query,
                                  FindField names, Millis blind_since);

// A filter's key without its operator: ">ID" -> {">", "ID"}.
struct FilterKey {
  std::string_view op;
  std::string_view field;
};
FilterKey split_filter_key(std::string_view key);

// "2026-11-24T06:01:30+00:00"
std::string portal_time(Millis at);

}  // namespace sandbox
