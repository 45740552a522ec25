// How much of the spool is unsent (pure). What was there at the start is an estimate, exact again once everything was sent.

export interface Backlog {
	records: number;
	/** Of the records' values. */
	bytes: number;
}

export function createBacklog(): {
	add(records: number, bytes: number): void;
	remove(records: number, bytes: number): void;
	state(): Backlog;
} {
	let records = 0;
	let bytes = 0;
	return {
		add(count, size) {
			records += count;
			bytes += size;
		},
		remove(count, size) {
			records = Math.max(0, records - count);
			bytes = records === 0 ? 0 : Math.max(0, bytes - size);
		},
		state: () => ({ records, bytes }),
	};
}
