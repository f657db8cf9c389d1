// The page on which a demo's seats are tried: one tab, one person.
(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const form = at("open");
  const user = sessionStorage.getItem("user") ?? `visitor-${crypto.randomUUID().slice(0, 8)}`;
  sessionStorage.setItem("user", user);
  at("user").textContent = user;
  const path = () => `/v1/activities/${encodeURIComponent(form.elements.id.value)}`;
  const said = {
    admitted: "You are in · 응모 성공",
    cancelled: "Given back · 취소됨",
    sold_out: "Sold out · 마감",
    not_open: "Not open yet · 아직 열리지 않음",
    closed: "Closed · 종료",
    unknown: "No such activity · 없는 이벤트",
    no_seat: "You hold no seat · 자리가 없음",
    pending: "The log has not answered yet · 확인 중",
  };

  async function ask(method, to, body) {
    const headers = { "footfall-user": user, "content-type": "application/json" };
    const answer = await fetch(to, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, ...(await answer.json()) };
  }

  async function enter(method) {
    const told = await ask(method, `${path()}/entries`);
    const seat = told.receipt ? ` · #${told.receipt.rank} · ${told.receipt.partition}/${told.receipt.offset}` : "";
    at("answer").textContent = (said[told.outcome] ?? told.detail ?? told.status) + seat;
    show();
  }

  async function show() {
    const of = await ask("GET", path());
    if (of.status !== 200) return;
    const opens = of.opens_at_ms > Date.now() ? ` · ${Math.ceil((of.opens_at_ms - Date.now()) / 1000)} s` : "";
    at("activity").textContent = `${of.activity_id}: ${of.held} / ${of.capacity} · ${of.remaining} left · ${of.remaining}자리 남음${opens}`;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { capacity, delay } = form.elements;
    const opens_at_ms = Date.now() + 1000 * Number(delay.value);
    const told = await ask("PUT", path(), { campaign_id: "demo", name: form.elements.id.value, capacity: Number(capacity.value), opens_at_ms });
    if (told.detail) at("answer").textContent = told.detail;
    show();
  });
  at("enter").addEventListener("click", () => enter("POST"));
  at("cancel").addEventListener("click", () => enter("DELETE"));
  setInterval(show, 1000);
  show();
})();
