import { sql } from 'kysely';
import { type VersionOp, versionMeets } from '../../domain/audiences/app-version.ts';
import { ruleOf } from '../../domain/audiences/audience-definition.ts';
import type { AudienceRule, Condition } from '../../domain/audiences/audience-rule.ts';
import { canonicalLocale, localesMet } from '../../domain/locale.ts';
import { localTimeOf } from '../../domain/time/local-time.ts';
import { canonicalTimeZone } from '../../domain/time/time-zone.ts';
import type { Db } from '../core/database.ts';
import { type EventName, findNames } from '../events/event-names.ts';
import { type AudienceSource, findSource } from './audience-source.ts';
import { listDistinctValues } from './distinct-values.ts';
import type { Today } from './rule-dates.ts';

/** A rule that can no longer be computed, for example because a push or an audience in it is gone. */
export class RuleError extends Error {
  override name = 'RuleError';
}

export interface PushRef {
  readonly no: number;
  readonly id: string;
  readonly taskId: string;
  readonly partitionStart: Date;
  readonly startedAt: Date;
}

/** Facts from the database that are needed to compile a rule to a statement. */
export interface RuleContext {
  readonly appId: string;
  readonly now: Date;
  readonly today: Today;
  /** Set for read-only statements, which several Postgres processes may run. */
  readonly isParallel: boolean;
  readonly names: ReadonlyMap<string, EventName>;
  readonly pushes: readonly PushRef[];
  readonly sources: ReadonlyMap<string, AudienceSource>;
  /** App versions that occur among the devices. */
  readonly versions: readonly string[];
  /** Locales that occur among the devices. */
  readonly locales: readonly string[];
}

export function sourceKey(id: string, version: number): string {
  return `${id} ${version}`;
}

/** Limits of nested rules. */
const MAX_CONDITIONS = 500;
const MAX_LEVELS = 10;

export async function loadRuleContext(
  db: Db,
  given: {
    appId: string;
    now: Date;
    /** The date from which dates are counted; that of the app at `dayOf` when left out. */
    today?: string | undefined;
    dayOf: Date;
    isParallel: boolean;
    rules: readonly AudienceRule[];
  },
): Promise<RuleContext> {
  const { appId, now, isParallel, rules } = given;
  const sources = new Map<string, AudienceSource>();
  const conditions = rules.flatMap(conditionsOf);
  let fresh = conditions;
  for (let level = 0; fresh.length > 0; level++) {
    if (level > MAX_LEVELS) throw new RuleError(`audiences are nested more than ${MAX_LEVELS} levels deep`);
    fresh = (await loadSources(db, appId, fresh, sources)).flatMap((source) =>
      source.definition === undefined ? [] : conditionsOf(ruleOf(source.definition)),
    );
    conditions.push(...fresh);
    if (conditions.length > MAX_CONDITIONS)
      throw new RuleError(`has more than ${MAX_CONDITIONS} conditions, including those of its audiences`);
  }
  const names = conditions.flatMap((one) => (one.field === 'event' ? [one.name] : []));
  const needsPushes = conditions.some((one) => one.field === 'push');
  const needsVersions = conditions.some((one) => one.field === 'appVersion');
  const needsLocales = conditions.some((one) => one.field === 'locale');
  return {
    appId,
    now,
    today: await findToday(db, given),
    isParallel,
    sources,
    names: new Map((await findNames(db, appId, [...new Set(names)])).map((one) => [one.name, one])),
    pushes: needsPushes ? await findOpenPushes(db, appId, now) : [],
    versions: needsVersions ? await listAppVersions(db, appId) : [],
    locales: needsLocales
      ? await listDistinctValues(db, { appId, column: 'locale', limit: MAX_LOCALES })
      : [],
  };
}

async function findToday(
  db: Db,
  { appId, dayOf, today }: { appId: string; dayOf: Date; today?: string | undefined },
): Promise<Today> {
  const { time_zone: stored } = await db
    .selectFrom('apps')
    .select('time_zone')
    .where('id', '=', appId)
    .executeTakeFirstOrThrow();
  const zone = canonicalTimeZone(stored) ?? 'UTC';
  return { zone, date: today ?? localTimeOf(dayOf.getTime(), zone).slice(0, 10) };
}

function conditionsOf(rule: AudienceRule): Condition[] {
  if ('all' in rule) return rule.all.flatMap(conditionsOf);
  if ('any' in rule) return rule.any.flatMap(conditionsOf);
  return 'not' in rule ? conditionsOf(rule.not) : [rule];
}

async function loadSources(
  db: Db,
  appId: string,
  conditions: readonly Condition[],
  known: Map<string, AudienceSource>,
): Promise<AudienceSource[]> {
  const added: AudienceSource[] = [];
  for (const one of conditions) {
    if (one.field !== 'audience' || one.version === undefined) continue;
    const key = sourceKey(one.id, one.version);
    if (known.has(key)) continue;
    const source = await findSource(db, { appId, audienceId: one.id, version: one.version });
    if (source === undefined) throw new RuleError(`there is no version ${one.version} of ${one.id}`);
    known.set(key, source);
    added.push(source);
  }
  return added;
}

/** Pushes whose deliveries are still stored. */
async function findOpenPushes(db: Db, appId: string, now: Date): Promise<PushRef[]> {
  const { rows } = await sql<PushRef>`
    select no, id, task_id as "taskId", partition_start as "partitionStart", started_at as "startedAt"
    from pushes
    where app_id = ${appId}
      and partition_start is not null
      and started_at is not null
      and deliveries_deleted_at is null
      and window_ends_at > ${now}`.execute(db);
  return rows;
}

const MAX_VERSIONS = 20_000;
/** The number of canonical locales is far lower. Further ones count as unknown. */
const MAX_LOCALES = 20_000;

async function listAppVersions(db: Db, appId: string): Promise<string[]> {
  const versions = await listDistinctValues(db, { appId, column: 'app_version', limit: MAX_VERSIONS + 1 });
  if (versions.length > MAX_VERSIONS)
    throw new RuleError(`devices report more than ${MAX_VERSIONS} different app versions`);
  return versions;
}

/** The locales of devices that one of the values names. Values are compared in their canonical form. */
export function localesThatMeet({ locales }: RuleContext, values: readonly string[]): string[] {
  const wanted = new Set(values.map((value) => canonicalLocale(value) ?? value));
  return locales.filter((locale) => localesMet(locale).some((tag) => wanted.has(tag)));
}

export function versionsThatMeet({ versions }: RuleContext, op: VersionOp, value: string): string[] {
  return versions.filter((version) => versionMeets(version, op, value));
}
