// Footfall's tracker: visits and clicks of a page, sent with navigator.sendBeacon to the gateway that serves this file.
//
//   <script src="https://gate.example/footfall.js" data-campaign="spring-sale" async></script>
//   <button data-footfall-click="teaser">…</button>
//
// It sets no cookie and keeps nothing: each page view is a visitor of its own, unless the page says who it is (data-user)
// or lets the tracker remember a random id (data-remember="tab" or "browser").
(() => {
  "use strict";
  const script = document.currentScript;
  const settings = script.dataset;
  const address = new URL("/v1/beacon", script.src);
  // Beacons together may hold 64 KiB; one of ours is below 1 KiB.
  const MOST_WAITING = 20;
  const waiting = [];

  function visitor() {
    if (settings.user) return settings.user;
    const store = { tab: "sessionStorage", browser: "localStorage" }[settings.remember];
    try {
      const kept = store && window[store].getItem("footfall-visitor");
      if (kept) return kept;
      const made = crypto.randomUUID();
      if (store) window[store].setItem("footfall-visitor", made);
      return made;
    } catch {
      // A browser may forbid storage to a page.
      return crypto.randomUUID();
    }
  }

  const user_id = visitor();

  function send() {
    if (waiting.length === 0) return;
    const events = waiting.splice(0);
    // Plain text is what a page may send to another origin without being asked first.
    if (!navigator.sendBeacon(address, new Blob([JSON.stringify(events)], { type: "text/plain" }))) {
      waiting.unshift(...events.slice(0, MOST_WAITING));
    }
  }

  // Says that something was done: kind is "visit" or "click".
  function footfall(kind, { campaign = settings.campaign, activity = settings.activity } = {}) {
    waiting.push({
      event_id: crypto.randomUUID(),
      user_id,
      kind,
      campaign_id: campaign ?? "",
      activity_id: activity ?? "",
    });
    if (waiting.length >= MOST_WAITING) send();
    else setTimeout(send, 200);
  }

  document.addEventListener("click", (event) => {
    const clicked = event.target.closest?.("[data-footfall-click]");
    if (clicked) footfall("click", { activity: clicked.dataset.footfallClick || settings.activity });
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
  // Not every browser says "hidden" when a page is left for another.
  addEventListener("pagehide", send);
  window.footfall = footfall;
  if (settings.visit !== "off") footfall("visit");
})();
