import type { FastifyRequest } from 'fastify';
import { type core, type ZodError, ZodType } from 'zod';
import type { Fault } from './problem.ts';

/** The order of Fastify's checks. Parts before the failing one are already replaced by parsed values. */
const CONTEXTS = ['params', 'body', 'querystring', 'headers'] as const;
type Context = (typeof CONTEXTS)[number];

/** Fastify stops at the first invalid part of a request, but callers need all faults. */
export function faultsOf(request: FastifyRequest, failed: string | undefined): Fault[] {
  const from = Math.max(0, CONTEXTS.indexOf(failed as Context));
  return CONTEXTS.slice(from).flatMap((context) => faultsIn(request, context));
}

function faultsIn(request: FastifyRequest, context: Context): Fault[] {
  const schema = request.routeOptions.schema?.[context];
  if (!(schema instanceof ZodType)) return [];
  const value = context === 'querystring' ? request.query : request[context];
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : zodFaults(parsed.error, (path) => placeOf(context, path));
}

/** One fault for each wrong place: several unknown fields are several faults. */
export function zodFaults(error: ZodError, place: (path: PropertyKey[]) => Omit<Fault, 'detail'>): Fault[] {
  return error.issues.flatMap(nearest).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ ...place([...issue.path, key]), detail: 'is not a known field' }));
    }
    const reasons = issue.code === 'invalid_key' ? issue.issues : [issue];
    return reasons.map(({ message }) => ({ ...place(issue.path), detail: message }));
  });
}

/**
 * The faults of the form that the value comes nearest to, of a value that may have several forms. A form of another
 * type is none that was meant.
 */
function nearest(issue: core.$ZodIssue): core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const forms = issue.errors.map((issues) => issues.flatMap(nearest));
  const meant = forms.filter((issues) => !issues.some(isOfOtherForm));
  const [best] = meant.toSorted((a, b) => a.length - b.length);
  if (best === undefined) return [{ ...issue, errors: [], message: eitherOf(forms) }];
  return best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isOfOtherForm({ path, code }: core.$ZodIssue): boolean {
  return path.length === 0 && OTHER_FORM.has(code);
}

const OTHER_FORM: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function eitherOf(forms: readonly core.$ZodIssue[][]): string {
  return [...new Set(forms.flatMap((issues) => issues.map(({ message }) => message)))].join(', or ');
}

function placeOf(context: Context, path: PropertyKey[]): Omit<Fault, 'detail'> {
  if (context === 'body') return { pointer: jsonPointer(path) };
  const name = path.map(String).join('.');
  return context === 'headers' ? { header: name } : { parameter: name };
}

/** RFC 6901. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
