// The process's log on stderr: stdout belongs to results.
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LoggerOptions {
	/** One JSON object a line; false gives lines for a person. Default: false when stderr is a terminal. */
	json?: boolean;
	/** Default `info`. */
	level?: LogLevel;
	/** Default stderr. */
	destination?: NodeJS.WritableStream;
}

/** Written synchronously: what was logged before a crash is there after it. */
export function createLogger(options: LoggerOptions = {}): Logger {
	const json = options.json ?? process.stderr.isTTY !== true;
	const settings = { level: options.level ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime };
	if (!json)
		return pino(settings, pretty({ destination: options.destination ?? 2, sync: true, ignore: 'pid,hostname' }));
	return options.destination === undefined
		? pino(settings, pino.destination({ dest: 2, sync: true }))
		: pino(settings, options.destination);
}
