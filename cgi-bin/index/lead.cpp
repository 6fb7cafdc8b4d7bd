// lead: see lead.h.
#include "lead.h"

#include <algorithm>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "field_text.h"
#include "portal/webhook.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr std::size_t kIdLength = 26;
constexpr std::size_t kTitleLength = 255;  // the CRM's limit

std::string make_title(const Form& form, const Submission& submission) {
  std::string title = text::fill(
      form.title, "{", "}", [&](std::string_view name) { return submission.values[name].text(); });
  std::ranges::replace(title, '\n', ' ');
  const std::string_view trimmed = text::trim(title);
  // Nobody finds a lead that has no title.
  if (trimmed.empty()) return "Website form " + iso_time(now_ms()).substr(0, 10);
  return std::string(text::first_utf8(trimmed, kTitleLength));
}

// Several fields with one target: lines in the comments, words elsewhere.
void add_text(Value& fields, const std::string& target, std::string_view text,
              std::string_view separator) {
  const Value* before = fields.find(target);
  if (before == nullptr || before->text().empty()) {
    fields.set(target, text);
  } else if (!text.empty()) {
    fields.set(target, before->text() + std::string(separator) + std::string(text));
  }
}

void add_comment(Value& fields, std::string_view label, const std::string& text) {
  if (!text.empty()) add_text(fields, "COMMENTS", std::string(label) + ": " + text, "\n");
}

std::string label_of(const Field& field) {
  const std::string_view label = field.label("");
  return label.empty() ? field.name : std::string(label);
}

// The visitor's own comment stands as it is, anything else in the comments says what it is.
void add_field(Value& fields, const Field& field, const std::string& text) {
  const std::string name(target_field(field.target));
  if (name != field.target) {
    if (!text.empty()) fields[name].append(text);
  } else if (field.target == "COMMENTS" && field.name != "comments") {
    add_comment(fields, label_of(field), text);
  } else if (!is_multifield(field.target)) {
    add_text(fields, field.target, text, field.target == "COMMENTS" ? "\n" : " ");
  } else if (!text.empty()) {
    fields[field.target].append(Value::map({{"VALUE", text}, {"VALUE_TYPE", "WORK"}}));
  }
}

// What the entity has no place for stands in its comments, and is the person's.
void add_person(Value& fields, Value& person, const Form& form, const Field& field,
                const std::string& text) {
  add_field(person, field, text);
  if (form.entity.name == "company" && field.target == "COMPANY_TITLE" && !text.empty())
    return fields.set("TITLE", text);
  if (form.entity.has_comments) add_comment(fields, label_of(field), text);
}

Value file_value(const SubmittedFile& file, bool item_method) {
  Value content = Value::list({file.name, secret::base64(file.content)});
  return item_method ? content : Value::map({{"fileData", std::move(content)}});
}

void add_files(Value& fields, const Form& form, const Submission& submission) {
  for (const SubmittedFile& file : submission.files) {
    const Field* field = form.find(file.field);
    if (field == nullptr || field->target.empty()) continue;
    if (field->target == "COMMENTS") {
      add_comment(fields, label_of(*field),
                  file.name + " (a file, not sent: no target is set for its field)");
      continue;
    }
    const std::string name(target_field(field->target));
    Value value = file_value(file, form.item_method);
    if (name == field->target)
      fields.set(name, std::move(value));
    else
      fields[name].append(std::move(value));
  }
}

// In crm.lead.add's spelling, in the order of the vendor's example. `person`: what only a contact
// has a place for.
Value classic_fields(const Form& form, const Submission& submission, Value& person) {
  Value fields = Value::array();
  if (form.entity.has("TITLE")) fields.set("TITLE", make_title(form, submission));
  const auto add_all = [&](bool multifields) {
    for (const Field& field : form.fields) {
      if (field.target.empty() || field.type == FieldType::file) continue;
      if (is_multifield(field.target) != multifields) continue;
      const std::string text = sent_text(field, submission.values[field.name].text());
      if (form.entity.has(field.target))
        add_field(fields, field, text);
      else
        add_person(fields, person, form, field, text);
    }
  };
  add_all(false);
  for (const auto& [name, text] : submission.unknown) add_comment(fields, name, text);
  for (const auto& [name, value] : form.values)
    if (form.entity.has(name)) fields.set(name, value);
  add_all(true);
  add_files(fields, form, submission);
  for (const Value::Member& mark : submission.marks.members()) {
    const std::string name = mark.key.text();
    if (name.starts_with("UTM_"))
      fields.set(name, mark.value);
    else if (name != "TRACE" && form.entity.has_comments)
      add_comment(fields, name, mark.value.text());
  }
  return fields;
}

void mark_as_test(Value& fields) {
  fields.set("TITLE", "TEST (b24hooks) " + fields["TITLE"].text());
  fields.set("SOURCE_DESCRIPTION", "TEST (b24hooks)");
}

