// import_settings: see import_settings.h.
#include "import_settings.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/files.h"
#include "base/text.h"

namespace b24 {
namespace {

enum class TokenKind { end, word, text, sign, unclear };  // unclear: a text with variables in it

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 0;
};

bool is_of_a_word(char c) {
  return text::is_letter(c) || text::is_digit(c) || c == '_' || c == '\\';
}

// PHP's tokens, as far as definitions have them (the language reference, "Basic syntax" and
// "Strings").
class Php {
 public:
  explicit Php(std::string_view code) : left_(code) {
    take(std::min(left_.find("<?"), left_.size()));
    if (!left_.empty()) take(left_.starts_with("<?php") ? 5 : 2);
  }

  Token next() {
    skip_blanks_and_comments();
    if (left_.empty()) return {TokenKind::end, "", line_};
    const char first = left_.front();
    if (first == '\'' || first == '"') return quoted(first);
    const auto* const end = std::ranges::find_if_not(left_, is_of_a_word);
    const auto length = static_cast<std::size_t>(end - left_.begin());
    if (length > 0) return {TokenKind::word, take(length), line_};
    return {TokenKind::sign, take(1), line_};
  }

 private:
  std::string take(std::size_t count) {
    std::string taken(left_.substr(0, count));
    line_ += static_cast<int>(std::ranges::count(taken, '\n'));
    left_.remove_prefix(std::min(count, left_.size()));
    return taken;
  }

  // Takes up to a mark and the mark, or all that is left.
  void take_past(std::string_view mark) {
    const std::size_t at = left_.find(mark);
    take(at == left_.npos ? left_.size() : at + mark.size());
  }

  void skip_blanks_and_comments() {
    for (;;) {
      if (left_.starts_with("/*"))
        take_past("*/");
      else if (left_.starts_with("//") || left_.starts_with("#"))
        take_past("\n");
      else if (!left_.empty() && std::string_view(" \t\r\n").contains(left_.front()))
        take(1);
      else
        return;
    }
  }

  Token quoted(char quote) {
    Token token{TokenKind::text, "", line_};
    take(1);
    while (!left_.empty() && left_.front() != quote) {
      std::string piece = take(left_.front() == '\\' ? 2 : 1);
      const bool is_plain = piece.size() == 1 ? piece != "$" : is_plain_escape(piece[1]);
      if (quote == '"' && !is_plain) token.kind = TokenKind::unclear;
      const bool is_escape = piece.size() == 2 && (piece[1] == quote || piece[1] == '\\' ||
                                                   (quote == '"' && piece[1] == '$'));
      token.text += is_escape ? piece.substr(1) : piece;
    }
    take(1);
    return token;
  }

  static bool is_plain_escape(char c) { return c == '"' || c == '\\' || c == '$'; }

