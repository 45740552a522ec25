// Whether a figure that was measured again and again has stopped growing: the medians of the third and the fourth quarter.

export interface Sample {
	/** Since the day began, milliseconds of wall clock. */
	atMs: number;
	value: number;
}

/** Median of each quarter of the day; NaN for one without samples. */
export type Quarters = readonly [number, number, number, number];

export interface Tolerance {
	/** Growth from the third to the fourth quarter, as a share of the third. */
	share: number;
	/** Growth below this is noise whatever its share, in the figure's own unit. */
	least: number;
}

export function quartersOf(samples: readonly Sample[], wallMs: number): Quarters {
	const of = (quarter: number): number =>
		median(
			samples
				.filter(({ atMs }) => atMs >= (quarter * wallMs) / 4 && atMs < ((quarter + 1) * wallMs) / 4)
				.map(({ value }) => value),
		);
	return [of(0), of(1), of(2), of(3)];
}

/** In words why it is not flat; null when it is. What was not measured is not flat. */
export function growthOf([, , third, fourth]: Quarters, { share, least }: Tolerance): string | null {
	if (Number.isNaN(third) || Number.isNaN(fourth)) return 'not measured in the second half';
	const growth = fourth - third;
	if (growth <= least || growth <= share * third) return null;
	return `grew by ${Math.round((100 * growth) / third)} % from the third to the fourth quarter (${Math.round(third)} to ${Math.round(fourth)})`;
}

function median(values: number[]): number {
	if (values.length === 0) return Number.NaN;
	values.sort((a, b) => a - b);
	const middle = values.length >> 1;
	const upper = values[middle] as number;
	return values.length % 2 === 1 ? upper : ((values[middle - 1] as number) + upper) / 2;
}
