import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { settleUpload, storeUpload } from '../../db/audiences/audience-upload.ts';
import {
  type AudienceMember,
  beginUpload,
  dropUpload,
  keepMembers,
  type UploadHold,
  type UploadProgress,
} from '../../db/audiences/upload-progress.ts';
import { recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { keyReused } from '../http/idempotency.ts';
import { notFound, Problem } from '../http/problem.ts';
import { sendsAgain } from '../http/upload-content.ts';
import { contentTypeOf, fileOf, formatOf, limitUploads, TEXT } from './body.ts';
import type { Layout } from './columns.ts';
import { MEMBER_COLUMNS, type MemberColumn, toMember } from './member-rows.ts';
import { RowCounts, RowReport } from './row-report.ts';
import { type RowReader, readRows, type Tally } from './rows.ts';
import { noGoodRow, storeReport } from './stored-report.ts';

export const AudienceUpload = z
  .object({
    id: z.string(),
    version: z.number(),
    rows: z.number(),
    members: z.number(),
    /** Rows that repeat an ID of the file. Each ID counts once as a member. */
    repeated: z.number(),
    ...RowCounts.shape,
    /** The address of all faults as CSV, for a week. Null when nothing is wrong. */
    report: z.string().nullable(),
  })
  .meta({ id: 'AudienceUpload' });
type AudienceUpload = z.infer<typeof AudienceUpload>;

/** The answer as it is stored, with the file that it is about. */
const Kept = AudienceUpload.extend({
  content: z.object({ from: z.number(), to: z.number(), hash: z.string() }).optional(),
});

interface AudienceFile {
  /** The ID of the audience. */
  readonly id: string;
  /** The name of a new audience. When omitted, the file becomes the next version of an existing audience. */
  readonly name?: string;
  /** The Idempotency-Key that resumes an interrupted upload. Null when the upload cannot be resumed. */
  readonly key: string | null;
  /** The number of bytes of the file that are stored already and not sent again. */
  readonly offset: number;
  /** The kind of ID in the lines of plain text. */
  readonly ids: IdsOfText;
}

interface Uploaded {
  readonly answer: AudienceUpload;
  /** The file was stored by an earlier request whose answer was lost. */
  readonly isReplayed: boolean;
}

type MemberTally = Tally<MemberColumn>;

export const IDS_OF_TEXT = ['device', 'user'] as const;
type IdsOfText = (typeof IDS_OF_TEXT)[number];

const READER: RowReader<MemberColumn, AudienceMember> = {
  known: MEMBER_COLUMNS,
  required: [],
  unknownColumns: 'ignore',
  read: toMember,
};
/** Plain text has a single column, the first of the known ones. */
const READERS = { device: READER, user: { ...READER, known: MEMBER_COLUMNS.toReversed() } } as const;
/** Rows are stored in parts of this size; a crash loses at most one part. */
const PART = 20_000;

export async function uploadAudience(
  deps: ApiDeps,
  request: FastifyRequest,
  file: AudienceFile,
): Promise<Uploaded> {
  const { appId } = personOf(request);
  if (file.ids === 'user' && contentTypeOf(request) !== TEXT) throw idsOfColumns();
  const target = `${request.url}\n${contentTypeOf(request)}`;
  const begun = await beginUpload(deps.db, { appId, target, ...file, now: await deps.clock() });
  if (begun.state === 'elsewhere') throw elsewhere(begun.bytes);
  if (begun.state === 'done') {
    const { content, ...answer } = Kept.parse(begun.answer);
    if (content != null && !(await sendsAgain(request, content))) throw keyReused();
    return { answer, isReplayed: true };
  }
  const tally = tallyFrom(begun.from);
  try {
    await limitUploads(deps.pool, () => keepFile(deps, request, { hold: begun.hold, ids: file.ids }, tally));
    return { answer: await store(deps, request, begun.hold, file, tally), isReplayed: false };
  } catch (error) {
    if (file.key === null || isRefused(error)) await dropUpload(deps.db, begun.hold);
    throw error;
  }
}

/** Whether resuming the upload would fail in the same way. */
function isRefused(error: unknown): boolean {
  return (
    error instanceof Problem && ['payload_too_large', 'invalid_request', 'not_found'].includes(error.code)
  );
}

function elsewhere(bytes: number): Problem {
  const detail = `does not match the stored offset, ${bytes}`;
  const errors = [{ header: 'upload-offset', detail }];
  return new Problem('conflict', 'Send the file from the stored offset on, or the whole file from offset 0', {
    errors,
  });
}

function tallyFrom({ rows, report, bytes, lines, layout }: UploadProgress): MemberTally {
  return {
    rows,
    report: RowReport.from(RowCounts.partial().parse(report)),
    place: { bytes, lines },
    layout: layout as Layout<MemberColumn> | null,
  };
}

function progressOf({ rows, report, place, layout }: MemberTally): UploadProgress {
  return { ...place, layout, rows, badRows: report.badRows, report: report.counts() };
}

/** Stores rows in parts. The rows before an interruption are kept, too. */
async function keepFile(
  deps: ApiDeps,
  request: FastifyRequest,
  { hold, ids }: { hold: UploadHold; ids: IdsOfText },
  tally: MemberTally,
): Promise<void> {
  let part: AudienceMember[] = [];
  const keep = async () => {
    const now = await deps.clock();
    if (!(await keepMembers(deps.pool, hold, part, progressOf(tally), now))) throw takenOver();
    part = [];
  };
  try {
    const opened = await fileOf(request, tally.place.bytes);
    for await (const members of readRows(opened, formatOf(request, 'text'), READERS[ids], tally)) {
      part = part.concat(members);
      if (part.length >= PART) await keep();
    }
  } finally {
    if (part.length > 0) await keep();
  }
}

function idsOfColumns(): Problem {
  const errors = [
    {
      parameter: 'ids',
      detail: 'ids=user is only allowed for text/plain; CSV and NDJSON name the ID in each column',
    },
  ];
  return new Problem('invalid_request', 'The request is not valid', { errors });
}

function takenOver(): Problem {
  return new Problem(
    'conflict',
    'Another request has taken over this upload; get its offset before sending more',
  );
}

async function store(
  deps: ApiDeps,
  request: FastifyRequest,
  hold: UploadHold,
  { id, name }: AudienceFile,
  tally: MemberTally,
): Promise<AudienceUpload> {
  const { appId, personId: by } = personOf(request);
  const now = await deps.clock();
  const { rows, report } = tally;
  if (rows === report.badRows) throw noGoodRow(report, 'no version of an audience was made');
  const counts = report.counts();
  const source = { format: contentTypeOf(request), rows, badRows: counts.badRows };
  return await deps.db.transaction().execute(async (trx) => {
    const named = name === undefined ? {} : { name };
    const stored = await storeUpload(trx, hold, { appId, audienceId: id, ...named, by, now, source });
    if (stored === undefined) throw notFound('uploaded audience');
    const stores = await storeReport(trx, { appId, report, now });
    const answer = { id, ...stored, rows, ...counts, report: stores };
    await settleUpload(trx, hold, { ...answer, content: request.contentMeter?.content() });
    await recordAuditEntry(trx, request, {
      detail: `${id}, version ${stored.version}: ${stored.members} members`,
      now,
    });
    return answer;
  });
}
