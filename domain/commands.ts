import { z } from 'zod';

const PersonId = z.string().regex(/^person-[0-9a-z]{10}$/, 'must be a person ID');
const Revision = z.int().positive();
/** A reason typed into the CLI stays in the workflow's history; the API stores the text and sends its ID. */
const Reason = z.string().trim().min(1).max(500);
const RemarkId = z.string().regex(/^remark-[0-9a-z]{10}$/);
/** Names the request in Postgres: no address travels. */
const OriginId = z.string().regex(/^origin-[0-9a-z]{10}$/);

const by = { by: PersonId, origin: OriginId.optional() };
const decision = {
  approver: PersonId,
  revision: Revision,
  code: z.string().max(100).optional(),
  remark: RemarkId.optional(),
  origin: OriginId.optional(),
};

/** The one JSON object that each update and each signal of a task carries. */
export const COMMANDS = {
  approve: z.strictObject({ ...decision, comment: Reason.optional() }),
  reject: z
    .strictObject({ ...decision, reason: Reason.optional() })
    .refine((reject) => reject.reason !== undefined || reject.remark !== undefined, {
      message: 'a reject needs a reason',
      path: ['reason'],
    }),
  withdraw: z.strictObject(by),
  send: z.strictObject({ ...by, request: z.string().min(1).max(100).optional() }),
  pause: z.strictObject(by),
  resume: z.strictObject(by),
  cancel: z.strictObject(by),
  delete: z.strictObject(by),
  revise: z.strictObject({ ...by, revision: Revision }),
  setRate: z.strictObject({ ...by, ratePerSecond: z.int().positive().max(1_000_000).nullable() }),
} as const;

export type CommandName = keyof typeof COMMANDS;
export type CommandPayload<Name extends CommandName> = z.infer<(typeof COMMANDS)[Name]>;
export type Command = { [Name in CommandName]: { readonly name: Name } & CommandPayload<Name> }[CommandName];

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

export type ParsedCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly reason: string };

/** Never throws, whatever the payload is. */
export function parseCommand(name: CommandName, payload: unknown): ParsedCommand {
  if (payload === undefined || payload === null) {
    return { ok: false, reason: `${name} needs one JSON object, and came without one` };
  }
  const parsed = COMMANDS[name].safeParse(payload);
  if (parsed.success) return { ok: true, command: { name, ...parsed.data } as Command };
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'payload'}: ${issue.message}`);
  return { ok: false, reason: faults.slice(0, 5).join('; ').slice(0, 500) };
}

/** Who says so: the approver of a decision, else the person in `by`. */
export function personOf(command: Command): string {
  return 'by' in command ? command.by : command.approver;
}
