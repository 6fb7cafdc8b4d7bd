// overview: the page that shows what the portal holds and what happened.
#include <algorithm>

#include "site.h"

namespace sandbox {

namespace {

constexpr std::size_t kRows = 50;  // of the newest of each table

std::string clock_time(Millis at) {
  return at == 0 ? "" : portal_time(at).substr(11, 8);
}

std::string contacts_text(const Record& record) {
  std::string text;
  for (const Contact& contact : record.contacts) {
    if (!text.empty()) text += ", ";
    text += contact.value;
  }
  return text;
}

// The newest first.
template <class Rows, class Make>
Value newest(const Rows& rows, Make make) {
  Value list = Value::array();
  for (auto row = rows.rbegin(); row != rows.rend() && list.size() < kRows; ++row)
    list.append(make(*row));
  return list;
}

Value lead_rows(const Records& records) {
  return newest(records.all(Kind::lead), [](const auto& entry) {
    const Record& lead = entry.second;
    return Value::map({{"id", lead.id},
                       {"title", lead.text("TITLE")},
                       {"contacts", contacts_text(lead)},
                       {"stage", lead.text("STATUS_ID")},
                       {"origin", lead.text("ORIGIN_ID")},
                       {"created", clock_time(lead.created)}});
  });
}

Value deal_rows(const Records& records) {
  return newest(records.all(Kind::deal), [](const auto& entry) {
    const Record& deal = entry.second;
    return Value::map({{"id", deal.id},
                       {"title", deal.text("TITLE")},
                       {"stage", deal.text("STAGE_ID")},
                       {"amount", deal.text("OPPORTUNITY")}});
  });
}

std::string outcome(const Event& event) {
  if (event.sent_at == 0) return "waits";
  return event.status != 0 ? std::to_string(event.status) : "no answer: " + event.error;
}

Value event_rows(const std::vector<Event>& events) {
  return newest(events, [](const Event& event) {
    return Value::map({{"name", event.name},
                       {"object", event.data["FIELDS"]["ID"].text()},
                       {"sent", clock_time(event.sent_at)},
                       {"outcome", outcome(event)},
                       {"good", event.status == 200},
                       {"took", event.took}});
  });
}

Value call_rows(const std::deque<LoggedCall>& calls) {
  return newest(calls, [](const LoggedCall& call) {
    std::string commands;
    for (const std::string& command : call.commands)
      commands += (commands.empty() ? "" : ", ") + command;
    return Value::map({{"method", call.method},
                       {"commands", commands},
                       {"at", clock_time(call.at)},
                       {"status", call.status},
                       {"error", call.error},
                       {"fault", call.fault}});
  });
}

void put_fault(Value& data, const Fault& fault) {
  data.set("fault_on", fault.mode->kind != FaultKind::none);
  data.set("fault_mode", fault.mode->name);
  data.set("fault_method", fault.method);
  data.set("fault_limited", fault.left >= 0);
  data.set("fault_left", fault.left);
}

}  // namespace

b24::Response overview(Shared& shared, const b24::Templates& templates) {
  Value modes = Value::array();
  for (const FaultMode& mode : all_modes()) modes.append(Value::map({{"name", mode.name}}));
  const Target target = shared.portal.events.target();
  Value data = Value::map({{"modes", std::move(modes)}, {"handler", target.url}});
  data.set("events", event_rows(shared.portal.events.sent_and_waiting()));
  {
    const std::lock_guard lock(shared.mutex);
    data.set("leads", lead_rows(shared.portal.records));
    data.set("deals", deal_rows(shared.portal.records));
    data.set("calls", call_rows(shared.portal.calls));
    put_fault(data, shared.portal.faults.current());
  }
  for (const char* table : {"leads", "deals", "events", "calls"})
    data.set("has_" + std::string(table), data[table].size() != 0);
  return templates.page(200, "portal", data, "en");
}

}  // namespace sandbox
