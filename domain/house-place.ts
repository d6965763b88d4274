/** How far a walk through all that is unfinished has come. */
export interface HousePlace {
  readonly pushNo: number;
  readonly taskId: string;
}

export const HOUSE_START: HousePlace = { pushNo: 0, taskId: '' };
