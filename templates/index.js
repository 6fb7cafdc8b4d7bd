// The form without a reload. Without this script, or where it fails, the form is sent as any other.
(() => {
  const form = document.getElementById("lead");
  const notice = document.getElementById("notice");
  if (!form || !notice || !window.fetch || !window.FormData) return;

  const button = form.querySelector("button[type=submit]");
  const send = button.textContent;
  const fields = [...form.querySelectorAll("[aria-describedby]")];
  let failures = 0;
  // The browser sends the form itself: this script failed, or a captcha is good for one try only.
  let plain = document.getElementById("captcha") !== null;

  form.noValidate = true;
  if (!notice.hidden) notice.focus({ preventScroll: true });
  const first = form.querySelector("[aria-invalid=true]");
  if (first) first.focus();

  // What is wrong with a field, as the server would see it; nothing when it is good.
  function fault(field) {
    const message = form.dataset;
    const text = field.value.trim().normalize("NFKC");  // full-width letters are letters
    if (field.type === "checkbox") {
      return field.required && !field.checked ? message.consent : "";
    }
    if (!text) return field.required ? message.required : "";
    if (field.type === "email" && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*\.[^\s@.]{2,}$/.test(text)) return message.email;
    if (field.type === "tel" && !/\p{Nd}/u.test(text)) return message.phone;
    if (field.validity.patternMismatch) return message.pattern;
    return "";
  }

  function mark(field, text) {
    const place = document.getElementById(field.getAttribute("aria-describedby"));
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    place.textContent = text;
  }

  function say(kind, text) {
    notice.className = "notice " + kind;
    notice.setAttribute("role", kind === "error" ? "alert" : "status");
    notice.textContent = text;
    notice.hidden = !text;
  }

  function check() {
    fields.forEach((field) => mark(field, fault(field)));
    return fields.filter((field) => field.hasAttribute("aria-invalid"));
  }

  function busy(on) {
    button.disabled = on;
    button.setAttribute("aria-busy", String(on));
    button.textContent = on ? form.dataset.sending : send;
  }

  function show(answer) {
    if (answer.token) form.elements.form_token.value = answer.token;
    const errors = answer.errors || {};
    fields.forEach((field) => mark(field, errors[field.name] || ""));
    const good = answer.status === "saved" || answer.status === "accepted";
    say(good ? "ok" : "error", answer.message || "");
    if (answer.status === "saved" && answer.redirect) {
      window.location.assign(answer.redirect);
      return;
    }
    if (good) form.reset();
    const wrong = fields.find((field) => field.hasAttribute("aria-invalid"));
    (wrong || notice).focus();
  }

  async function submit() {
    const multipart = form.enctype === "multipart/form-data";
    const data = new FormData(form);
    const response = await fetch(window.location.href, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: multipart ? data : new URLSearchParams(data),
      redirect: "error",
    });
    show(await response.json());
  }

  // Where a visitor came from, for as long as an advertiser asks: from the first page of this site with this script (or the lines of
  // README.md) to the form. In the browser alone: no cookie.
  const marks = ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "yclid", "gclid", "ysclid", "fbclid"];
  function remembered() {
    try {
      const query = new URLSearchParams(window.location.search);
      const found = marks.filter((name) => query.get(name)).map((name) => [name, query.get(name).slice(0, 255)]);
      if (found.length) localStorage.setItem("b24-marks", JSON.stringify({ at: Date.now(), marks: Object.fromEntries(found) }));
      const kept = JSON.parse(localStorage.getItem("b24-marks") || "{}");
      return Date.now() - kept.at < 30 * 86400000 ? kept.marks : {};
    } catch {
      return {};
    }
  }
  for (const [name, value] of Object.entries(remembered())) {
    let input = form.elements[name];
    if (!marks.includes(name) || (input && input.value)) continue;
    if (!input) {
      input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      form.append(input);
    }
    input.value = value;
  }

  function trace() {
    const tracker = window.b24Tracker && window.b24Tracker.guest;
    if (tracker && tracker.getTrace) form.elements.TRACE.value = tracker.getTrace();
  }

  // A message that appears while the button is being pressed would move the button from under the pointer.
  let pressing = false;
  button.addEventListener("pointerdown", () => { pressing = true; });
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(end, () => { pressing = false; });
  }

  fields.forEach((field) => {
    field.addEventListener("blur", () => {
      if (!pressing && field.value.trim()) mark(field, fault(field));
    });
    field.addEventListener("input", () => {
      if (field.hasAttribute("aria-invalid")) mark(field, fault(field));
    });
  });

  form.addEventListener("submit", (event) => {
    trace();
    const wrong = check();
    if (wrong.length) {
      event.preventDefault();
      say("error", form.dataset.invalid);
      wrong[0].focus();
      return;
    }
    if (plain) return;
    event.preventDefault();
    say("info", "");
    busy(true);
    submit()
      .catch((error) => {
        // An answer that is none of ours, or a second failure on a working connection.
        plain = !(error instanceof TypeError) || (++failures > 1 && navigator.onLine);
        say("error", form.dataset.network);
        notice.focus();
      })
      .finally(() => busy(false));
  });

  // Where nothing of ours runs between requests, an open page lets what waits be sent.
  if ("ask" in form.dataset) {
    setInterval(() => {
      if (!document.hidden) fetch("?", { method: "HEAD" }).catch(() => {});
    }, 60000);
  }

  // A page that comes back from the browser's memory must not have a dead button.
  window.addEventListener("pageshow", () => busy(false));
})();
