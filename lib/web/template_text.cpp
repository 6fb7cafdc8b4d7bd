// template_text: the text of mustache templates before they are compiled: checked, partials put in.
//
// kainjow's own check gives a position in bytes and no file, reparses each partial whenever a page
// is rendered, and runs std::isspace on plain char; so tags are looked at here first.
#include "web/template_text.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "settings/ini_file.h"

namespace b24 {
namespace {

constexpr int kDeepest = 20;  // includes within includes
constexpr char kRemedy[] = "mend the template, or put the one that was delivered back";

struct Tag {
  std::size_t start = 0;  // of "{{"
  std::size_t end = 0;    // behind "}}"
  char kind = ' ';        // one of "#^/>!&{" or ' ' for a variable
  std::string_view name;
};

// The next tag; nothing when there is none. A tag that is not closed has end 0.
std::optional<Tag> next_tag(std::string_view text, std::size_t from) {
  Tag tag;
  tag.start = text.find("{{", from);
  if (tag.start == std::string_view::npos) return std::nullopt;
  const std::size_t inside = tag.start + 2;
  if (inside < text.size() && std::string_view("#^/>!&{=").contains(text[inside]))
    tag.kind = text[inside];
  const std::string_view close = tag.kind == '{' ? "}}}" : "}}";
  const std::size_t end = text.find(close, inside);
  if (end == std::string_view::npos) return tag;
  const std::size_t name = inside + (tag.kind == ' ' ? 0 : 1);
  if (name <= end) tag.name = text::trim(text.substr(name, end - name));
  tag.end = end + close.size();
  return tag;
}

bool is_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.").contains(c);
  };
  return !name.empty() && std::ranges::all_of(name, allowed);
}

// What is wrong with a tag by itself; empty when nothing is.
std::string fault_of(const Tag& tag) {
  if (tag.end == 0) return "\"{{\" is not closed";
  if (tag.kind == '=') return "other delimiters ({{= =}}) are not supported";
  if (tag.kind != '!' && !is_name(tag.name))
    return "\"" + text::for_log(tag.name, 40) + "\" is no name";
  return {};
}

// Why a template cannot be used; else nothing, and the names that it includes.
std::optional<Error> check_tags(const std::string& text, const std::string& file,
                                std::set<std::string>& partials) {
  const auto fail = [&](std::size_t at, const std::string& what) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    return Error{ErrorKind::settings, "broken_template",
                 file + ":" + std::to_string(line) + ": " + what, kRemedy};
  };
  if (!text::is_valid_utf8(text)) return fail(0, "the text is not UTF-8");
  std::vector<Tag> open;
  for (std::optional<Tag> tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    if (const std::string fault = fault_of(*tag); !fault.empty()) return fail(tag->start, fault);
    const std::string shown(tag->name);
    if (tag->kind == '#' || tag->kind == '^') open.push_back(*tag);
    if (tag->kind == '>') partials.insert(shown);
    if (tag->kind != '/') continue;
    if (open.empty()) return fail(tag->start, "{{/" + shown + "}} closes nothing");
    if (open.back().name != tag->name) {
      return fail(tag->start,
                  "{{/" + shown + "}} where {{/" + std::string(open.back().name) + "}} is due");
    }
    open.pop_back();
  }
  if (open.empty()) return std::nullopt;
  return fail(open.back().start, "section " + std::string(open.back().name) + " is not closed");
}

bool last_opens(std::string_view line, std::string_view open, std::string_view close, bool before) {
  const std::size_t opened = line.rfind(open), closed = line.rfind(close);
  if (opened == std::string_view::npos && closed == std::string_view::npos) return before;
  return closed == std::string_view::npos || (opened != std::string_view::npos && opened > closed);
}

}  // namespace

Status TemplateTexts::check(const std::string& name) {
  const Result<const Source*> found = source(name);
  if (!found) return std::unexpected(found.error());
  return {};
}

Result<const TemplateTexts::Source*> TemplateTexts::source(const std::string& name) {
  if (const auto known = sources_.find(name); known != sources_.end()) return &known->second;
  Source source{dir_ + "/" + name + ".mustache", {}, {}};
  Result<std::string> read = read_settings_text(source.file);
  if (!read) return std::unexpected(read.error());
  source.text = std::move(*read);
  if (std::optional<Error> fault = check_tags(source.text, source.file, source.partials))
    return std::unexpected(*fault);
  return &(sources_[name] = std::move(source));
}

Result<std::string> TemplateTexts::expand(const std::string& name,
                                          std::set<std::string>& messages) {
  std::string result;
  if (Status appended = append(name, 0, result, messages); !appended)
    return std::unexpected(appended.error());
  return without_indentation(result);
}

Status TemplateTexts::append(const std::string& name, int depth, std::string& result,
                             std::set<std::string>& messages) {
  const Result<const Source*> found = source(name);
  if (!found) return std::unexpected(found.error());
  const std::string_view text = (*found)->text;
  std::size_t copied = 0;
  for (std::optional<Tag> tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    if (tag->name.starts_with("t.")) messages.emplace(tag->name.substr(2));
    if (tag->kind != '>' && tag->kind != '!') continue;
    result += text.substr(copied, tag->start - copied);
    copied = tag->end;
    if (tag->kind == '!') continue;
    const std::string partial(tag->name);
    if (!names_.contains(partial) || depth == kDeepest) {
      const std::string what =
          depth == kDeepest ? "includes itself" : "is not there: " + partial + ".mustache";
      return std::unexpected(Error{ErrorKind::settings, "broken_template",
                                   (*found)->file + ": {{> " + partial + "}} " + what, kRemedy});
    }
    if (Status appended = append(partial, depth + 1, result, messages); !appended) return appended;
  }
  result += text.substr(copied);
  return {};
}

std::set<std::string> TemplateTexts::pages() const {
  std::set<std::string> result;
  for (const auto& [name, source] : sources_) result.insert(name);
  for (const auto& [name, source] : sources_)
    for (const std::string& partial : source.partials)
      if (partial != name) result.erase(partial);
  return result;
}

std::string without_indentation(std::string_view html) {
  std::string result;
  result.reserve(html.size());
  bool pre = false, textarea = false;
  while (!html.empty()) {
    const std::size_t end = std::min(html.find('\n'), html.size());
    std::string_view line = html.substr(0, end);
    const bool last = end == html.size();
    html.remove_prefix(last ? end : end + 1);
    const bool verbatim = pre || textarea;
    pre = last_opens(line, "<pre", "</pre", pre);
    textarea = last_opens(line, "<textarea", "</textarea", textarea);
    if (!verbatim) line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() && !verbatim) continue;
    result += line;
    if (!last) result += '\n';
  }
  return result;
}

}  // namespace b24
