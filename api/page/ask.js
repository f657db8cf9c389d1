// Asking the API: one question at a time of each sort, each with the token of the last answer.

const tokens = new Map();
/** Milliseconds after which an answer is not waited for. */
const LONGEST = 12_000;

/** The API's answer, or an error with its problem's detail. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const since = tokens.get(path);
  if (since) query.set("since", since);
  const url = query.size ? `${path}?${query}` : path;
  const response = await fetch(url, { signal: AbortSignal.timeout(LONGEST) });
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Problem(response.status, body);
  tokens.set(path, body.as_of_token);
  return body;
}

/** What the API answered instead of numbers. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
    this.type = body?.type;
  }
}

export const campaigns = () => ask("/v1/campaigns");

export function campaign(id, days) {
  const parameters = days ? { from: days[0], to: days[1] } : {};
  return ask(`/v1/campaigns/${encodeURIComponent(id)}`, parameters);
}

export const minutes = (id) =>
  ask(`/v1/campaigns/${encodeURIComponent(id)}/timeseries`, { step: "minute" });
