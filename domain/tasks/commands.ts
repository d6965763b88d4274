import {
  matching,
  nullable,
  optional,
  type PayloadOf,
  payloadReader,
  text,
  trimmed,
  whole,
} from '../payload.ts';

const personId = matching(/^person-[0-9a-z]{10}$/, 'must be a person ID');
const revision = whole(1);
/** A reason typed into the CLI stays in the workflow's history; the API stores the text and sends its ID. */
const reason = trimmed(text(500, 1));
const remarkId = matching(/^remark-[0-9a-z]{10}$/, 'must be a remark ID');
/** The ID of the request in Postgres. The request's address stays there. */
const originId = matching(/^origin-[0-9a-z]{10}$/, 'must be an origin ID');

const by = { by: personId, origin: optional(originId) };
const decision = {
  approver: personId,
  revision,
  code: optional(text(100)),
  remark: optional(remarkId),
  origin: optional(originId),
};

/** The one JSON object that each update and each signal of a task carries. */
const COMMANDS = {
  approve: { ...decision, comment: optional(reason) },
  reject: { ...decision, reason: optional(reason) },
  withdraw: by,
  send: { ...by, request: optional(text(100, 1)) },
  pause: by,
  resume: by,
  cancel: by,
  delete: by,
  revise: { ...by, revision },
  setRate: { ...by, ratePerSecond: nullable(whole(1, 1_000_000)) },
} as const;

export type CommandName = keyof typeof COMMANDS;
/** The signal that resumes a task after an emergency stop. */
export const RESUME_COMMAND = 'resume' satisfies CommandName;
export type CommandPayload<Name extends CommandName> = PayloadOf<(typeof COMMANDS)[Name]>;
export type Command = { [Name in CommandName]: { readonly name: Name } & CommandPayload<Name> }[CommandName];

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

const READERS = Object.fromEntries(
  COMMAND_NAMES.map((name) => [name, payloadReader(COMMANDS[name])]),
) as Record<CommandName, ReturnType<typeof payloadReader>>;

export type ParsedCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly reason: string };

/** Never throws: signals deliver any payload. */
export function parseCommand(name: CommandName, payload: unknown): ParsedCommand {
  if (payload === undefined || payload === null) {
    return { ok: false, reason: `${name} requires one JSON object as its payload` };
  }
  const read = READERS[name](payload);
  if (!read.ok) return read;
  const command = { name, ...read.payload } as Command;
  return command.name === 'reject' && command.reason === undefined && command.remark === undefined
    ? { ok: false, reason: 'reason: is required to reject a task' }
    : { ok: true, command };
}

/** The author of the command: the approver of a decision, else the person in `by`. */
export function personOf(command: Command): string {
  return 'by' in command ? command.by : command.approver;
}
