// item_words: see item_words.h.
#include "keep/item_words.h"

#include <algorithm>

#include "base/text.h"

namespace b24 {
namespace {

constexpr std::size_t kMostWords = 40;
constexpr std::size_t kMostLookedFor = 3;
constexpr std::size_t kLongest = 64;  // bytes
constexpr std::size_t kPhoneDigits = 10;
constexpr std::size_t kShortestPhone = 5;

constexpr std::string_view kNames[] = {"NAME",         "LAST_NAME", "SECOND_NAME", "COMPANY_TITLE",
                                       "TITLE",        "name",      "lastName",    "secondName",
                                       "companyTitle", "title"};
constexpr std::string_view kMultifields[] = {"PHONE", "EMAIL", "fm"};

std::string phone_word(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), text::is_digit);
  if (digits.size() > kPhoneDigits) digits.erase(0, digits.size() - kPhoneDigits);
  return digits;
}

bool is_phone(std::string_view text) {
  return text.find_first_not_of("0123456789+-() .") == text.npos &&
         std::ranges::count_if(text, text::is_digit) >= std::ptrdiff_t{kShortestPhone};
}

void add(std::vector<std::string>& words, std::string_view word) {
  const std::string kept(word.substr(0, kLongest));
  const bool is_new = std::ranges::find(words, kept) == words.end();
  if (!kept.empty() && words.size() < kMostWords && is_new) words.push_back(kept);
}

void add_text(std::vector<std::string>& words, std::string_view text) {
  for (const std::string& part : text::split(text::fold(text), " \t\r\n,;()<>\"")) {
    if (part.contains('@')) {
      add(words, part);
      continue;
    }
    for (const std::string& word : text::split(part, "!#$%&'*+-./:=?[\\]^_`{|}~")) add(words, word);
  }
}

// crm.lead.add and crm.item.add spell a phone number or an e-mail address differently.
std::string multifield_text(const Value& entry) {
  const Value* value = entry.find("VALUE");
  return (value != nullptr ? *value : entry["value"]).text();
}

void add_fields(std::vector<std::string>& words, const Value& fields) {
  for (const std::string_view name : kMultifields) {
    for (const Value::Member& entry : fields[name].members()) {
      const std::string text = multifield_text(entry.value);
      if (is_phone(text)) {
        add(words, phone_word(text));
      } else {
        add_text(words, text);
      }
    }
  }
  for (const std::string_view name : kNames) add_text(words, fields[name].text());
}

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

std::vector<std::string> found_by(const Value& payload) {
  std::vector<std::string> words;
  add_fields(words, payload.path("params.fields"));
  add_fields(words, payload["person"]);
  return words;
}

std::vector<std::string> words_looked_for(std::string_view text) {
  std::vector<std::string> words;
  if (is_phone(text)) {
    add(words, phone_word(text));
  } else {
    add_text(words, text);
  }
  std::ranges::stable_sort(words, std::greater(), &std::string::size);
  if (words.size() > kMostLookedFor) words.resize(kMostLookedFor);
  return words;
}

}  // namespace b24