Value item_fields(const Value& classic) {
  Value fields = Value::array();
  for (const Value::Member& member : classic.members()) {
    const std::string name = member.key.text();
    if (!is_multifield(name)) {
      fields.set(item_field(name), member.value);
      continue;
    }
    for (const Value::Member& entry : member.value.members()) {
      fields["fm"].append(Value::map({{"typeId", name},
                                      {"valueType", entry.value["VALUE_TYPE"]},
                                      {"value", entry.value["VALUE"]}}));
    }
  }
  return fields;
}

bool has_custom_field(const Value& fields) {
  return std::ranges::any_of(fields.members(), [](const Value::Member& member) {
    return member.key.text().starts_with("UF_");
  });
}

Value duplicates_of(const Value& classic) {
  Value duplicates = Value::array();
  for (const char* kind : {"PHONE", "EMAIL"}) {
    for (const Value::Member& entry : classic[kind].members()) {
      duplicates[kind].append(entry.value["VALUE"]);
    }
  }
  return duplicates;
}

// How an item is known to be ours: smart processes have one field for that.
Value origin_of(const Entity& entity, std::string_view id) {
  const std::string ours(kOriginator);
  if (entity.name.empty()) return Value::map({{"xmlId", ours + "-" + std::string(id)}});
  return Value::map({{"originatorId", ours}, {"originId", id}});
}

Value item_add(const Entity& entity, const Value& fields, std::string_view id) {
  Value own = item_fields(fields);
  const Value origin = origin_of(entity, id);
  for (const Value::Member& member : origin.members()) own.set(member.key, member.value);
  Value params = Value::map({{"entityTypeId", entity.type}, {"fields", std::move(own)}});
  if (has_custom_field(fields)) params.set("useOriginalUfNames", "Y");
  return params;
}

Value item_lookup(const Entity& entity, std::string_view id) {
  return Value::map({{"method", "crm.item.list"},
                     {"params", Value::map({{"entityTypeId", entity.type},
                                            {"filter", origin_of(entity, id)},
                                            {"select", Value::list({"id"})}})}});
}

Value item_call(const Entity& entity, const Value& fields, std::string_view id) {
  return Value::map({{"method", "crm.item.add"},
                     {"params", item_add(entity, fields, id)},
                     {"lookup", item_lookup(entity, id)}});
}

// The person as a contact of his own, with what the owner fixed that contacts have, too.
Value contact_call(const Form& form, const Value& person, std::string_view id) {
  Value fields = Value::array();
  for (const Value::Member& member : person.members())
    if (entity_of("contact").has(member.key.text())) fields.set(member.key, member.value);
  for (const auto& [name, value] : form.values)
    if (name == "OPENED" || name == "ASSIGNED_BY_ID" || name == "SOURCE_ID")
      fields.set(name, value);
  return item_call(entity_of("contact"), fields, id);
}

// Everything that was sent, for a person to read, and what tells it from any other.
Value comment_of(const Form& form, const Submission& submission, std::string_view id) {
  std::string text = make_title(form, submission);
  const auto add = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) text += "\n" + std::string(label) + ": " + value;
  };
  for (const Field& field : form.fields)
    if (!field.target.empty()) add(label_of(field), submission.values[field.name].text());
  for (const auto& [name, value] : submission.unknown) add(name, value);
  for (const Value::Member& mark : submission.marks.members())
    if (mark.key.text() != "TRACE") add(mark.key.text(), mark.value.text());
  text += "\n" + std::string(kOriginator) + " " + std::string(id);
  Value comment = Value::map({{"COMMENT", text}});
  for (const SubmittedFile& file : submission.files)
    comment["FILES"].append(Value::list({file.name, secret::base64(file.content)}));
  return comment;
}

// Who it is from: what the item itself has a place for, or not.
Value who_of(const Value& fields, const Value& person) {
  Value who = person;
  for (const Value::Member& member : fields.members()) {
    const std::string name = member.key.text();
    if (is_multifield(name) || name == "NAME" || name == "LAST_NAME" || name == "SECOND_NAME" ||
        name == "POST")
      who.set(name, member.value);
  }
  return who;
}

// What is to become of the sender (lead_sender.h).
void add_customer(Value& payload, const Form& form, const Submission& submission, const Value& who,
                  std::string_view id) {
  if (form.link_customer || form.comment_known) {
    const Value duplicates = duplicates_of(who);
    if (duplicates.size() != 0) payload.set("duplicates", duplicates);
  }
  if (form.comment_known) payload.set("comment", comment_of(form, submission, id));
  if (form.comment_known && form.link_customer) payload.set("link", true);
  if (form.create_contact && who.size() != 0) payload.set("contact", contact_call(form, who, id));
}

// Of one sender one after the other, whichever process has them: what the first makes the second
// finds.
std::string sender_of(const NewItem& item) {
  const Value& payload = item.payload;
  if (payload["contact"].is_null() && payload["comment"].is_null()) return {};
  const Value& known = payload["duplicates"];
  const Value& first = known["PHONE"].is_null() ? known["EMAIL"] : known["PHONE"];
  return first.is_null() ? "" : content_id(item.destination + "\n" + first[0].text());
}

