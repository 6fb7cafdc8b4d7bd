// watch: see watch.h.
#include "watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "event.h"
#include "keep/event_flow.h"
#include "portal/webhook.h"
#include "settings/settings_keys.h"
#include "value/json.h"
#include "value/php.h"

namespace b24 {
namespace {

constexpr Millis kLatest = 2 * kMinute;    // that an event may be on its way
constexpr Millis kOverlap = kMinute;       // asked for once more: the portal's lists may lag
constexpr Millis kSlack = 2'000;           // between two clocks, one of them in whole seconds
constexpr Millis kPortalSlack = 1'000;     // between the portal's events and what it keeps
constexpr Millis kWithoutWatch = kMinute;  // until the settings are looked at again
constexpr Millis kWatchPatience = 10'000;
constexpr Millis kTellAgain = 30 * kMinute;  // of a fault that lasts
constexpr std::size_t kPage = 50;

// What is watched, where, and how the portal spells it.
struct WatchedKind {
  std::int64_t type;  // entityTypeId; 0: tasks
  std::string event;  // "ONCRMDEAL"
  const char* created;
  const char* changed;
  std::string portal;  // its name
};

WatchedKind kind_of(const WatchSettings& watch) {
  constexpr std::pair<std::string_view, std::int64_t> kTypes[] = {
      {"lead", 1}, {"deal", 2}, {"contact", 3}, {"company", 4}};
  const std::size_t blank = std::min(watch.name.find_first_of(" \t"), watch.name.size());
  const std::string kind = watch.name.substr(0, blank);
  const std::string portal(text::trim(std::string_view(watch.name).substr(blank)));
  if (kind == "task") return {0, "ONTASK", "createdDate", "changedDate", portal};
  for (const auto& [name, type] : kTypes) {
    if (kind == name || kind == std::to_string(type))
      return {type, "ONCRM" + text::upper(name), "createdTime", "updatedTime", portal};
  }
  return {Value(kind).integer(), "ONCRMDYNAMICITEM", "createdTime", "updatedTime", portal};
}

// The next page of what has changed since then, by id.
Command page_call(const WatchedKind& kind, Millis since, std::int64_t after) {
  const std::string from = iso_time(since).substr(0, 19) + "+00:00";
  if (kind.type == 0) {
    return {"", "tasks.task.list",
            Value::map({{"order", Value::map({{"ID", "asc"}})},
                        {"filter", Value::map({{">CHANGED_DATE", from}, {">ID", after}})},
                        {"select", Value::list({"ID", "CREATED_DATE", "CHANGED_DATE"})}})};
  }
  return {"", "crm.item.list",
          Value::map({{"entityTypeId", kind.type},
                      {"order", Value::map({{"id", "ASC"}})},
                      {"filter", Value::map({{">updatedTime", from}, {">id", after}})},
                      {"select", Value::list({"id", "createdTime", "updatedTime"})},
                      {"start", -1}})};
}

const Value& rows_of(const WatchedKind& kind, const Answer& answer) {
  return answer.result[kind.type == 0 ? "tasks" : "items"];
}

// The member_id that a portal's own events have; of several portals objects are told apart by it.
Result<std::string> member_of(const Settings& settings, const std::string& portal) {
  const auto own = std::ranges::find_if(settings.portals, [&](const PortalSettings& each) {
    return env_form(each.name) == env_form(portal);
  });
  const std::string member = own == settings.portals.end() ? "" : own->member_id;
  if (settings.portals.size() < 2 || !member.empty()) return member;
  return std::unexpected(Error{ErrorKind::settings, "watch_member_id",
                               "of several portals nobody knows whose the changes are",
                               "set member_id in [portal" + (portal.empty() ? "" : " " + portal) +
                                   "] to auth[member_id] of its events"});
}

Status unreadable(std::int64_t id) {
  return std::unexpected(
      Error{ErrorKind::portal, "watch_row",
            "the portal's list has rows without an id, or without the time of the change (" +
                std::to_string(id) + ")",
            "save that object in the portal once more, which sets its time; when that does not "
            "help, ask Bitrix24's support"});
}

// One kind of one portal, under the lock.
class WatchPass {
 public:
  WatchPass(const App& app, Store& store, Ingester& ingester, const WatchSettings& watch,
            Millis deadline, const std::function<void()>& filed)
      : app_(app),
        store_(store),
        ingester_(ingester),
        watch_(watch),
        kind_(kind_of(watch)),
        name_(text::lower(env_form(watch.name))),
        deadline_(deadline),
        filed_(filed) {}

  // When it is due, by our clock; what it knows is read.
  Result<Millis> due() {
    const auto fact = store_.recall(key());
    if (!fact) return std::unexpected(fact.error());
    const Value known = json::parse(*fact).value_or(Value::array());
    since_ = known["since"].integer();
    begun_ = known["begun"].integer();
    after_ = known["after"].integer();
    asked_at_ = known["asked_at"].integer();
    fault_ = known["fault"].text();
    told_at_ = known["told_at"].integer();
    if (!fault_.empty()) return asked_at_ + std::min(watch_.interval, kWithoutWatch);
    return begun_ != 0 || asked_at_ > now_ms() ? 0 : asked_at_ + watch_.interval;
  }

