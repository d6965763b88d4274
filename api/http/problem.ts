import { z } from 'zod';

/** Every error code of the API, with its HTTP status. */
export const PROBLEMS = {
  invalid_request: 400,
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  device_secret_required: 403,
  invalid_user_token: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  not_allowed_now: 409,
  conflict: 409,
  request_in_progress: 409,
  gone: 410,
  length_required: 411,
  precondition_failed: 412,
  payload_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  expectation_failed: 417,
  idempotency_key_reused: 422,
  precondition_required: 428,
  rate_limited: 429,
  headers_too_large: 431,
  internal: 500,
  unavailable: 503,
} as const;

export type ProblemCode = keyof typeof PROBLEMS;
export type ProblemStatus = (typeof PROBLEMS)[ProblemCode];

const TITLES: Record<ProblemStatus, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The place of a fault: in the body (a JSON pointer), a path or query parameter, or a header. */
export const Fault = z
  .object({
    pointer: z.string().optional(),
    parameter: z.string().optional(),
    header: z.string().optional(),
    line: z.number().optional(),
    detail: z.string(),
  })
  .meta({ id: 'Fault' });
export type Fault = z.infer<typeof Fault>;

/** RFC 9457. */
export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string(),
    /** The request's ID, as in the server's log. */
    instance: z.string(),
    errors: z.array(Fault).optional(),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.infer<typeof ProblemBody>;

export interface ProblemOptions {
  readonly errors?: readonly Fault[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly status: ProblemStatus;
  readonly options: ProblemOptions;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.status = PROBLEMS[code];
    this.options = options;
  }
}

/** Missing objects and objects of another app are answered alike. */
export function notFound(what: string): Problem {
  return new Problem('not_found', `There is no such ${what}`);
}

export function renderProblem(problem: Problem, requestId: string): ProblemBody {
  const { errors } = problem.options;
  return {
    type: 'about:blank',
    title: TITLES[problem.status],
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance: requestId,
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
}

export const PROBLEM_TYPE = 'application/problem+json';
const ALWAYS = [400, 401, 403, 429, 500, 503] as const;

type ProblemResponse = {
  description: string;
  content: { 'application/problem+json': { schema: typeof ProblemBody } };
};

/** The documented problems of a route. An undeclared status would be sent without its schema. */
export function problemResponses<Status extends ProblemStatus = never>(
  ...more: Status[]
): Record<(typeof ALWAYS)[number] | Status, ProblemResponse> {
  const statuses = [...ALWAYS, ...more].sort((a, b) => a - b);
  const entries = statuses.map((status) => [
    status,
    { description: TITLES[status], content: { [PROBLEM_TYPE]: { schema: ProblemBody } } },
  ]);
  return Object.fromEntries(entries);
}
