// Numbers, shares, money, times and durations, as the language writes them.

/** What a missing number looks like. */
export const NONE = "–";

export function formats(language, zone) {
  const number = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const clock = (seconds) =>
    new Intl.DateTimeFormat(language, {
      hour: "2-digit",
      minute: "2-digit",
      second: seconds ? "2-digit" : undefined,
      hourCycle: "h23",
      timeZone: zone,
    });
  const [minutes, instants] = [clock(false), clock(true)];
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: zone });
  const given = (value, write) => (value === null || value === undefined ? NONE : write(value));
  return {
    count: (value) => given(value, (v) => number.format(v)),
    axis: (value) => short.format(value),
    share: (value) => given(value, (v) => percent.format(v)),
    minute: (ms) => minutes.format(ms),
    instant: (ms) => instants.format(ms),
    day: (ms) => day.format(ms),
    money: (amount) => money(language, amount),
    age: (ms) => given(ms, (v) => age(language, v)),
  };
}

function money(language, { currency, minor_units }) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  return format.format(minor_units / 10 ** digits);
}

/** A duration in its largest fitting unit. */
function age(language, ms) {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1_000],
  ];
  const [unit, length] = units.find(([, length]) => ms >= length) ?? units[3];
  const digits = unit === "second" && ms < 10_000 ? 1 : 0;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: language === "ko" ? "short" : "long",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(ms / length);
}

/** Today in a zone, as YYYY-MM-DD; a later Sunday or month's end may lie in the future. */
export function daysOf(period, zone, now) {
  if (period === "life") return null;
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
  const today = new Date(`${parts.format(now)}T00:00:00Z`);
  const on = (days) => new Date(today.getTime() + days * 86_400_000);
  const text = (date) => date.toISOString().slice(0, 10);
  if (period === "week") {
    const monday = on(-((today.getUTCDay() + 6) % 7));
    return [text(monday), text(new Date(monday.getTime() + 6 * 86_400_000))];
  }
  if (period === "month") {
    const [year, month] = [today.getUTCFullYear(), today.getUTCMonth()];
    return [text(new Date(Date.UTC(year, month, 1))), text(new Date(Date.UTC(year, month + 1, 0)))];
  }
  return [text(today), text(today)];
}
