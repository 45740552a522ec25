// What the core drops or finds odd, counted; the edge turns each into an internal event (log line and metric together).

export interface Notice {
	/** Verb phrase in snake_case. */
	name: string;
	/** Closed, low-cardinality. */
	reason: string;
	intentional: boolean;
	count: number;
}

export type Notices = Map<string, Notice>;

export function notice(notices: Notices, name: string, reason: string, intentional: boolean, count = 1): void {
	const key = `${name}/${reason}`;
	const known = notices.get(key);
	if (known) known.count += count;
	else notices.set(key, { name, reason, intentional, count });
}
