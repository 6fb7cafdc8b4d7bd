// Renews the element "live" from the same address, until half an hour without a touch has passed; the page works without it.
(() => {
  const live = document.getElementById("live");
  const renew = document.getElementById("renew");
  if (!live || !live.dataset.live || !renew) return;

  const bound = 30 * 60 * 1000;
  let touched = Date.now();
  for (const touch of ["pointerdown", "keydown", "visibilitychange"]) {
    document.addEventListener(touch, () => { touched = Date.now(); });
  }
  renew.closest("label").hidden = false;

  async function look() {
    if (document.hidden || !renew.checked || live.contains(document.activeElement)) return;
    const response = await fetch(location.href);
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const now = page.getElementById("live");
    if (!now) return;
    if (now.innerHTML !== live.innerHTML) live.innerHTML = now.innerHTML;
    if (!now.dataset.live) delete live.dataset.live;
  }

  const timer = setInterval(() => {
    if (!live.dataset.live || Date.now() - touched > bound) {
      clearInterval(timer);
      renew.closest("label").hidden = true;
      return;
    }
    look().catch(() => {});
  }, Number(live.dataset.live) * 1000);
})();
