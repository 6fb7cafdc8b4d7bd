// json: JSON by cJSON, with the checks that cJSON leaves out.
#include "value/json.h"

#include <cjson/cJSON.h>

#include <cmath>
#include <memory>

#include "base/text.h"

namespace b24::json {

namespace {

using Tree = std::unique_ptr<cJSON, decltype(&cJSON_Delete)>;

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

Error error(const char* code, const std::string& cause) {
  return {ErrorKind::input, code, "JSON: " + cause, ""};
}

// Looks at the text before cJSON does: bounds the depth (cJSON recurses) and the number of values
// (each takes 64 bytes and more), refuses the control bytes that JSON forbids (cJSON ends a string
// at a NUL, and takes NUL between values for a blank), and replaces \u0000.
Status prepare(std::string& text, std::size_t max_depth, std::size_t max_nodes) {
  std::size_t depth = 0, nodes = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (static_cast<unsigned char>(c) < 0x20 && (in_string || !blank))
      return std::unexpected(error("bad_json", "control byte at " + std::to_string(i)));
    // Each value but the first follows one of these, save in an empty array.
    if (!in_string && (c == ',' || c == '{' || c == '[') && ++nodes > max_nodes)
      return std::unexpected(
          error("too_many_nodes", "more than " + std::to_string(max_nodes) + " values"));
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string && c == '\\') {
      if (text.compare(i + 1, 5, "u0000") == 0) text.replace(i + 1, 5, "uFFFD");
      if (text.compare(i + 1, 1, "\"") == 0 || text.compare(i + 1, 1, "\\") == 0) ++i;
    } else if (!in_string && (c == '{' || c == '[')) {
      if (++depth > max_depth)
        return std::unexpected(
            error("too_deep", "more than " + std::to_string(max_depth) + " levels"));
    } else if (!in_string && (c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return {};
}

Value from_tree(const cJSON* node) {
  if (cJSON_IsBool(node)) return cJSON_IsTrue(node) != 0;
  if (cJSON_IsString(node)) return node->valuestring;
  if (cJSON_IsNumber(node)) {
    const double number = node->valuedouble;
    if (std::fabs(number) <= kExactIntegers && number == std::trunc(number))
      return static_cast<std::int64_t>(number);
    return number;
  }
  if (cJSON_IsNull(node)) return nullptr;
  Value result = Value::array();
  for (const cJSON* item = node->child; item; item = item->next) {
    if (item->string)
      result.set(item->string, from_tree(item));
    else
      result.append(from_tree(item));
  }
  return result;
}

cJSON* to_tree(const Value& value) {
  switch (value.type()) {
    case Value::Type::null:
      return cJSON_CreateNull();
    case Value::Type::boolean:
      return cJSON_CreateBool(value.boolean());
    // Raw, because a cJSON number is a double and would round it.
    case Value::Type::integer:
      return cJSON_CreateRaw(value.text().c_str());
    case Value::Type::real:
      return cJSON_CreateNumber(value.real());
    case Value::Type::string:
      return cJSON_CreateString(text::to_valid_utf8(value.string()).c_str());
    case Value::Type::array:
      break;
  }
  const bool list = value.is_list();
  cJSON* tree = list ? cJSON_CreateArray() : cJSON_CreateObject();
  for (const Value::Member& member : value.members()) {
    if (list)
      cJSON_AddItemToArray(tree, to_tree(member.value));
    else
      cJSON_AddItemToObject(tree, text::to_valid_utf8(member.key.text()).c_str(),
                            to_tree(member.value));
  }
  return tree;
}

}  // namespace

Result<Value> parse(std::string_view text, std::size_t max_depth, std::size_t max_nodes) {
  std::string copy(text);
  if (const Status status = prepare(copy, max_depth, max_nodes); !status)
    return std::unexpected(status.error());
  const char* end = nullptr;
  const Tree tree(cJSON_ParseWithLengthOpts(copy.c_str(), copy.size(), &end, 0), cJSON_Delete);
  const auto offset = static_cast<std::size_t>(end ? end - copy.c_str() : 0);
  if (!tree) return std::unexpected(error("bad_json", "malformed at " + std::to_string(offset)));
  if (copy.find_first_not_of(" \t\r\n", offset) != copy.npos)
    return std::unexpected(error("bad_json", "text after the document"));
  return from_tree(tree.get());
}

std::string print(const Value& value, Layout layout) {
  const Tree tree(to_tree(value), cJSON_Delete);
  const std::unique_ptr<char, decltype(&cJSON_free)> text(
      layout == Layout::compact ? cJSON_PrintUnformatted(tree.get()) : cJSON_Print(tree.get()),
      cJSON_free);
  if (!text) throw std::bad_alloc();
  return text.get();
}

}  // namespace b24::json
