// What a run could not use, as the user is told: how many, why, and where the first ones are.
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { clipped, printable } from '../text/printable.ts';

export interface DeadLetterSummary {
	total: number;
	/** By code, the most frequent first. */
	byCode: { code: string; count: number; first: { origin: string; message: string }[] }[];
	/** Inputs beyond the bound of dead letters: counted, not told. */
	suppressed: number;
}

/** Of each code. */
const shownMax = 3;
const messageCharsMax = 200;

/** `refused`: how many inputs the source has refused, with those beyond the bound of dead letters. */
export async function summariseDeadLetters(log: Log, refused: number): Promise<DeadLetterSummary> {
	const codes = new Map<string, DeadLetterSummary['byCode'][number]>();
	let told = 0;
	let total = 0;
	for (let partition = 0; partition < log.partitions('deadletter'); partition++)
		for await (const { value } of readTopic(log, 'deadletter', partition)) {
			const { stage, origin, code, message } = deadLetterCodec.decode(value);
			const known = codes.get(code) ?? { code, count: 0, first: [] };
			known.count++;
			if (known.first.length < shownMax) known.first.push({ origin, message });
			codes.set(code, known);
			total++;
			if (stage === 'ingest') told++;
		}
	const suppressed = Math.max(0, refused - told);
	const byCode = [...codes.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
	return { total: total + suppressed, byCode, suppressed };
}

/** For stderr; empty when there are none. A message names the field and what was expected, and was redacted where it was made. */
export function deadLetterLines({ total, byCode, suppressed }: DeadLetterSummary): string[] {
	if (total === 0) return [];
	const inputs = total === 1 ? '1 input' : `${total} inputs`;
	const lines = [`${inputs} could not be used; the rest was processed (docs/errors.md explains the codes):`];
	for (const { code, count, first } of byCode) {
		lines.push(`  ${code}: ${count}`);
		for (const { origin, message } of first)
			lines.push(`    ${clipped(origin, messageCharsMax)}: ${clipped(message, messageCharsMax)}`);
		if (count > first.length) lines.push(`    … ${count - first.length} more`);
	}
	if (suppressed > 0) lines.push(`  beyond the bound, only counted: ${suppressed}`);
	return lines.map(printable);
}
