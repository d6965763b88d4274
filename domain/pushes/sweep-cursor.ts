/** The position of the sweep through all unfinished pushes and tasks. */
export interface SweepCursor {
  readonly pushNo: number;
  readonly taskId: string;
}

export const SWEEP_START: SweepCursor = { pushNo: 0, taskId: '' };
