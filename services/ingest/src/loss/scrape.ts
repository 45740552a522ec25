// Fetches the sensor's metrics: bounded in time and size.

export type Scrape = { kind: 'ok'; text: string } | { kind: 'error'; message: string };

export interface ScrapeLimits {
	timeoutMs: number;
	bytesMax: number;
}

/** A scrape of a busy sensor has some 75 kB. */
export const scrapeLimits: ScrapeLimits = { timeoutMs: 2000, bytesMax: 8 * 1024 * 1024 };

/** Never rejects. `url` comes from configuration. */
export async function scrapeMetrics(url: string, signal: AbortSignal, limits = scrapeLimits): Promise<Scrape> {
	try {
		const response = await fetch(url, {
			redirect: 'error',
			signal: AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]),
		});
		if (!response.ok || response.body === null) {
			await response.body?.cancel();
			return { kind: 'error', message: `${url}: HTTP ${response.status}: expected 200` };
		}
		const chunks: Uint8Array[] = [];
		let bytes = 0;
		for await (const chunk of response.body) {
			bytes += chunk.byteLength;
			if (bytes > limits.bytesMax)
				return { kind: 'error', message: `${url}: more than ${limits.bytesMax} bytes: expected a scrape of metrics` };
			chunks.push(chunk);
		}
		return { kind: 'ok', text: Buffer.concat(chunks).toString('utf8') };
	} catch (cause) {
		return { kind: 'error', message: `${url}: ${reasonOf(cause)}` };
	}
}

function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