  std::string_view left_;
  int line_ = 1;
};

// Reads the value up to one of the signs of `ends` at its own level of brackets.
struct PhpValue {
  std::optional<std::string> text = {};  // nothing: it was not understood
  std::string end = {};
};
PhpValue php_value(Php& php, std::string_view ends, std::string_view dir) {
  std::string value;
  bool is_clear = true;
  int depth = 0;
  for (Token token = php.next(); token.kind != TokenKind::end; token = php.next()) {
    const std::string word = text::lower(token.text);
    if (token.kind == TokenKind::text) {
      value += token.text;
    } else if (token.kind == TokenKind::sign) {
      if (depth == 0 && ends.contains(word))
        return {is_clear ? std::optional(value) : std::nullopt, word};
      if (word == "(") ++depth;
      if (word == ")") --depth;
      is_clear = is_clear && std::string_view("().").contains(word);
    } else if (word == "true") {
      value += "1";
    } else if (word == "__dir__") {
      value += dir;
    } else if (token.kind == TokenKind::word && text::is_number(word)) {
      value += word;
    } else {
      is_clear = is_clear && (word == "false" || word == "null");
    }
  }
  return {};
}

struct Definition {
  std::string name;
  int line = 0;
  std::optional<std::string> value;  // nothing: it was not understood
};

std::vector<Definition> php_definitions(std::string_view code, std::string_view dir) {
  std::vector<Definition> found;
  const auto add = [&](std::string name, int line, std::optional<std::string> value) {
    if (std::ranges::find(found, name, &Definition::name) == found.end())
      found.push_back({std::move(name), line, std::move(value)});
  };
  Php php(code);
  for (Token token = php.next(); token.kind != TokenKind::end; token = php.next()) {
    if (token.kind != TokenKind::word) continue;
    const std::string word = text::lower(token.text);
    if (word == "const") {
      for (PhpValue value{{}, ","}; value.end == ",";) {
        std::string name = php.next().text;
        value = php.next().text == "=" ? php_value(php, ";,", dir) : PhpValue();
        add(std::move(name), token.line, value.text);
      }
    } else if ((word == "define" || word == "\\define") && php.next().text == "(") {
      std::string name = php.next().text;
      const bool has_value = php.next().text == ",";
      add(std::move(name), token.line, has_value ? php_value(php, "),", dir).text : std::nullopt);
    }
  }
  return found;
}

enum class Means { text, flag, directory, application };
constexpr struct {
  std::string_view name;
  Means means;
} kNames[] = {
    {"C_REST_WEB_HOOK_URL", Means::text},     {"C_REST_CURRENT_ENCODING", Means::text},
    {"C_REST_IGNORE_SSL", Means::flag},       {"C_REST_LOG_TYPE_DUMP", Means::flag},
    {"C_REST_BLOCK_LOG", Means::flag},        {"C_REST_LOGS_DIR", Means::directory},
    {"C_REST_CLIENT_ID", Means::application}, {"C_REST_CLIENT_SECRET", Means::application},
};

constexpr std::string_view kOfAnApplication =
    "# C_REST_CLIENT_ID and C_REST_CLIENT_SECRET belong to a local application; b24hooks works by\n"
    "# webhooks and needs neither. Without a webhook yet: in Bitrix24, Developer resources > Other "
    ">\n"
    "# Inbound webhook, with the right \"crm\"; put its URL into C_REST_WEB_HOOK_URL.\n";

// What a line of settings.conf can hold.
bool fits(std::string_view value) {
  constexpr std::size_t kLongest = 160;
  return value.size() <= kLongest && !value.contains(" ;") && !value.contains('\0') &&
         !text::has_control(text::to_valid_utf8(value), false);
}

std::string settings_line(std::string_view name, Means means, const std::string& value) {
  std::string start = std::string(name) + " = ";
  switch (means) {
    case Means::text:
      return start + value + "\n";
    case Means::flag:
      return start + (value.empty() || value == "0" ? "N" : "Y") + "\n";
    case Means::directory:
      return "# The logs were in " + value +
             "; they lie in the data directory now, outside the web root.\n";
    case Means::application:
      return "";
  }
  return "";
}

}  // namespace

ImportedSettings import_settings(std::string_view php, std::string_view dir) {
  ImportedSettings imported;
  bool is_application = false;
  for (const Definition& each : php_definitions(php, dir)) {
    const auto* const row =
        std::ranges::find(kNames, each.name, [](const auto& candidate) { return candidate.name; });
    const std::string where =
        "line " + std::to_string(each.line) + ": " + text::for_log(each.name, 60) + ": ";
    if (row == std::end(kNames)) {
      imported.not_understood.push_back(where + "CRest has no such setting; it is left out");
    } else if (row->means == Means::application) {
      is_application = true;
    } else if (!each.value || !fits(*each.value)) {
      imported.not_understood.push_back(where +
                                        "the value is no plain text, number, true or false "
                                        "on one line; put it into settings.conf yourself");
    } else {
      imported.lines += settings_line(row->name, row->means, *each.value);
    }
  }
  if (is_application) imported.lines += kOfAnApplication;
  return imported;
}

int import_settings_command(const std::string& file) {
  constexpr std::size_t kMost = 1 << 20;
  const auto php = read_file(file, kMost);
  if (!php) {
    std::cerr << file_failure(file, "reading").error().cause << "\n";
    return 1;
  }
  std::error_code fault;
  const auto dir = std::filesystem::absolute(file, fault).lexically_normal().parent_path();
  const ImportedSettings imported = import_settings(*php, dir.string());
  std::cout << imported.lines;
  for (const std::string& each : imported.not_understood) std::cerr << file << ": " << each << "\n";
  if (imported.lines.empty() && imported.not_understood.empty())
    std::cerr << file << ": it defines nothing of CRest's\n";
  return imported.lines.empty() || !imported.not_understood.empty() ? 1 : 0;
}

}  // namespace b24