  Status run(GateSource& gates, const std::stop_token& stop) {
    auto member = member_of(*app_.settings, kind_.portal);
    if (!member) return std::unexpected(member.error());
    const auto gate = gates.current(kind_.portal);
    if (!gate) return std::unexpected(gate.error());
    member_ = *std::move(member);
    webhook_.emplace(*app_.settings, gate->get(), kind_.portal).options().stop = stop;
    // What a killed pass has filed is to be known before anything is compared.
    if (const auto taken = ingester_.run(kWatchPatience); !taken)
      return std::unexpected(taken.error());
    // The first time all is known: what came before is nobody's outage, nor is what the overlap
    // reaches back to.
    if (since_ == 0) return end(now_ms() + kOverlap);
    for (;;) {
      const std::int64_t before = after_;
      const CallResult answer = call(page_call(kind_, since_ - kOverlap, after_));
      if (!answer) return std::unexpected(answer.error().error);
      const Value& rows = rows_of(kind_, *answer);
      const Millis ahead = answer->at == 0 ? 0 : answer->at - now_ms();
      if (begun_ == 0) begun_ = now_ms() + ahead - std::min(watch_.interval, kLatest);
      if (const Status looked = look_at(rows, ahead); !looked) return looked;
      if (rows.size() < kPage) break;
      if (after_ == before) return unreadable(after_);
      if (const Status kept = remember(); !kept) return kept;
    }
    if (watch_.deletions && kind_.type != 0) {
      if (const Status looked = look_for_deleted(); !looked) return looked;
    }
    const Status ended = end(begun_);
    return ended && skipped_ ? unreadable(*skipped_) : ended;
  }

  // How a run has ended. A fault that lasts is told of now and then; limits and stops are none.
  void tell(const Status& done) {
    const std::string code = done ? "" : done.error().code;
    if (code == "gate" || (done && fault_.empty())) return;
    if (!done && (code != fault_ || now_ms() > told_at_ + kTellAgain)) {
      Error error = done.error();
      error.cause = "[watch " + watch_.name + "]: " + error.cause;
      if (code == "NOT_FOUND")
        error.remedy = "name a smart process's entityTypeId there, or take the section out";
      app_.log->error("watch", error);
      told_at_ = now_ms();
    }
    fault_ = code;
    asked_at_ = now_ms();
    static_cast<void>(remember());
  }

 private:
  std::string key() const { return "watch." + name_; }

  Status end(Millis known) {
    since_ = std::max(since_, known);
    begun_ = after_ = 0;
    asked_at_ = now_ms();
    return remember();
  }

  Status remember() {
    return store_.remember(key(), json::print(Value::map({{"since", since_},
                                                          {"begun", begun_},
                                                          {"after", after_},
                                                          {"asked_at", asked_at_},
                                                          {"fault", fault_},
                                                          {"told_at", told_at_}})));
  }

  // Waits for its place in the portal's bucket, behind leads and actions.
  CallResult call(const Command& command) {
    webhook_->wait_for_place((deadline_ - steady_ms()) / Webhook::kLongestTurn);
    return webhook_->call(command.method, command.params);
  }

  // An event as the portal would have sent it.
  Record event_record(const std::string& verb, std::int64_t id, Millis changed) const {
    Value fields = Value::map({{"ID", id}});
    if (kind_.event == "ONCRMDYNAMICITEM") fields.set("ENTITY_TYPE_ID", kind_.type);
    const char* part = kind_.type == 0 ? "FIELDS_AFTER" : "FIELDS";
    Record record;
    record.key = "watch-" + name_ + "-" + std::to_string(id) + "-" +
                 (verb == "DELETE" ? "deleted" : std::to_string(changed / kSecond));
    record.id = record.key;
    record.at = now_ms();
    record.content_type = "application/x-www-form-urlencoded";
    record.body = php::build_query(Value::map(
        {{"event", kind_.event + verb},
         {"data", Value::map({{part, fields}})},
         {"ts", changed / kSecond},
         {"recovered", 1},
         {"auth", Value::map({{"domain", webhook_->portal()}, {"member_id", member_}})}}));
    return record;
  }

  std::string object_of(std::int64_t id) const {
    return make_event(event_record("UPDATE", id, 0), *app_.settings).object;
  }

