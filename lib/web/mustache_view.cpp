// mustache_view: one compiled template, and how a Value is seen by it.
#include "web/mustache_view.h"

#include <kainjow/mustache.hpp>

namespace b24 {
namespace {

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

std::string escape(const std::string& text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  std::size_t copied = 0;
  const auto put = [&](std::size_t at, const char* entity) {
    result.append(text, copied, at - copied).append(entity);
    copied = at + 1;
  };
  for (std::size_t at = text.find_first_of("&<>\"'"); at != std::string::npos;
       at = text.find_first_of("&<>\"'", at + 1)) {
    switch (text[at]) {
      case '&':
        put(at, "&amp;");
        break;
      case '<':
        put(at, "&lt;");
        break;
      case '>':
        put(at, "&gt;");
        break;
      case '"':
        put(at, "&quot;");
        break;
      default:
        put(at, "&#39;");
    }
  }
  return result.append(text, copied);
}

// What the library writes to; a string stream costs more than all the rest of a small page.
struct Sink {
  std::string text;
  Sink& operator<<(const std::string& part) {
    text += part;
    return *this;
  }
};

}  // namespace

struct MustacheView::Constants::Data {
  std::unordered_map<std::string, km::data> texts;
};

struct MustacheView::Data {
  km::mustache view;
};

namespace {

// Looks names up as the library's own context does, but without a string stream for each dotted
// name, and in the constants last.
template <class Constants>
class Context : public km::basic_context<std::string> {
 public:
  Context(const km::data& data, const std::vector<const Constants*>& constants)
      : constants_(constants) {
    stack_.push_back(&data);
  }

  void push(const km::data* data) override { stack_.push_back(data); }
  void pop() override { stack_.pop_back(); }

  const km::data* get(const std::string& name) const override {
    if (name == ".") return stack_.back();
    if (!name.starts_with("t.")) {
      for (auto item = stack_.rbegin(); item != stack_.rend(); ++item)
        if (const km::data* found = follow(*item, name)) return found;
    }
    for (const Constants* each : constants_)
      if (const auto found = each->texts.find(name); found != each->texts.end())
        return &found->second;
    return nullptr;
  }
  const km::data* get_partial(const std::string&) const override { return nullptr; }

 private:
  static const km::data* follow(const km::data* data, const std::string& name) {
    std::size_t start = 0;
    for (std::size_t dot = name.find('.'); data && dot != std::string::npos;
         start = dot + 1, dot = name.find('.', start)) {
      data = data->get(name.substr(start, dot - start));
    }
    return data ? data->get(start == 0 ? name : name.substr(start)) : nullptr;
  }

  std::vector<const km::data*> stack_;
  const std::vector<const Constants*>& constants_;
};

}  // namespace

MustacheView::Constants::Constants(const std::vector<std::pair<std::string, std::string>>& texts)
    : data_(std::make_unique<Data>()) {
  for (const auto& [name, text] : texts)
    data_->texts.insert_or_assign(name, convert(Value(std::string_view(text))));
}
MustacheView::Constants::~Constants() = default;
MustacheView::Constants::Constants(Constants&&) noexcept = default;

MustacheView::MustacheView(const std::string& text)
    : data_(std::make_unique<Data>(km::mustache(text))) {
  data_->view.set_custom_escape(escape);
}
MustacheView::~MustacheView() = default;
MustacheView::MustacheView(MustacheView&&) noexcept = default;

const std::string& MustacheView::fault() const {
  return data_->view.error_message();
}

std::string MustacheView::render(const Value& data,
                                 const std::vector<const Constants*>& constants) const {
  std::vector<const Constants::Data*> texts;
  for (const Constants* each : constants) texts.push_back(each->data_.get());
  const km::data converted = convert(data);
  Context<Constants::Data> context(converted, texts);
  Sink sink;
  sink.text.reserve(16 << 10);
  // The library's render is not const only because partials and lambdas keep their error in the
  // object; there are neither here, so that threads may share it.
  return data_->view.render(context, sink).text;
}

}  // namespace b24
