// find_words: see find_words.h.
#include "keep/find_words.h"

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

}  // namespace

std::string multifield_text(const Value& entry) {
  const Value* value = entry.find("VALUE");
  return (value != nullptr ? *value : entry["value"]).text();
}

namespace {

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

}  // namespace

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
