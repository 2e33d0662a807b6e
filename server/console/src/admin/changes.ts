/** What differs between the two states that an audit entry keeps. */

export interface ChangedField {
  field: string;
  before: string;
  after: string;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function changedFields(before: unknown, after: unknown): ChangedField[] {
  if (!isRecord(before) && !isRecord(after)) {
    const pair = { field: "", before: shown(before), after: shown(after) };
    return pair.before === pair.after ? [] : [pair];
  }
  const old = isRecord(before) ? before : {};
  const next = isRecord(after) ? after : {};
  return [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .map((field) => ({ field, before: shown(old[field]), after: shown(next[field]) }))
    .filter((pair) => pair.before !== pair.after);
}
