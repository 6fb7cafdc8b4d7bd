// check_look: looks at everything side by side within one time limit (check_seen.h).
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "check_seen.h"
#include "site_url.h"

namespace b24::check {
namespace {

// The looks that are under way in this process. Never destroyed: threads that outlive a run use it.
struct UnderWay {
  std::mutex mutex;
  std::set<std::string> names;
};
UnderWay& under_way() {
  static UnderWay* const instance = new UnderWay;
  return *instance;
}

// What the threads of one run share.
struct Run {
  std::mutex mutex;
  std::condition_variable changed;
  Seen seen;
  int pending = 0;
};

// `part` is where in what was seen the result goes. The thread owns all that it uses.
template <class Part, class Look>
void begin(const std::shared_ptr<Run>& run, const std::string& name, Part part, Look look) {
  {
    const std::lock_guard lock(under_way().mutex);
    if (!under_way().names.insert(name).second) return;
  }
  {
    const std::lock_guard lock(run->mutex);
    ++run->pending;
  }
  const auto end = [run, name] {
    {
      const std::lock_guard lock(under_way().mutex);
      under_way().names.erase(name);
    }
    const std::lock_guard lock(run->mutex);
    --run->pending;
    run->changed.notify_all();
  };
  try {
    std::thread([run, part, end, look = std::move(look)] {
      try {
        auto result = look();
        const std::lock_guard lock(run->mutex);
        std::invoke(part, run->seen) = std::move(result);
      } catch (const std::exception&) {  // the check says that it came too late
      }
      end();
    }).detach();
  } catch (const std::system_error&) {
    end();  // no thread is to be had: it was not looked at this time
  }
}

using PartOf = std::function<PortalLook&(Seen&)>;

void begin_portal(const std::shared_ptr<Run>& run, const std::shared_ptr<const Settings>& settings,
                  const CalledPortal& portal, const std::shared_ptr<Gate>& gate, const PartOf& of) {
  PortalLook& look = of(run->seen);
  look.portal_name = portal.name;
  if (gate) look.gate = gate->state();
  if (Webhook::url_fault(portal)) return;
  const std::string& url = portal.url;
  const auto part = [&](auto member) {
    return [of, member](Seen& seen) -> decltype(auto) { return (of(seen).*member); };
  };
  begin(run, "reach " + portal.name, part(&PortalLook::reach),
        [settings, url] { return look_at_addresses(url, settings->checkserver.time_limit / 2); });
  begin(run, "tls " + portal.name, part(&PortalLook::tls),
        [settings, url] { return look_at_certificate(url, *settings); });
  begin(run, "portal " + portal.name, part(&PortalLook::portal),
        [settings, name = portal.name, gate] { return look_at_portal(*settings, name, gate); });
}

void begin_portals(const std::shared_ptr<Run>& run, const Subject& subject) {
  run->seen.others.resize(subject.portals.size() - 1);
  for (std::size_t i = 0; i < subject.portals.size(); ++i) {
    const auto& [portal, gate] = subject.portals[i];
    begin_portal(run, subject.settings, portal, gate,
                 [i](Seen& seen) -> PortalLook& { return i == 0 ? seen : seen.others[i - 1]; });
  }
}

}  // namespace

Subject subject_of(AppSource& app, TemplateSource& templates, StoreSource& stores,
                   GateSource& gates, const Place& place) {
  Subject subject;
  subject.place = place;
  const Result<App> current = app.current();
  subject.settings_error = app.settings_fault();
  if (!current) {
    subject.settings_error = current.error();
    return subject;
  }
  subject.settings = current->settings;
  if (const auto loaded = templates.current(); !loaded) {
    subject.templates_error = loaded.error();
  } else {
    subject.templates_warning = templates.fault();
  }
  if (const auto store = stores.current(); store) {
    subject.store = *store;
  } else {
    subject.store_error = store.error();
  }
  for (const CalledPortal& portal : called_portals(*subject.settings))
    subject.portals.emplace_back(portal, gates.current(portal.name).value_or(nullptr));
  return subject;
}

Seen look(std::shared_ptr<const Subject> subject, Millis limit) {
  const auto run = std::make_shared<Run>();
  run->seen.subject = subject;
  run->seen.at = now_ms();
  run->seen.programs = look_at_programs();
  begin(run, "storage", &Seen::storage, [subject] { return look_at_storage(*subject); });
  if (subject->settings) {
    begin(run, "log", &Seen::log, [subject] { return look_at_log(*subject->settings); });
    begin(run, "leaks", &Seen::leaks, [subject] { return look_for_leaks(*subject); });
    if (const std::string& url = subject->settings->site.public_url; !public_url_fault(url)) {
      begin(run, "site_reach", &Seen::site_reach, [subject, &url] {
        return look_at_addresses(url, subject->settings->checkserver.time_limit / 2);
      });
    }
    begin(run, "inbound", &Seen::inbound, [subject] { return look_at_inbound(*subject); });
    begin_portals(run, *subject);
  }
  if (subject->store) {
    begin(run, "store", &Seen::store,
          [subject] { return look_at_store(*subject->store, now_ms()); });
    if (subject->store->is_shared()) {
      begin(run, "database", &Seen::database,
            [subject] { return look_at_database(*subject->settings, *subject->store); });
    }
  }
  std::unique_lock lock(run->mutex);
  run->changed.wait_for(lock, std::chrono::milliseconds(limit), [&] { return run->pending == 0; });
  return run->seen;
}

bool anything_abandoned() {
  const std::lock_guard lock(under_way().mutex);
  return !under_way().names.empty();
}

}  // namespace b24::check
