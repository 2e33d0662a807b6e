import createClient, { type Middleware } from "openapi-fetch";

import { noteServerDate } from "../lib/clock";
import { problemFrom } from "./problem";
import type { operations, paths } from "./schema";
import type {
  Account,
  AlertDetail,
  AlertPage,
  AuditPage,
  DeadLetterPage,
  Device,
  GridCollection,
  Mosaic,
  QueueList,
  Source,
  VerdictBody,
} from "./types";

let csrfToken = "";

let tellSession: (account: Account | null) => void = () => undefined;

/** Whom to tell when another account, or none, turns out to be behind this browser's cookie. */
export function onSessionChange(listener: (account: Account | null) => void): void {
  tellSession = listener;
}

/** Puts the session's token on requests that change something, and learns the server's time from its answers. */
const session: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ response }) {
    noteServerDate(response.headers.get("Date"));
    return undefined;
  },
};

/**
 * Another tab may have signed in anew: then this tab's token is old, and a command is refused with 403. It is sent once
 * more with the token of the session as it is now.
 */
async function send(request: Request): Promise<Response> {
  const spare = request.method === "GET" ? null : request.clone();
  const response = await fetch(request);
  if (response.status !== 403 || spare === null) return response;
  const refused = csrfToken;
  const account = await getSession().catch(() => null);
  if (account === null || csrfToken === refused) return response;
  tellSession(account);
  spare.headers.set("X-CSRF-Token", csrfToken);
  return fetch(spare);
}

const SESSION_PATH = "/api/v1/session";

const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  fetch: send,
});
client.use(session);

type JsonOperation = {
  [Name in keyof operations]: operations[Name]["responses"] extends { 200: { content: { "application/json": unknown } } }
    ? Name
    : never;
}[keyof operations];

/** What an operation answers, by its id. (The client's own mapping makes arrays of positions out of pairs.) */
type Answer<Name extends JsonOperation> = operations[Name]["responses"][200]["content"]["application/json"];

/** The data of a success, or the problem as an `ApiError`. */
async function data<T>(call: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<T> {
  const result = await call;
  if (!result.response.ok) {
    // Any 401 behind the sign-in means that the session is over.
    if (result.response.status === 401 && !result.response.url.endsWith(SESSION_PATH)) tellSession(null);
    throw problemFrom(result.response, result.error);
  }
  return result.data as T;
}

function remember(account: Account): Account {
  csrfToken = account.csrf_token;
  return account;
}

export async function getSession(): Promise<Account> {
  return remember(await data<Answer<"getSession">>(client.GET("/api/v1/session")));
}

export async function signIn(username: string, password: string): Promise<Account> {
  return remember(await data<Answer<"signIn">>(client.POST("/api/v1/session", { body: { username, password } })));
}

export async function signOut(): Promise<void> {
  await data<undefined>(client.DELETE("/api/v1/session"));
}

export function listQueues(): Promise<QueueList> {
  return data<Answer<"listQueues">>(client.GET("/api/v1/queues"));
}

export function listAlerts(query: {
  state: "open" | "closed";
  queue?: string;
  before?: string;
  limit?: number;
}): Promise<AlertPage> {
  return data<Answer<"listAlerts">>(client.GET("/api/v1/alerts", { params: { query } }));
}

export function getAlert(id: string): Promise<AlertDetail> {
  return data<Answer<"getAlert">>(client.GET("/api/v1/alerts/{alert_id}", { params: { path: { alert_id: id } } }));
}

export function claimAlert(id: string, version: number): Promise<AlertDetail> {
  const params = { path: { alert_id: id } };
  return data<Answer<"claimAlert">>(client.POST("/api/v1/alerts/{alert_id}/claim", { params, body: { version } }));
}

export function releaseAlert(id: string, version: number): Promise<AlertDetail> {
  const params = { path: { alert_id: id } };
  return data<Answer<"releaseAlert">>(client.POST("/api/v1/alerts/{alert_id}/release", { params, body: { version } }));
}

export function giveVerdict(id: string, body: VerdictBody): Promise<AlertDetail> {
  return data<Answer<"giveVerdict">>(client.POST("/api/v1/alerts/{alert_id}/verdict", { params: { path: { alert_id: id } }, body }));
}

/** The generated type knows GeoJSON's geometries as objects only. */
export function listGrids(): Promise<GridCollection> {
  return data<GridCollection>(client.GET("/api/v1/grids"));
}

/** Pictures of the ground that survey flights have seen, the newest first. */
export async function listMosaics(): Promise<Mosaic[]> {
  return (await data<Answer<"listMosaics">>(client.GET("/api/v1/mosaics"))).mosaics;
}

/** Its tiles (PMTiles), to be read by ranges. */
export function mosaicUrl(sha256: string): string {
  return `/api/v1/mosaics/${sha256}.pmtiles`;
}

export function evidenceUrl(sha256: string): string {
  return `/api/v1/evidence/${sha256}`;
}

/** A track or readings, as JSON of whatever shape: its reader checks it. */
export async function getEvidenceJson(sha256: string): Promise<unknown> {
  const params = { path: { sha256 } };
  return JSON.parse(await data<string>(client.GET("/api/v1/evidence/{sha256}", { params, parseAs: "text" })));
}

/** The audit log backwards, from its latest entry on. */
export function listAudit(query: { subject?: string; after?: number }): Promise<AuditPage> {
  return data<Answer<"listAuditEntries">>(client.GET("/api/v1/audit", { params: { query: { ...query, limit: 100, newest_first: true } } }));
}

export function listDeadLetters(): Promise<DeadLetterPage> {
  return data<Answer<"listDeadLetters">>(client.GET("/api/v1/dead-letters"));
}

export function replayDeadLetter(id: number, content: Record<string, unknown> | null): Promise<unknown> {
  const params = { path: { letter_id: id } };
  return data<Answer<"replayDeadLetter">>(client.POST("/api/v1/dead-letters/{letter_id}/replay", { params, body: { content } }));
}

export function discardDeadLetter(id: number): Promise<unknown> {
  return data<unknown>(client.POST("/api/v1/dead-letters/{letter_id}/discard", { params: { path: { letter_id: id } } }));
}

export async function listDevices(): Promise<Device[]> {
  return (await data<Answer<"listDevices">>(client.GET("/api/v1/devices"))).devices;
}

export async function listSources(): Promise<Source[]> {
  return (await data<Answer<"listSources">>(client.GET("/api/v1/sources"))).sources;
}
