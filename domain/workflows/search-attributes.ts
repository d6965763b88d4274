/** The keys of the search attributes in the form of Temporal's SDK, which `domain/` does not import. */
export const SEARCH_KEYS = {
  taskStatus: { name: 'TaskStatus', type: 'KEYWORD' },
  appId: { name: 'AppId', type: 'KEYWORD' },
  pushType: { name: 'PushType', type: 'KEYWORD' },
  channel: { name: 'Channel', type: 'KEYWORD' },
  creator: { name: 'Creator', type: 'KEYWORD' },
  pushAt: { name: 'PushAt', type: 'DATETIME' },
  planned: { name: 'Planned', type: 'INT' },
} as const;

/** The types as Temporal's CLI spells them. */
const CLI_TYPES = { KEYWORD: 'Keyword', DATETIME: 'Datetime', INT: 'Int' } as const;
type CliType = (typeof CLI_TYPES)[keyof typeof CLI_TYPES];

/** The type of each search attribute, for creating the attributes in a namespace. */
export const SEARCH_ATTRIBUTES: Readonly<Record<string, CliType>> = Object.fromEntries(
  Object.values(SEARCH_KEYS).map(({ name, type }) => [name, CLI_TYPES[type]]),
);
