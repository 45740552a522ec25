// Waiting that an abort ends.

/** True when `work` resolved; false when `signal` aborted first, and what becomes of `work` is then nobody's business. */
export function settledWithin(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const stop = (): void => resolve(false);
		signal.addEventListener('abort', stop, { once: true });
		if (signal.aborted) stop();
		const done = (): void => signal.removeEventListener('abort', stop);
		work.then(
			() => {
				done();
				resolve(true);
			},
			(error: unknown) => {
				done();
				reject(error);
			},
		);
	});
}
