// Progress on stderr: a bar on a terminal, one line per tenth elsewhere, silence for scripts that asked for JSON.
import { SingleBar } from 'cli-progress';

export interface ProgressOptions {
	/** What is being done, in a few words. */
	label: string;
	/** Unit after the figures (MB, events). */
	unit: string;
	/** With --json nothing is printed unless stderr is a terminal. */
	json: boolean;
	stream: NodeJS.WriteStream;
}

export interface Progress {
	/** Both in the same unit; `total` may grow; 0 means that it is not known yet. */
	update(done: number, total: number): void;
	stop(): void;
}

const mib = 1024 * 1024;
/** Bytes as megabytes (2^20) with one decimal. */
export const megabytes = (bytes: number): number => Math.round((bytes / mib) * 10) / 10;

const silent: Progress = { update: () => {}, stop: () => {} };
const tenths = 10;

export function createProgress(options: ProgressOptions): Progress {
	if (options.stream.isTTY) return bar(options);
	return options.json ? silent : lines(options);
}

function bar({ label, unit, stream }: ProgressOptions): Progress {
	const single = new SingleBar({
		stream,
		format: `${label} {bar} {percentage} % of {total} ${unit}, {eta_formatted} left`,
		barCompleteChar: '█',
		barIncompleteChar: '░',
		barsize: 30,
		hideCursor: true,
		clearOnComplete: false,
		// Signals end the command elsewhere; the bar must not install handlers of its own.
		gracefulExit: false,
	});
	let started = false;
	return {
		update(done, total) {
			if (total <= 0) return;
			if (!started) {
				single.start(total, done);
				started = true;
				return;
			}
			if (total !== single.getTotal()) single.setTotal(total);
			single.update(done);
		},
		stop() {
			if (started) single.stop();
			started = false;
		},
	};
}

function lines({ label, unit, stream }: ProgressOptions): Progress {
	let last = 0;
	return {
		update(done, total) {
			if (total <= 0) return;
			const tenth = Math.min(tenths, Math.floor((done / total) * tenths));
			if (tenth <= last) return;
			last = tenth;
			stream.write(`${label}: ${tenth * tenths} % of ${total} ${unit}\n`);
		},
		stop() {
			last = tenths;
		},
	};
}
