// check_portal_look: asks the portal, by one batch, all that the checks want to know.
#include <algorithm>
#include <set>

#include "base/secret.h"
#include "base/text.h"
#include "check_portal.h"
#include "settings/form.h"
#include "settings/settings_keys.h"
#include "site_url.h"

namespace b24::check {
namespace {

// Asks even while the circuit breaker holds deliveries back, since finding out is the purpose; but
// never over the rim of the bucket.
class ProbeGate : public CallGate {
 public:
  explicit ProbeGate(Gate& gate) : gate_(gate) {}
  Millis enter(std::string_view method) override {
    return gate_.is_open() ? 0 : gate_.enter(method);
  }
  void ended(std::string_view method, const CallResult& result) override {
    gate_.ended(method, result);
  }
  Millis closed_for(std::string_view) override { return 0; }
  void ran(std::span<const Command> commands, std::span<const BatchResult> results) override {
    gate_.ran(commands, results);
  }

 private:
  Gate& gate_;
};

void add_once(Command command, std::vector<Command>& commands) {
  if (std::ranges::find(commands, command.key, &Command::key) == commands.end())
    commands.push_back(std::move(command));
}

// Of leads all is asked anyway.
void ask_of_entity(const Form& form, std::vector<Command>& commands) {
  if (form.entity.name == "lead") return;
  add_once({fields_question(form), "crm.item.fields",
            Value::map({{"entityTypeId", form.entity.type}, {"useOriginalUfNames", "Y"}})},
           commands);
  if (form.entity.name != "deal") return;
  const std::string category = fixed_value(form, "CATEGORY_ID");
  const std::string list =
      category.empty() || category == "0" ? "DEAL_STAGE" : "DEAL_STAGE_" + category;
  add_once({stages_question(form), "crm.status.list",
            Value::map({{"filter", Value::map({{"ENTITY_ID", list}})}})},
           commands);
}

std::vector<Command> questions(const Settings& settings, const std::string& portal) {
  std::vector<Command> commands = {
      {"profile", "profile"},
      {"scope", "scope"},
      {"time", "server.time"},
      {"mode", "crm.settings.mode.get"},
      {"fields", "crm.lead.fields"},
      {"stages", "crm.status.list",
       Value::map({{"filter", Value::map({{"ENTITY_ID", "STATUS"}})}})},
      {"sources", "crm.status.list",
       Value::map({{"filter", Value::map({{"ENTITY_ID", "SOURCE"}})}})},
  };
  for (const Form& form : forms_of(settings, portal)) ask_of_entity(form, commands);
  const std::vector<std::string> methods = used_methods(settings, portal);
  for (std::size_t i = 0; i < methods.size(); ++i) {
    commands.push_back(
        {"method" + std::to_string(i), "method.get", Value::map({{"name", methods[i]}})});
  }
  std::set<std::string> users;
  for (const Form& form : forms_of(settings, portal))
    users.insert(fixed_value(form, "ASSIGNED_BY_ID"));
  users.erase("");
  for (const std::string& user : users)
    commands.push_back({users.size() == 1 ? "responsible" : "responsible" + user, "user.get",
                        Value::map({{"ID", user}})});
  return commands;
}

}  // namespace

std::vector<Form> forms_of(const Settings& settings, std::string_view portal) {
  std::vector<Form> forms = make_forms(settings).value_or(Forms());
  std::erase_if(
      forms, [&](const Form& form) { return env_form(form.settings.portal) != env_form(portal); });
  return forms;
}

std::vector<std::string> used_methods(const Settings& settings, std::string_view portal) {
  std::set<std::string> methods;
  for (const Form& form : forms_of(settings, portal)) {
    methods.insert(form.item_method ? "crm.item.add" : "crm.lead.add");
    methods.insert(form.item_method ? "crm.item.list" : "crm.lead.list");
    if (form.link_customer || form.comment_known) methods.insert("crm.duplicate.findbycomm");
    if (form.create_contact) methods.insert({"crm.item.add", "crm.item.list"});
    if (form.comment_known)
      methods.insert({"crm.item.list", "crm.timeline.comment.add", "crm.timeline.comment.list"});
  }
  const auto is_it = [&](std::string_view name) { return env_form(name) == env_form(portal); };
  // An action that names no portal calls the one that the event is from.
  const bool is_heard =
      portal.empty() || std::ranges::any_of(settings.portals, [&](const PortalSettings& each) {
        return is_it(each.name) && !each.application_tokens.empty();
      });
  for (const ActionSettings& action : settings.actions) {
    const bool calls = action.portal.empty() ? is_heard : is_it(action.portal);
    if (calls && !action.call.empty()) methods.insert(action.call.substr(0, action.call.find('?')));
  }
  return {methods.begin(), methods.end()};
}

std::string fields_question(const Form& form) {
  return form.entity.name == "lead" ? "fields" : "fields" + std::to_string(form.entity.type);
}

std::string stages_question(const Form& form) {
  return "stages2_" + fixed_value(form, "CATEGORY_ID");
}

std::string fixed_value(const Form& form, std::string_view name) {
  for (const auto& [field, value] : form.values) {
    if (field == name) return value;
  }
  return {};
}

TlsSeen look_at_certificate(const std::string& url, const Settings& settings) {
  TlsSeen seen;
  Http http(checking_options(settings));
  HttpRequest request;
  request.method = "GET";
  request.url = std::string(text::origin_of(url)) + "/";
  const auto answer = http.send(request);
  if (answer) {
    seen.days_left = answer->certificate_days_left;
  } else if (answer.error().error.code != "too_large") {
    seen.error = answer.error().error;
  }
  return seen;
}

PortalSeen look_at_portal(const Settings& settings, const std::string& name,
                          const std::shared_ptr<Gate>& shared) {
  std::optional<ProbeGate> gate;
  if (shared) gate.emplace(*shared);
  Webhook webhook(settings, gate ? &*gate : nullptr, name);
  webhook.options().total_time =
      settings.checkserver.time_limit - settings.checkserver.time_limit / 8;
  PortalSeen seen;
  seen.asked_at = now_ms();
  seen.results = webhook.batch(questions(settings, name));
  seen.took = now_ms() - seen.asked_at;
  // The first question needs no right: when it failed, the webhook as a whole does not work.
  if (const auto* profile = seen.find("profile"); profile != nullptr && !*profile) {
    seen.error = profile->error();
  }
  return seen;
}

const CallResult* PortalSeen::find(std::string_view key) const {
  const auto found = std::ranges::find(results, key, &BatchResult::key);
  return found == results.end() ? nullptr : &found->outcome;
}

}  // namespace b24::check
