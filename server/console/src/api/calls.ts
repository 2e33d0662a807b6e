import { noteServerDate } from "../lib/clock";
import { problemFrom } from "./problem";
import type {
  Account,
  AlertDetail,
  AlertPage,
  AuditPage,
  DeadLetterPage,
  Device,
  GridCollection,
  QueueList,
  RejectReason,
  Source,
  VerdictKind,
} from "./types";

let csrfToken = "";

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const started = performance.now();
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const response = await fetch(path, {
    method,
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  noteServerDate(response.headers.get("Date"), performance.now() - started);
  const text = await response.text();
  const value: unknown = text === "" ? null : JSON.parse(text);
  if (!response.ok) throw problemFrom(response, value);
  return value as T;
}

function remember(account: Account): Account {
  csrfToken = account.csrf_token;
  return account;
}

export async function getSession(): Promise<Account> {
  return remember(await request<Account>("GET", "/api/v1/session"));
}

export async function signIn(username: string, password: string): Promise<Account> {
  return remember(await request<Account>("POST", "/api/v1/session", { username, password }));
}

export async function signOut(): Promise<void> {
  await request("DELETE", "/api/v1/session");
}

export function listQueues(): Promise<QueueList> {
  return request<QueueList>("GET", "/api/v1/queues");
}

export function listAlerts(query: {
  state: "open" | "closed";
  queue?: string;
  before?: string;
  limit?: number;
}): Promise<AlertPage> {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) parameters.set(key, String(value));
  return request<AlertPage>("GET", `/api/v1/alerts?${parameters.toString()}`);
}

export function getAlert(id: string): Promise<AlertDetail> {
  return request<AlertDetail>("GET", `/api/v1/alerts/${encodeURIComponent(id)}`);
}

export function claimAlert(id: string, version: number): Promise<AlertDetail> {
  return request<AlertDetail>("POST", `/api/v1/alerts/${encodeURIComponent(id)}/claim`, { version });
}

export function releaseAlert(id: string, version: number): Promise<AlertDetail> {
  return request<AlertDetail>("POST", `/api/v1/alerts/${encodeURIComponent(id)}/release`, { version });
}

export interface VerdictRequest {
  version: number;
  verdict: VerdictKind;
  reason?: RejectReason;
  comment?: string;
}

export function giveVerdict(id: string, verdict: VerdictRequest): Promise<AlertDetail> {
  return request<AlertDetail>("POST", `/api/v1/alerts/${encodeURIComponent(id)}/verdict`, verdict);
}

export function listGrids(): Promise<GridCollection> {
  return request<GridCollection>("GET", "/api/v1/grids");
}

export function evidenceUrl(sha256: string): string {
  return `/api/v1/evidence/${sha256}`;
}

export async function getEvidenceJson(sha256: string): Promise<unknown> {
  return request("GET", evidenceUrl(sha256));
}

export function listAudit(query: { subject?: string; after?: number }): Promise<AuditPage> {
  const parameters = new URLSearchParams({ limit: "100" });
  for (const [key, value] of Object.entries(query)) parameters.set(key, String(value));
  return request<AuditPage>("GET", `/api/v1/audit?${parameters.toString()}`);
}

export function listDeadLetters(): Promise<DeadLetterPage> {
  return request<DeadLetterPage>("GET", "/api/v1/dead-letters");
}

export function replayDeadLetter(id: number, content: Record<string, unknown> | null): Promise<unknown> {
  return request("POST", `/api/v1/dead-letters/${id}/replay`, content === null ? {} : { content });
}

export function discardDeadLetter(id: number): Promise<unknown> {
  return request("POST", `/api/v1/dead-letters/${id}/discard`);
}

export async function listDevices(): Promise<Device[]> {
  return (await request<{ devices: Device[] }>("GET", "/api/v1/devices")).devices;
}

export async function listSources(): Promise<Source[]> {
  return (await request<{ sources: Source[] }>("GET", "/api/v1/sources")).sources;
}
