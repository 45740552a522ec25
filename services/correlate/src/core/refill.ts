// After a restart: puts back what was waiting in the reorder buffer; everything else is in the cells.
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import type { Host, Settings } from './host.ts';
import { isAhead } from './release.ts';
import { type Item, insert, insertLate } from './reorder.ts';
import { itemsOf } from './step.ts';

/** Takes an accepted batch again: what was not released waits as before, what was is remembered against duplicates. */
export function refill(settings: Settings, host: Host, batch: UnpackedBatch, offset: number): void {
	if (offset < host.refillFrom) return;
	const { reorder } = host;
	const { skewUs, absurdUs } = settings.limits;
	const waiting: Item[] = [];
	let newestUs = -1;
	for (const item of itemsOf(batch)) {
		const { timeUs } = item.event;
		if (isAhead(batch, timeUs, absurdUs)) continue;
		if (timeUs > newestUs) newestUs = timeUs;
		if (timeUs > reorder.watermarkUs) waiting.push(item);
		else if (timeUs >= reorder.watermarkUs - skewUs) insertLate(reorder, item);
	}
	insert(reorder, waiting);
	// The marks are in the cells; only the open records are refilled.
	if (newestUs !== -1) host.records.open.push({ offset, newestUs });
}
