// lead_trouble_tests: the form when the disk fails, repeat customers, and how the owner hears of
// leads that do not get through.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.h"
#include "decorators.h"
#include "fcgi_client.h"
#include "form_client.h"
#include "raw_sql.h"
#include "site.h"
#include "store_fixture.h"
#include "value/php.h"

using namespace b24;
using namespace b24::test;

namespace lead_trouble_tests {

struct Trouble {
  Trouble() { site().reset(); }
  static Site& site() { return shared_site(); }
};

// The form as FastCGI whose writes to files fail. The data directory is as an earlier run left
// it.
class FailingForm {
 public:
  FailingForm(const Site& site, const std::string& error) {
    write_file(dir_ / "settings.conf",
               "C_REST_WEB_HOOK_URL = " + site.webhook_url() +
                   "\n[data]\ndir = data\n[page]\ntemplates = " +
                   (std::filesystem::current_path() / "templates").string() +
                   "\n[portal_call]\nca_file = " + (site.run_dir() / "sandbox-ca.pem").string() +
                   "\n[spam]\nper_address = 0\n");
    const std::vector<std::string> program{built("cgi-bin/index.fcgi"), "--settings",
                                           (dir_ / "settings.conf").string()};
    shell_ = program;
    BOOST_REQUIRE_EQUAL(shell("--list").status, 0);  // makes the data directory
    std::vector<std::string> traced{"strace", "-D", "-f", "-qq", "-o", "/dev/null"};
    for (const std::string& option :
         {std::string("-e"), std::string("trace=pwrite64,ftruncate,fallocate"), std::string("-e"),
          "inject=pwrite64,ftruncate,fallocate:error=" + error}) {
      traced.push_back(option);
    }
    traced.insert(traced.end(), program.begin(), program.end());
    traced.insert(traced.end(), {"--listen", "unix:" + socket()});
    process_ = std::make_unique<Process>(b24::test::Command{traced});
    allowed_ = wait_until([&] { return listens("unix:" + socket()) || !process_->running(); });
    allowed_ = allowed_ && process_->running();
  }

  bool allowed() const { return allowed_; }
  HttpReply get() const { return parse(ask("unix:" + socket(), fcgi_get(""))); }
  HttpReply post(const std::string& body, bool json = false) const {
    Params params = post_params("", body.size());
    if (json) params.emplace_back("HTTP_ACCEPT", "application/json");
    return parse(ask("unix:" + socket(), fcgi_head(params) + fcgi_body(body)));
  }
  Ran shell(const std::string& option) const {
    std::vector<std::string> arguments = shell_;
    arguments.push_back(option);
    return run({arguments});
  }
  void end() {
    process_->signal(SIGTERM);
    process_->wait();
  }

 private:
  std::string socket() const { return (dir_ / "index.sock").string(); }
  static HttpReply parse(const FcgiAnswer& answer) {
    HttpReply reply;
    reply.status = answer.status;
    reply.body = answer.body;
    return reply;
  }

