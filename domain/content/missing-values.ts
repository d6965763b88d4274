/** How many devices lack values that their texts show. */
export interface MissingValues {
  /** Devices that would be sent to if they lacked no value. */
  readonly devices: number;
  /** Of these, the ones that lack a value. */
  readonly lacking: number;
  /** The devices that lack each variable. */
  readonly variables: ReadonlyMap<string, number>;
}

/** The warning before a task is submitted. `always` are the names without which no text can be made. */
export function missingValuesWarning(
  { names, always }: { names: readonly string[]; always: readonly string[] },
  counted: MissingValues | undefined,
): string | undefined {
  if (names.length === 0) return undefined;
  const verb = (all: readonly string[]) => (all.every((name) => always.includes(name)) ? 'would' : 'may');
  if (counted === undefined) {
    return `Devices without a value for ${listOf(names)} ${verb(names)} get nothing. ${remedy(names)}`;
  }
  const { devices, lacking, variables } = counted;
  if (lacking === 0) return undefined;
  const lacked = names.filter((name) => (variables.get(name) ?? 0) > 0);
  const each = lacked.map((name) => `{{ ${name} }} (${grouped(variables.get(name) ?? 0)})`);
  const what = lacked.length === 1 ? listOf(lacked) : each.join(', ');
  const few = `About ${grouped(lacking)} of ${grouped(devices)} devices`;
  return `${few} have no value for ${what} and ${verb(lacked)} get nothing. ${remedy(lacked)}`;
}

function remedy(names: readonly string[]): string {
  const which = names.length === 1 ? 'the variable' : 'each of these variables';
  return `Give ${which} a default, or write a text that does without, as {{ ${names[0]} | default: "…" }} does.`;
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `{{ ${name} }}`).join(', ');
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
