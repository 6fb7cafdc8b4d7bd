// template_view: see template_view.h.
#include "web/template_view.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "settings/ini_file.h"

namespace b24 {
namespace {

constexpr int kDeepest = 20;  // includes within includes

// --- The text: kainjow's own check gives a position in bytes and no file, and it reparses each
// partial whenever a page is rendered, so tags are looked at here first.

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
    return text::is_letter(c) || text::is_digit(c) || std::string_view("_-.").contains(c);
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

// Why a template cannot be used; nothing when it can.
std::optional<Error> check_tags(const std::string& text, const std::string& file,
                                bool may_include = true) {
  const auto fail = [&](std::size_t at, const std::string& what) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    return broken_template(file + ":" + std::to_string(line) + ": " + what);
  };
  if (!text::is_valid_utf8(text)) return fail(0, "the text is not UTF-8");
  std::vector<Tag> open;
  for (std::optional<Tag> tag = next_tag(text, 0); tag; tag = next_tag(text, tag->end)) {
    if (const std::string fault = fault_of(*tag); !fault.empty()) return fail(tag->start, fault);
    // kainjow would run a value of that name as a template, with nothing escaped.
    if (tag->kind == '>' && !may_include) return fail(tag->start, "nothing can be included here");
    const std::string shown(tag->name);
    if (tag->kind == '#' || tag->kind == '^') open.push_back(*tag);
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

// Appends one template, and in it those that it includes.
class Expansion {
 public:
  explicit Expansion(const TemplateFiles& files) : files_(files) {}

  Status append(const std::string& name, int depth = 0) {
    const std::string& file = files_.at(name + ".mustache");
    const Result<std::string> read = read_settings_text(file);
    if (!read) return std::unexpected(read.error());
    if (std::optional<Error> fault = check_tags(*read, file)) return std::unexpected(*fault);
    const std::string_view all = *read;
    std::size_t copied = 0;
    for (std::optional<Tag> tag = next_tag(all, 0); tag; tag = next_tag(all, tag->end)) {
      if (tag->name.starts_with("t.")) {
        const auto dot = static_cast<std::size_t>(tag->name.data() - all.data()) + 1;
        text.append(all.substr(copied, dot - copied)).append(1, TemplateView::kText);
        copied = dot + 1;
        keys.emplace(tag->name.substr(2));
      } else if (tag->kind == '>' || tag->kind == '!') {
        text += all.substr(copied, tag->start - copied);
        copied = tag->end;
        if (tag->kind == '!') continue;
        if (Status done = include(std::string(tag->name), file, depth); !done) return done;
      }
    }
    text += all.substr(copied);
    return {};
  }

  std::string text;
  std::set<std::string> keys, parts;  // see TemplateView

 private:
  Status include(const std::string& name, const std::string& by, int depth) {
    const bool known = files_.contains(name + ".mustache");
    parts.insert(name);
    if (known && depth < kDeepest) return append(name, depth + 1);
    return std::unexpected(broken_template(by + ": {{> " + name + "}} " +
                                           (known ? "includes itself" : "is not there")));
  }

  const TemplateFiles& files_;
};

// --- What is shown

namespace km = kainjow::mustache;

km::data convert(const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      return false;
    case Value::Type::boolean:
      return value.boolean();
    case Value::Type::array:
      break;
    default:
      if (std::string text = value.text(); !text.empty()) return text;
      return false;  // shows nothing either, and is false in sections
  }
  if (value.is_list()) {
    km::data list(km::data::type::list);
    // push_back would copy each item with all that is in it.
    auto& items = const_cast<km::list&>(list.list_value());
    items.reserve(value.size());
    for (const Value::Member& member : value.members()) items.push_back(convert(member.value));
    return list;
  }
  km::data object;
  for (const Value::Member& member : value.members())
    object[member.key.text()] = convert(member.value);
  return object;
}

}  // namespace

Result<TemplateView> TemplateView::make(const TemplateFiles& files, const std::string& name) {
  Expansion expansion(files);
  if (Status appended = expansion.append(name); !appended) return std::unexpected(appended.error());
  km::mustache view(without_indentation(expansion.text));
  if (!view.is_valid())
    return std::unexpected(
        broken_template(files.at(name + ".mustache") + ": " + view.error_message()));
  return TemplateView(std::move(view), std::move(expansion.keys), std::move(expansion.parts));
}

Result<TemplateView> TemplateView::of_text(std::string_view text, Escape escape) {
  const std::string whole(text);
  if (std::optional<Error> fault = check_tags(whole, "template", false))
    return std::unexpected(*fault);
  km::mustache view(whole);
  if (!view.is_valid()) return std::unexpected(broken_template(view.error_message()));
  view.set_custom_escape(escape);
  return TemplateView(std::move(view), {}, {});
}

std::string TemplateView::render(const Value& data, const Value& constants) const {
  const km::data seen = convert(data), constant = convert(constants);
  km::context<std::string> context(&seen);
  context.push(&constant);
  return view_.render(context);
}

std::string without_indentation(std::string_view text) {
  if (text.contains("<pre")) return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r\n"), line.size()));
    result += line;
  }
  return result;
}

Error broken_template(std::string cause) {
  return {ErrorKind::settings, "broken_template", std::move(cause),
          "mend the file, or put the one that was delivered back"};
}

}  // namespace b24
