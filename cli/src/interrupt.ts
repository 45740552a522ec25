/** Runs `work` with a signal that SIGTERM and SIGINT abort: a graceful drain. A second signal ends the process as usual. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const controller = new AbortController();
	const stop = (): void => {
		release();
		controller.abort();
	};
	const release = (): void => {
		process.off('SIGTERM', stop);
		process.off('SIGINT', stop);
	};
	process.on('SIGTERM', stop);
	process.on('SIGINT', stop);
	try {
		return await work(controller.signal);
	} finally {
		release();
	}
}
