// How the page asks its box. A sign-in that is over ends here, for every script.

let requestKey = "";

export async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  if (answer.status === 401) location.reload();
  return answer;
}

/** A change: without the request key of this sign-in the box refuses it. */
export async function change(path, body = "") {
  if (!requestKey) requestKey = (await (await ask("/api/session")).json()).request_key;
  return ask(path, { method: "POST", body, headers: { "X-Request-Key": requestKey } });
}

export function sourcePath(sourceId, rest) {
  return `/api/sources/${encodeURIComponent(sourceId)}/${rest}`;
}

/** The answer's document; `why` is set where the box refused, in its words. */
export async function told(answer) {
  const document = await answer.json().catch(() => ({ detail: `${answer.status} ${answer.statusText}` }));
  return answer.ok ? { ok: true, document } : { ok: false, status: answer.status, why: document.detail, document };
}
