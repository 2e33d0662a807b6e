/** An answer of the server that is not a success: RFC 9457 problem details, or as much of them as came. */

export interface Problem {
  status: number;
  title: string;
  detail: string;
  field: string | null;
  retryAfterSeconds: number | null;
}

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title || `HTTP ${problem.status}`);
    this.name = "ApiError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Makes an error of whatever the server sent; `body` is the parsed JSON, if it was JSON. */
export function problemFrom(response: Response, body: unknown): ApiError {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError({
    status: response.status,
    title: text(fields["title"]) || response.statusText,
    detail: text(fields["detail"]),
    field: text(fields["field"]) || null,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  });
}

export function isStatus(error: unknown, ...statuses: number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}
