import type { Origin } from '../ports.ts';

/** How far the outputs of one origin (stage and partition) have been seen. */
export interface OriginMark {
	offset: number;
	index: number;
}

export const isBeyond = (origin: OriginMark, mark: OriginMark | undefined): boolean =>
	mark === undefined || origin.offset > mark.offset || (origin.offset === mark.offset && origin.index > mark.index);

/** The partition first: a stage's name may hold any character. */
export const originKey = (origin: Pick<Origin, 'stage' | 'partition'>): string => `${origin.partition}/${origin.stage}`;