  TempDir dir_;
  std::vector<std::string> shell_;
  std::unique_ptr<Process> process_;
  bool allowed_ = false;
};

std::string filled(const HttpReply& page, std::string_view name) {
  Value params = person(name);
  params.set("form_token", input_value(page.body, "form_token"));
  return php::build_query(params);
}

// The status of a lead that is sent to the form as CGI under strace with these options; all that
// comes before, and the delivery afterwards, is healthy.
int traced_lead(const Site& site, const std::vector<std::string>& options) {
  CgiForm form(site);
  Value params = person();
  params.set("form_token", input_value(form.get().body, "form_token"));
  form.under = {"strace", "-f", "-qq"};
  form.under.insert(form.under.end(), options.begin(), options.end());
  const int status = form.post(params).status;
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  return status;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace lead_trouble_tests

BOOST_FIXTURE_TEST_SUITE(lead_trouble_tests, Trouble)

BOOST_AUTO_TEST_CASE(a_lead_that_cannot_be_kept_is_refused_honestly_and_never_sent,
                     *shows("T32") * shows("F10")) {
  for (const char* error : {"ENOSPC", "EROFS", "EIO"}) {
    site().reset();
    FailingForm form(site(), error);
    if (!form.allowed()) {
      BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
      return;
    }
    BOOST_TEST_CONTEXT(error) {
      const HttpReply page = form.get();
      BOOST_TEST(page.status == 200);
      const HttpReply lost = form.post(filled(page, "Boris"));
      BOOST_TEST(lost.status == 503);
      BOOST_TEST(notice(lost.body).contains("could not be saved"));
      BOOST_TEST(lost.body.contains("value=\"Boris\""));
      BOOST_TEST(body_json(form.post(filled(page, "Boris"), true))["status"].text() == "error");
      BOOST_TEST(site().leads().size() == 0U);
      form.end();
      BOOST_TEST(form.shell("--list").out.contains("0 pending, 0 failed, 0 done"));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_failing_system_call_makes_a_false_promise_of_a_lead,
                     *shows("A4") * shows("T32")) {
  const TempDir dir;
  const std::string trace = (dir / "trace").string();
  const std::string calls = "pwrite64,fdatasync,fsync,openat,flock";
  if (traced_lead(site(), {"-o", trace, "-e", "trace=" + calls}) != 303) {
    BOOST_TEST_MESSAGE("skipped: strace is not allowed here");
    return;
  }
  const int runs_per_fault = wanted("FAULTS", 1);
  int runs = 0, promised = 0;
  for (const std::string& call : text::split(calls, ",")) {
    const auto count = static_cast<int>(count_of(read_file(trace), " " + call + "("));
    // Each sync is tried: what could not be synced may be there all the same.
    const int step = call == "fdatasync" ? 1 : std::max(1, count / runs_per_fault);
    for (int when = 1; when <= count; when += step) {
      const std::string fault = call + ":error=EIO:when=" + std::to_string(when);
      site().reset();
      const int status =
          traced_lead(site(), {"-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=" + fault});
      const std::size_t leads = site().leads().size();
      BOOST_TEST(leads <= 1u, fault);
      BOOST_TEST((leads == 1u || (status != 303 && status != 202)), fault);
      promised += static_cast<int>(leads);
      ++runs;
    }
  }
  BOOST_TEST_MESSAGE(runs << " runs, " << promised << " leads");
  BOOST_TEST(runs >= 5);
}

BOOST_AUTO_TEST_CASE(while_another_program_holds_the_store_a_lead_is_accepted_and_not_lost) {
  const TempDir dir;
  const CgiForm form(site(), {"B24HOOKS_DATA_DIR=" + (dir / "data").string()});
  BOOST_TEST(form.submit(person("Anna")).status == 303);
  {
    RawSql holder(dir / "data/store.db");
    holder.run("BEGIN EXCLUSIVE");
    const HttpReply reply = form.submit(person("Boris"));
    BOOST_TEST(reply.status == 202);
    BOOST_TEST(notice(reply.body).contains("has been received"), notice(reply.body));
  }
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  BOOST_TEST(wait_until([&] { return site().leads().size() >= 2U; }));
  BOOST_TEST(site().leads().size() == 2U);
}

BOOST_AUTO_TEST_CASE(while_the_store_cannot_be_opened_a_lead_is_accepted_and_not_lost) {
  const CgiForm form(site());
  BOOST_TEST(form.submit(person("Anna")).status == 303);
  const auto store = form.data_dir() / "store.db", away = form.data_dir() / "away.db";
  std::filesystem::rename(store, away);
  std::filesystem::create_directory(store);
  BOOST_TEST(form.submit(person("Boris")).status == 202);
  std::filesystem::remove(store);
  std::filesystem::rename(away, store);
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  BOOST_TEST(wait_until([&] { return site().leads().size() >= 2U; }));
  BOOST_TEST(site().leads().size() == 2U);
}

BOOST_AUTO_TEST_CASE(repeat_customers_are_linked_to_their_contact) {
  const Value contact = site().call_json(
      "crm.contact.add",
      Value::map({{"fields",
                   Value::map({{"NAME", "Anna"},
                               {"PHONE", Value::list({Value::map({{"VALUE", "+1 (202) 555-0100"},
                                                                  {"VALUE_TYPE", "WORK"}})})}})}}));
  const std::string id = contact["result"].text();
  BOOST_REQUIRE(!id.empty());
  for (const char* method : {"crm.lead.add", "crm.item.add"}) {
    const CgiForm form(
        site(), {"B24HOOKS_FORM_DUPLICATES=link", "B24HOOKS_FORM_METHOD=" + std::string(method)});
    const char* field = method == std::string("crm.item.add") ? "contactId" : "CONTACT_ID";
    BOOST_TEST(form.submit(person()).status == 303);
    Value stranger = person("Boris");
    stranger.set("phone", "+49 30 1234567");
    stranger.set("email", "boris@example.com");
    BOOST_TEST(form.submit(stranger).status == 303);
    const Value calls = site().calls(method);
    BOOST_REQUIRE_EQUAL(calls.size(), 2U);
    BOOST_TEST(calls[0]["params"]["fields"][field].text() == id);
    BOOST_TEST(calls[1]["params"]["fields"].find(field) == nullptr);
  }
  // A search that the portal does not answer loses no lead.
  site().fault("server-error", 0, "crm.duplicate.findbycomm");
  const CgiForm form(site(), {"B24HOOKS_FORM_DUPLICATES=link"});
  BOOST_TEST(form.submit(person("Carla")).status == 303);
  BOOST_TEST(site().leads().size() == 5U);
}

BOOST_AUTO_TEST_CASE(the_owner_hears_of_waiting_leads_once_and_when_they_are_through) {
  TempDir dir;
  write_file(dir / "tell", "#!/bin/sh\n{ echo \"== $B24_SUBJECT\"; cat; } >> \"$1\"\n");
  std::filesystem::permissions(dir / "tell", std::filesystem::perms::owner_all);
  const std::string command = (dir / "tell").string() + " " + (dir / "told").string();
  const CgiForm form(site(), {"B24HOOKS_NOTIFY_COMMAND=" + command, "B24HOOKS_NOTIFY_AFTER=1ms",
                              "B24HOOKS_FORM_WAIT=0"});
  const auto told = [&] { return read_file(dir / "told"); };
  site().fault("down");
  BOOST_TEST(form.submit(person("Anna\xe2\x80\xae =1+1")).status == 202);
  BOOST_TEST(wait_until([&] {
    form.shell({"--deliver"});
    return !told().empty();
  }));
  for (int i = 0; i < 3; ++i) form.shell({"--deliver"});
  BOOST_TEST(count_of(told(), "== ") == 1U);
  for (const char* part : {"1 lead(s) have not reached Bitrix24", "O'Neil", "+1 202 555 0100"})
    BOOST_TEST(told().contains(part), told());
  BOOST_TEST(!told().contains("\xe2\x80\xae"));
  BOOST_TEST(!told().contains("sandbox/"));  // the webhook's secret

  site().fault("ok");
  form.shell({"--retry", "all"});
  BOOST_TEST(wait_until([&] {
    form.shell({"--deliver"});
    return told().contains("leads reach Bitrix24 again");
  }));
  BOOST_TEST(count_of(told(), "== ") == 2U);
  BOOST_TEST(site().leads().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_an_owner_mended_goes_out_at_once) {
  const CgiForm form(site(), {"B24HOOKS_FORM_WAIT=2s"});
  site().fault("expired", 0, "crm.lead.add");
  const HttpReply held = form.submit(person(), {"Accept: application/json"});
  BOOST_TEST(held.status == 202);
  BOOST_TEST(wait_until([&] { return form.shell({"--list"}).out.contains("expired_token"); }));
  site().fault("ok");
  form.shell({"--deliver"});  // the gate is closed for a minute
  BOOST_TEST(site().leads().size() == 0U);
  BOOST_TEST(form.shell({"--retry", body_json(held)["id"].text()}).status == 0);
  BOOST_TEST(form.shell({"--deliver"}).status == 0);
  BOOST_TEST(site().leads().size() == 1U);
  const Ran show = form.shell({"--show", body_json(held)["id"].text()});
  for (const char* part : {"done", "expired_token", "retried by hand"})
    BOOST_TEST(show.out.contains(part), show.out);
}

BOOST_AUTO_TEST_CASE(what_one_disk_alone_would_have_is_refused_where_the_owner_says_so) {
  const std::string away = "B24HOOKS_DATA_STORE=postgres://b24app@/b24?host=/nowhere";
  const CgiForm strict(site(), {away, "B24HOOKS_STORE_JOURNAL_ACCEPTS=no"});
  BOOST_TEST(strict.submit(person("Anna")).status == 503);
  const CgiForm lenient(site(), {away});
  BOOST_TEST(lenient.submit(person("Bert")).status == 202);
  BOOST_TEST(site().leads().size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
