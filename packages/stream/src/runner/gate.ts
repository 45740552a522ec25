/** Lets at most `max` callers in at once; the others wait in order. Resolves to what lets the next one in; null when `signal` aborts. */
export type Gate = (signal: AbortSignal) => Promise<(() => void) | null>;

export function createGate(max: number): Gate {
	let inside = 0;
	const waiting = new Set<() => void>();
	const leave = (): void => {
		inside -= 1;
		const [next] = waiting;
		next?.();
	};
	const enter = (): (() => void) => {
		inside += 1;
		let left = false;
		return () => {
			if (!left) leave();
			left = true;
		};
	};
	return (signal) =>
		new Promise((resolve) => {
			if (signal.aborted) return resolve(null);
			if (inside < max) return resolve(enter());
			const go = (): void => {
				waiting.delete(go);
				signal.removeEventListener('abort', give);
				resolve(enter());
			};
			const give = (): void => {
				waiting.delete(go);
				resolve(null);
			};
			waiting.add(go);
			signal.addEventListener('abort', give, { once: true });
		});
}
