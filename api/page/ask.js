// Asking the API. Every question carries the token of the newest answer, so that an older one is marked.

let newest = null;
/** Where the token is kept: until the tab is closed, and seen by no other. */
const TOKEN = "footfall-token";
/** Milliseconds after which an answer is not waited for. */
const LONGEST = 12_000;

/** The API's answer, or an error with its problem's detail. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  if (newest) query.set("since", newest);
  const url = query.size ? `${path}?${query}` : path;
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(LONGEST) }).catch(() => {
    throw new Problem(0, null);
  });
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Problem(response.ok ? 0 : response.status, body);
  // Until the numbers have caught up, they are compared with the newest seen.
  if (!body.as_of_went_back) newest = body.as_of_token;
  return body;
}

/** Sends this token with every question from now on. */
export function useToken(token) {
  // A header takes no other characters; the API refuses what is left of a text that is no token.
  sessionStorage.setItem(TOKEN, token.replace(/[^\x21-\x7e]/g, ""));
}

/** What the API answered instead of numbers; status 0 when it didn't answer. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? `HTTP ${status}`);
    this.status = status;
  }
}

export const campaigns = () => ask("/v1/campaigns");

export function campaign(id, days) {
  const parameters = days ? { from: days[0], to: days[1] } : {};
  return ask(`/v1/campaigns/${encodeURIComponent(id)}`, parameters);
}

export const minutes = (id) =>
  ask(`/v1/campaigns/${encodeURIComponent(id)}/timeseries`, { step: "minute" });