Value lead_call(Value fields, std::string_view id) {
  return Value::map(
      {{"method", "crm.lead.add"},
       {"params", Value::map({{"fields", std::move(fields)},
                              {"params", Value::map({{"REGISTER_SONET_EVENT", "Y"}})}})},
       {"lookup",
        Value::map({{"method", "crm.lead.list"},
                    {"params", Value::map({{"filter", Value::map({{"ORIGINATOR_ID", kOriginator},
                                                                  {"ORIGIN_ID", id}})},
                                           {"select", Value::list({"ID"})}})}})}});
}

}  // namespace

std::string content_id(std::string_view content) {
  return secret::hex(secret::sha256(content)).substr(0, kIdLength);
}

std::string submission_id(std::string_view token_id, const Submission& submission) {
  Value content = Value::list({token_id, submission.values});
  for (const SubmittedFile& file : submission.files) {
    content.append(Value::list({file.field, file.name, secret::sha256(file.content)}));
  }
  for (const auto& [name, text] : submission.unknown) content.append(Value::list({name, text}));
  if (submission.honeypot) content.append(kHoneypotInput);
  return content_id(php::build_query(content));
}

std::string tilda_id(const Request& request) {
  const std::string tranid = is_tilda(request) ? request.post["tranid"].text() : "";
  // One form of theirs may call several of ours.
  const std::string form = request.get[kFormInput].text();
  return tranid.empty() ? "" : content_id("tilda\n" + tranid + (form.empty() ? "" : "\n" + form));
}

Record make_record(const Request& request, std::string_view key, std::string_view address) {
  Record record;
  record.id = secret::new_id();
  record.key = key;
  record.at = now_ms();
  record.query = request.query_string;
  record.content_type = request.content_type_header;
  record.body = request.body;
  record.address = address;
  return record;
}

NewItem make_lead(const Forms& forms, const Record& record, const Settings& settings) {
  NewItem item;
  item.id = record.key;
  item.name = is_test_lead(record.key) ? kTestLead : "form";
  item.received_at = record.at;
  const auto request = parse_content(record.query, record.content_type, record.body, {});
  if (!request) return item;
  const std::string name = request->get[kFormInput].text();
  if (!name.empty()) item.name = text::for_log(name, 64);
  if (!request->post[kHoneypotInput].text().empty()) item.state = State::spam;
  const Form* form = find_form(forms, name);
  if (form == nullptr) {
    item.payload = Value::map({{"form", item.name},
                               {"record", Value::map({{"query", record.query},
                                                      {"content_type", record.content_type},
                                                      {"body", secret::base64(record.body)}})}});
    return item;
  }
  const Submission submission = read_submission(*form, *request, settings.crest.current_encoding);
  item.payload = lead_payload(*form, submission, record.key);
  item.destination = Webhook::portal_of(called_portal(settings, form->settings.portal).url);
  item.object = sender_of(item);
  if (submission.honeypot) item.state = State::spam;
  return item;
}

Result<Value> payload_of_record(const Forms& forms, const Item& item, const Settings& settings) {
  const Value& kept = item.payload["record"];
  Record record;
  record.key = item.id;
  record.query = kept["query"].text();
  record.content_type = kept["content_type"].text();
  record.body = secret::decode_base64(kept["body"].text());
  Value payload = make_lead(forms, record, settings).payload;
  if (payload.find("record") == nullptr) return payload;
  const std::string section = "[form " + item.name + "]";
  return std::unexpected(Error{ErrorKind::settings, "no_form",
                               section + " is not in the settings, so nobody knows where it goes",
                               "put the section " + section + " back, or delete the lead"});
}

Value lead_payload(const Form& form, const Submission& submission, std::string_view id) {
  Value person = Value::array();
  Value fields = classic_fields(form, submission, person);
  const bool is_test = is_test_lead(id);
  if (is_test) mark_as_test(fields);
  Value payload;
  if (form.item_method) {
    payload = item_call(form.entity, fields, id);
  } else {
    fields.set("ORIGINATOR_ID", kOriginator);
    fields.set("ORIGIN_ID", id);
    payload = lead_call(fields, id);
  }
  // A test makes one thing, which can be deleted again, and touches nobody.
  if (!is_test) add_customer(payload, form, submission, who_of(fields, person), id);
  if (person.size() != 0) payload.set("person", person);
  if (const Value* trace = submission.marks.find("TRACE"); trace != nullptr)
    payload.set("trace", *trace);
  if (form.entity.name != "lead") payload.set("entity", form.settings.entity);
  if (!form.name().empty()) payload.set("form", form.name());
  if (!form.settings.portal.empty()) payload.set("portal", form.settings.portal);
  return payload;
}

}  // namespace b24