  Status look_at(const Value& rows, Millis ahead) {
    const auto sent = store_.newest_events(kind_.event, since_ - kOverlap - ahead - kSlack);
    if (!sent) return std::unexpected(sent.error());
    std::vector<Record> missing;
    std::int64_t came = 0, last = after_;
    for (const Value::Member& member : rows.members()) {
      const Value& row = member.value;
      const std::int64_t id = row["id"].integer();
      last = std::max(last, id);
      const Millis changed = read_time(row[kind_.changed].text(), Zone::must_be_said).value_or(0);
      const Millis created = read_time(row[kind_.created].text(), Zone::must_be_said).value_or(0);
      if (id <= 0 || changed == 0) skipped_ = id;
      if (id <= 0 || changed == 0 || changed > begun_) continue;
      const auto found = sent->find(object_of(id));
      if (found != sent->end() && found->second + kPortalSlack >= changed) {
        came += changed > since_ ? 1 : 0;
        continue;
      }
      const bool is_new = found == sent->end() && created > since_ - kOverlap;
      missing.push_back(event_record(is_new ? "ADD" : "UPDATE", id, changed));
    }
    if (came > 0) {
      const Status counted = store_.count(std::string(kCameCount) + name_, came);
      if (!counted) return counted;
    }
    if (const Status filed = file(missing); !filed) return filed;
    after_ = last;
    return {};
  }

  // In the store when it returns.
  Status file(const std::vector<Record>& missing) {
    std::vector<std::string> promises;
    for (const Record& record : missing) {
      const auto known = store_.find(Kind::event, record.id);
      if (!known) return std::unexpected(known.error());
      if (!*known) promises.push_back(encode(record));
    }
    if (promises.empty()) return {};
    if (const Status kept = ingester_.journal(app_)->append(promises); !kept) return kept;
    if (const auto taken = ingester_.run(kWatchPatience); !taken)
      return std::unexpected(taken.error());
    filed_();
    return store_.count(std::string(kMissedCount) + name_,
                        static_cast<std::int64_t>(promises.size()));
  }

  // Those that had events and are not there any more.
  Status look_for_deleted() {
    const auto known = store_.newest_events(kind_.event, 0);
    const auto gone = store_.newest_events(kind_.event + "DELETE", 0);
    if (!known) return std::unexpected(known.error());
    if (!gone) return std::unexpected(gone.error());
    std::vector<std::int64_t> ids;
    for (const auto& [object, at] : *known) {
      const auto told = gone->find(object);
      const std::int64_t id = Value(object.substr(object.rfind(':') + 1)).integer();
      if (object_of(id) == object && (told == gone->end() || told->second < at)) ids.push_back(id);
    }
    std::vector<Record> missing;
    for (std::size_t from = 0; from < ids.size(); from += kPage) {
      Value asked = Value::array();
      const std::size_t to = std::min(ids.size(), from + kPage);
      for (std::size_t i = from; i < to; ++i) asked.append(ids[i]);
      Command ask = page_call(kind_, 0, 0);
      ask.params.set("filter", Value::map({{"@id", asked}}));
      const CallResult answer = call(ask);
      if (!answer) return std::unexpected(answer.error().error);
      std::map<std::int64_t, bool> there;
      for (const Value::Member& row : rows_of(kind_, *answer).members())
        there[row.value["id"].integer()] = true;
      for (std::size_t i = from; i < to; ++i)
        if (!there.contains(ids[i])) missing.push_back(event_record("DELETE", ids[i], begun_));
    }
    return file(missing);
  }

  const App& app_;
  Store& store_;
  Ingester& ingester_;
  const WatchSettings& watch_;
  const WatchedKind kind_;
  const std::string name_;  // as keys and ids have it: "deal", "deal_shop"
  const Millis deadline_;   // steady
  const std::function<void()>& filed_;
  std::optional<Webhook> webhook_;
  std::string member_;
  Millis since_ = 0, begun_ = 0, asked_at_ = 0, told_at_ = 0;
  std::int64_t after_ = 0;
  std::string fault_;                    // the code of what was told of last
  std::optional<std::int64_t> skipped_;  // a row's id
};

}  // namespace

Watch::Watch(AppSource& app, StoreSource& stores, GateSource& gates, Ingester& ingester,
             std::function<void()> filed)
    : app_(app), stores_(stores), gates_(gates), ingester_(ingester), filed_(std::move(filed)) {}

void Watch::work(std::stop_token stop) {
  while (!stop.stop_requested()) sleep_for(run_all(steady_ms() + kHour, stop), stop);
}

void Watch::run_due(Millis time_limit, std::stop_token stop) {
  run_all(steady_ms() + time_limit, stop);
}

// In how many milliseconds to look again.
Millis Watch::run_all(Millis deadline, const std::stop_token& stop) {
  const Result<App> app = app_.current();
  if (!app || app->settings->watches.empty()) return kWithoutWatch;
  const auto store = stores_.current();
  const auto lock = open_locked(app->settings->data.dir / "watch.lock", 0);
  if (!store || !lock) return std::min(kWithoutWatch, app->settings->watches[0].interval);
  Millis next = kWithoutWatch;
  for (const WatchSettings& watch : app->settings->watches) {
    WatchPass pass(*app, **store, ingester_, watch, deadline, filed_);
    Result<Millis> due = pass.due();
    if (due && (is_start_ || *due <= now_ms())) {
      pass.tell(pass.run(gates_, stop));
      due = pass.due();
    }
    if (due)
      next = std::min(next, std::max(kSecond, *due - now_ms()));
    else
      app->log->error_bounded("watch", due.error());
  }
  is_start_ = false;
  return next;
}

}  // namespace b24
