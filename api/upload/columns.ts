import { type Fault, Problem } from '../http/problem.ts';
import { splitCsvLine } from './csv-line.ts';

/** The columns in the order of the header. Throws a Problem that lists all faults of the header. */
export function readHeader<Column extends string>(
  line: string | null,
  known: readonly Column[],
  required: readonly Column[],
): Column[] {
  const names = line === null ? undefined : splitCsvLine(line)?.map((name) => name.trim().toLowerCase());
  if (names === undefined) throw headerProblem([{ line: 1, detail: 'is not a CSV header' }]);
  const columns = names.map((name) => known.find((column) => column === name));
  const faults = [
    ...names.filter((_, i) => columns[i] === undefined).map((name) => `${shown(name)} is not a known column`),
    ...names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${shown(name)} appears twice`),
    ...required.filter((name) => !names.includes(name)).map((name) => `the column ${name} is missing`),
  ];
  if (faults.length > 0) throw headerProblem(faults.map((detail) => ({ line: 1, detail })));
  return columns.filter((column) => column !== undefined);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function headerProblem(errors: Fault[]): Problem {
  return new Problem('invalid_request', 'The header of the CSV file is not valid', {
    errors: errors.slice(0, 100),
  });
}
