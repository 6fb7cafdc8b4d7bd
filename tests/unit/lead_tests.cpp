// lead_tests: a submission -> the call to the portal.
#include "index/lead.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "value/php.h"

using namespace b24;

BOOST_AUTO_TEST_SUITE(lead_tests)

namespace {

Form form_of(const Settings& settings) {
  Result<Form> form = make_form(settings);
  BOOST_REQUIRE_MESSAGE(form, (form ? "" : form.error().cause));
  return *form;
}

Submission submit(const Form& form, const std::string& body) {
  Request request;
  request.method = "POST";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = body;
  request.post = *php::parse_query(body);
  request.params = request.post;
  Submission got = read_submission(form, request, "");
  BOOST_REQUIRE_MESSAGE(got.valid(), body);
  return got;
}

const std::string kPerson =
    "first_name=Anna&last_name=O%27Neil&phone=%2B1+202&email=a%40b.cc&saved=yes";

FieldSettings field(std::string name, std::string type, std::string target) {
  FieldSettings settings;
  settings.name = std::move(name);
  settings.type_name = std::move(type);
  settings.target = std::move(target);
  return settings;
}

Value fields_of(const Settings& settings, const std::string& body) {
  const Form form = form_of(settings);
  return lead_payload(form, submit(form, body), "id1").path("params.fields");
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_call_is_the_examples) {
  const Form form = form_of({});
  const Value payload = lead_payload(form, submit(form, kPerson), "id1");
  BOOST_TEST(payload["method"].text() == "crm.lead.add");
  BOOST_TEST(php::url_decode(php::build_query(payload["params"])) ==
             "fields[TITLE]=Anna O'Neil&fields[NAME]=Anna&fields[LAST_NAME]=O'Neil"
             "&fields[STATUS_ID]=NEW&fields[OPENED]=Y&fields[ASSIGNED_BY_ID]=1"
             "&fields[PHONE][0][VALUE]=+1 202&fields[PHONE][0][VALUE_TYPE]=WORK"
             "&fields[EMAIL][0][VALUE]=a@b.cc&fields[EMAIL][0][VALUE_TYPE]=WORK"
             "&fields[ORIGINATOR_ID]=b24hooks&fields[ORIGIN_ID]=id1"
             "&params[REGISTER_SONET_EVENT]=Y");
  BOOST_TEST(php::url_decode(php::build_query(payload["lookup"])) ==
             "method=crm.lead.list&params[filter][ORIGINATOR_ID]=b24hooks"
             "&params[filter][ORIGIN_ID]=id1&params[select][0]=ID");
  BOOST_TEST(payload.find("duplicates") == nullptr);
}

BOOST_AUTO_TEST_CASE(crm_item_add_spells_its_fields_otherwise) {
  Settings settings;
  settings.form.method = "crm.item.add";
  settings.fields = {field("company", "", ""), field("shoe", "text", "UF_CRM_1700")};
  const Form form = form_of(settings);
  const Value payload =
      lead_payload(form, submit(form, kPerson + "&company=ACME&shoe=42&utm_source=ad"), "id1");
  BOOST_TEST(
      php::url_decode(php::build_query(payload)) ==
      "method=crm.item.add&params[entityTypeId]=1&params[fields][title]=Anna O'Neil"
      "&params[fields][name]=Anna&params[fields][lastName]=O'Neil"
      "&params[fields][companyTitle]=ACME&params[fields][UF_CRM_1700]=42"
      "&params[fields][stageId]=NEW&params[fields][opened]=Y&params[fields][assignedById]=1"
      "&params[fields][fm][0][typeId]=PHONE&params[fields][fm][0][valueType]=WORK"
      "&params[fields][fm][0][value]=+1 202&params[fields][fm][1][typeId]=EMAIL"
      "&params[fields][fm][1][valueType]=WORK&params[fields][fm][1][value]=a@b.cc"
      "&params[fields][utmSource]=ad&params[fields][originatorId]=b24hooks"
      "&params[fields][originId]=id1&params[useOriginalUfNames]=Y&lookup[method]=crm.item.list"
      "&lookup[params][entityTypeId]=1&lookup[params][filter][originatorId]=b24hooks"
      "&lookup[params][filter][originId]=id1&lookup[params][select][0]=id");
}

BOOST_AUTO_TEST_CASE(names_of_item_fields) {
  const std::pair<const char*, const char*> cases[] = {
      {"TITLE", "title"},          {"LAST_NAME", "lastName"}, {"STATUS_ID", "stageId"},
      {"UTM_SOURCE", "utmSource"}, {"UF_CRM_1", "UF_CRM_1"},  {"ufCrm_1", "ufCrm_1"},
      {"sourceId", "sourceId"},    {"SOURCE_ID", "sourceId"}, {"ASSIGNED_BY_ID", "assignedById"},
  };
  for (const auto& [classic, want] : cases) BOOST_TEST(item_field(classic) == want);
}

BOOST_AUTO_TEST_CASE(fields_with_one_target_are_joined) {
  Settings settings;
  settings.fields = {field("street", "", "ADDRESS"),
                     field("town", "", "ADDRESS"),
                     field("mobile", "phone", "PHONE"),
                     field("comments", "", ""),
                     field("color", "", ""),
                     field("secret", "", "none")};
  settings.fields[4].labels[""] = "Colour";
  const Value fields = fields_of(settings, kPerson +
                                               "&street=Main+1&town=Rome&mobile=2&comments=Hi%0Ayou"
                                               "&color=blue&secret=x");
  BOOST_TEST(fields["ADDRESS"].text() == "Main 1 Rome");
  BOOST_TEST(fields["PHONE"].size() == 2U);
  BOOST_TEST(fields["PHONE"][1]["VALUE"].text() == "2");
  BOOST_TEST(fields["COMMENTS"].text() == "Hi\nyou\nColour: blue");
  BOOST_TEST(php::build_query(fields).find("=x") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(unknown_fields_go_to_the_comments_when_wanted) {
  Settings settings;
  settings.form.unknown = "comments";
  BOOST_TEST(fields_of(settings, kPerson + "&size=XL")["COMMENTS"].text() == "size: XL");
}

BOOST_AUTO_TEST_CASE(title_and_fixed_values_are_the_owners) {
  Settings settings;
  settings.form.title = "Site: {first_name} ({phone})";
  settings.form.values = "SOURCE_ID=WEB, STATUS_ID=IN_PROCESS, SOURCE_DESCRIPTION=a=b c";
  const Value fields = fields_of(settings, kPerson);
  BOOST_TEST(fields["TITLE"].text() == "Site: Anna (+1 202)");
  BOOST_TEST(fields["SOURCE_ID"].text() == "WEB");
  BOOST_TEST(fields["STATUS_ID"].text() == "IN_PROCESS");
  BOOST_TEST(fields["SOURCE_DESCRIPTION"].text() == "a=b c");
  BOOST_TEST(fields.find("OPENED") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_visitor_cannot_put_fields_into_the_title) {
  const Value fields = fields_of({}, "first_name=%7Bphone%7D&last_name=%7B&phone=1");
  BOOST_TEST(fields["TITLE"].text() == "{phone} {");
}

BOOST_AUTO_TEST_CASE(empty_phones_and_emails_are_left_out) {
  const Value fields = fields_of({}, "first_name=Anna");
  BOOST_TEST(fields.find("PHONE") == nullptr);
  BOOST_TEST(fields.find("EMAIL") == nullptr);
  BOOST_TEST(fields["TITLE"].text() == "Anna");
  BOOST_TEST(fields["LAST_NAME"].text() == "");
}

BOOST_AUTO_TEST_CASE(files_go_as_each_method_wants_them) {
  Settings settings;
  settings.fields = {field("cv", "file", "UF_CRM_CV")};
  for (const bool item : {false, true}) {
    settings.form.method = item ? "crm.item.add" : "crm.lead.add";
    const Form form = form_of(settings);
    Submission submission = submit(form, kPerson);
    submission.files = {{"cv", "cv.txt", "hello"}};
    const Value payload = lead_payload(form, submission, "id1");
    const Value& file = payload.path("params.fields.UF_CRM_CV");
    const Value& pair = item ? file : file["fileData"];
    BOOST_TEST(pair[0].text() == "cv.txt");
    BOOST_TEST(pair[1].text() == "aGVsbG8=");
  }
}

BOOST_AUTO_TEST_CASE(a_file_without_a_place_replaces_no_message) {
  Settings settings;
  settings.form.fields = "first_name, comments, cv";
  settings.fields = {field("cv", "file", "")};
  const Form form = form_of(settings);
  Submission submission = submit(form, "first_name=Anna&comments=Hello");
  submission.files = {{"cv", "cv.txt", "hello"}};
  const std::string comments =
      lead_payload(form, submission, "id1").path("params.fields.COMMENTS").text();
  BOOST_TEST(comments.starts_with("Hello\ncv: cv.txt (a file, not sent"), comments);
}

BOOST_AUTO_TEST_CASE(repeat_customers_are_looked_for_when_wanted) {
  Settings settings;
  settings.form.duplicates = "link";
  const Form form = form_of(settings);
  const Value payload = lead_payload(form, submit(form, kPerson), "id1");
  BOOST_TEST(php::url_decode(php::build_query(payload["duplicates"])) ==
             "PHONE[0]=+1 202&EMAIL[0]=a@b.cc");
}

BOOST_AUTO_TEST_CASE(the_comment_for_somebody_known_says_all_that_was_sent) {
  Settings settings;
  settings.form.duplicates = "comment";
  settings.form.unknown = "comments";
  const Form form = form_of(settings);
  const Submission submission =
      submit(form, kPerson + "&size=XL&utm_source=ad&yclid=42&TRACE=%7B%22a%22%3A1%7D");
  const Value comment = lead_payload(form, submission, "id1")["comment"];
  BOOST_TEST(comment["COMMENT"].text() ==
             "Anna O'Neil\nfirst_name: Anna\nlast_name: O'Neil\nphone: +1 202\nemail: a@b.cc\n"
             "size: XL\nUTM_SOURCE: ad\nyclid: 42\nb24hooks id1");
}

BOOST_AUTO_TEST_CASE(each_entity_gets_what_it_has_a_place_for_and_the_comments_the_rest) {
  Settings settings;
  settings.form.fields = "first_name, phone, company, comments";
  settings.form.values = "STATUS_ID=NEW, STAGE_ID=C1:NEW";
  const std::string body = "first_name=Anna&phone=123&company=ACME&comments=Hello&utm_source=ad";
  const auto fields = [&](const char* entity) {
    settings.form.entity = entity;
    const Form form = form_of(settings);
    const Value payload = lead_payload(form, submit(form, body), "id1");
    BOOST_TEST(payload["method"].text() == "crm.item.add");
    BOOST_TEST(payload["entity"].text() == entity);
    BOOST_TEST(payload.path("lookup.params.filter.originId").text() == "id1");
    return payload.path("params.fields");
  };
  const Value deal = fields("deal");
  BOOST_TEST(deal["comments"].text() == "first_name: Anna\ncompany: ACME\nHello\nphone: 123");
  BOOST_TEST(deal["stageId"].text() == "C1:NEW");  // STATUS_ID is of leads alone
  BOOST_TEST((deal.find("name") == nullptr && deal.find("fm") == nullptr));
  const Value contact = fields("contact");
  BOOST_TEST(contact["name"].text() == "Anna");
  BOOST_TEST((contact.find("title") == nullptr));
  BOOST_TEST(contact["comments"].text() == "company: ACME\nHello");
  const Value company = fields("company");
  BOOST_TEST(company["title"].text() == "ACME");
  BOOST_TEST(company["fm"][0]["value"].text() == "123");
  BOOST_TEST(company["comments"].text() == "first_name: Anna\nHello");
}

BOOST_AUTO_TEST_CASE(a_smart_process_loses_nothing_without_a_word) {
  Settings settings;
  settings.form.entity = "128";
  settings.form.fields = "first_name, phone";
  BOOST_TEST(make_form(settings).error().cause.contains("no place for first_name"));
  settings.form.contact = "create";
  const Form form = form_of(settings);
  const Value payload = lead_payload(form, submit(form, "first_name=Anna&phone=123"), "id1");
  BOOST_TEST(payload.path("params.entityTypeId").integer() == 128);
  BOOST_TEST(payload.path("params.fields.xmlId").text() == "b24hooks-id1");
  BOOST_TEST(payload.path("lookup.params.filter.xmlId").text() == "b24hooks-id1");
  BOOST_TEST(payload.path("contact.params.entityTypeId").integer() == 3);
  BOOST_TEST(payload.path("contact.params.fields.fm")[0]["value"].text() == "123");
  BOOST_TEST(payload.path("contact.params.fields.originId").text() == "id1");
  settings.form.fields = "first_name, comments";
  BOOST_TEST(make_form(settings).error().cause.contains("no place for comments"));
}

BOOST_AUTO_TEST_CASE(a_field_of_several_values_gets_each_of_them) {
  Settings settings;
  settings.fields = {field("a", "text", "UF_CRM_TAGS[]"), field("b", "text", "UF_CRM_TAGS[]"),
                     field("money", "text", "UF_CRM_SUM")};
  const Value fields = fields_of(settings, kPerson + "&a=one&b=two&money=100%7CEUR");
  BOOST_TEST(fields["UF_CRM_TAGS"][0].text() == "one");
  BOOST_TEST(fields["UF_CRM_TAGS"][1].text() == "two");
  BOOST_TEST(fields["UF_CRM_SUM"].text() == "100|EUR");
}

BOOST_AUTO_TEST_CASE(a_record_of_a_form_that_is_gone_is_kept_as_it_came) {
  Settings settings;
  Record record;
  record.key = "id1";
  record.query = "form=quick";
  record.content_type = "application/x-www-form-urlencoded";
  record.body = "phone=123";
  Item item;
  const auto take_in = [&] {
    NewItem made = make_lead(make_forms(settings).value(), record, settings);
    item.id = made.id;
    item.name = made.name;
    item.payload = made.payload;
    return made;
  };
  BOOST_TEST((take_in().state == State::pending));
  BOOST_TEST(item.name == "quick");
  BOOST_TEST((item.payload.find("method") == nullptr));
  const auto none = payload_of_record(make_forms(settings).value(), item, settings);
  BOOST_REQUIRE(!none);
  BOOST_TEST(none.error().code == "no_form");
  BOOST_TEST(none.error().remedy.contains("[form quick]"));
  record.body += "&b24_extra=1";
  BOOST_TEST((take_in().state == State::spam));
  record.body = "phone=123";
  take_in();
  settings.forms.push_back(settings.form);
  settings.forms[0].name = "quick";
  settings.forms[0].fields = "phone";
  const Value payload = payload_of_record(make_forms(settings).value(), item, settings).value();
  BOOST_TEST(payload["form"].text() == "quick");
  BOOST_TEST(payload.path("params.fields.PHONE")[0]["VALUE"].text() == "123");
  BOOST_TEST(payload.path("params.fields.ORIGIN_ID").text() == "id1");
}

BOOST_AUTO_TEST_CASE(an_id_follows_token_and_content) {
  const Form form = form_of({});
  const Submission one = submit(form, kPerson);
  const std::string id = submission_id("t1", one);
  BOOST_TEST(id.size() == 26U);
  BOOST_TEST(submission_id("t1", submit(form, kPerson + "&utm_source=x&TRACE=y")) == id);
  BOOST_TEST(submission_id("t2", one) != id);
  BOOST_TEST(submission_id("t1", submit(form, kPerson + "+")) == id);  // trimmed
  BOOST_TEST(submission_id("t1", submit(form, "first_name=Anna")) != id);
  // The border between two fields counts.
  BOOST_TEST(submission_id("t", submit(form, "first_name=ab&last_name=c")) !=
             submission_id("t", submit(form, "first_name=a&last_name=bc")));
}

BOOST_AUTO_TEST_SUITE_END()
