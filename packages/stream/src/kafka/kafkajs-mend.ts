// kafkajs 2.2.4 looks for requests that wait in each connection's queue every millisecond for ever, also when none does: a negative
// delay is taken for 1 ms. Four idle connections cost a twentieth of a core. Mended here, in its class, until it is mended there.
import { createRequire } from 'node:module';

interface RequestQueue {
	pending: readonly unknown[];
	scheduleCheckPendingRequests(): void;
}

let mended = false;

/** Idempotent. Leaves a kafkajs alone that is laid out differently. */
export function mendRequestQueue(): void {
	if (mended) return;
	mended = true;
	const loaded: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
	if (typeof loaded !== 'function') return;
	const prototype = loaded.prototype as Partial<RequestQueue>;
	const schedule = prototype.scheduleCheckPendingRequests;
	if (typeof schedule !== 'function') return;
	prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
		if (this.pending.length > 0) schedule.call(this);
	};
}
