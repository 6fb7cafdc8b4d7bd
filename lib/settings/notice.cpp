// notice: see notice.h.
#include "settings/notice.h"

#include "base/exec.h"
#include "base/text.h"

namespace b24 {

bool wants_notices(const NotifySettings& settings) {
  return !settings.command.empty() || !settings.mail.empty();
}

Status send_notice(const NotifySettings& settings, const Mail& mail) {
  ProgramRun run;
  run.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  if (!settings.command.empty()) {
    run.arguments = text::split(settings.command, " \t");
    run.environment.push_back("B24_SUBJECT=" + mail.subject);
    run.input = mail.text;
  } else {
    run.arguments = {settings.sendmail, "-t", "-i"};
    run.input = mail_text(settings.mail, mail);
  }
  const Result<ProgramResult> result = run_program(run);
  if (!result) return std::unexpected(result.error());
  if (result->exit_code != 0) {
    return std::unexpected(Error{ErrorKind::settings, "notify_failed",
                                 run.arguments[0] + " ended with " +
                                     std::to_string(result->exit_code) + ": " +
                                     text::for_log(result->output, 200),
                                 "mend [notify] command or sendmail"});
  }
  return {};
}

std::string mail_text(const std::string& to, const Mail& mail) {
  return "To: " + text::for_log(to) + "\nSubject: " + text::for_log(mail.subject) +
         "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
         "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\n" +
         mail.text;
}

}  // namespace b24
