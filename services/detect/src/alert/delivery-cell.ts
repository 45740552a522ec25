// An undelivered message as it lies in the stage's cells.
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Delivery } from './delivery-queue.ts';

const prefix = 'delivery/';

/** Holds the digest of the URL that answered 410. */
export const disabledCell = 'webhook-gone';
export const deliveryCell = (webhookId: string): string => prefix + webhookId;
export const isDeliveryCell = (cell: string): boolean => cell.startsWith(prefix);

export const encodeDelivery = (delivery: Delivery): Uint8Array => Buffer.from(JSON.stringify(delivery));

/** Throws StreamError('store-corrupt'). */
export function decodeDelivery(cell: string, bytes: Uint8Array): Delivery {
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(bytes).toString());
	} catch (cause) {
		throw new StreamError('store-corrupt', `cell ${cell}: expected JSON`, cause);
	}
	if (!isDelivery(value) || deliveryCell(value.id) !== cell)
		throw new StreamError('store-corrupt', `cell ${cell}: expected a delivery of that id`);
	return value;
}

function isDelivery(value: unknown): value is Delivery {
	if (typeof value !== 'object' || value === null) return false;
	const d = value as Record<keyof Delivery, unknown>;
	return (
		typeof d.id === 'string' &&
		typeof d.body === 'string' &&
		typeof d.failure === 'string' &&
		Number.isSafeInteger(d.offset) &&
		Number.isSafeInteger(d.attempts) &&
		Number.isFinite(d.timeUs) &&
		Number.isFinite(d.nextMs) &&
		(d.dead === '' || d.dead === 'undeliverable' || d.dead === 'gone')
	);
}

/** The messages of a partition's cells, oldest finding first. */
export function storedDeliveries(cells: ReadonlyMap<string, Uint8Array>): Delivery[] {
	const deliveries: Delivery[] = [];
	for (const [cell, bytes] of cells) if (isDeliveryCell(cell)) deliveries.push(decodeDelivery(cell, bytes));
	return deliveries.sort((a, b) => a.offset - b.offset);
}
