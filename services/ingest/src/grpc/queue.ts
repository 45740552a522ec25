// What was received and not yet pulled: bounded by the stream's being paused.

export interface MessageQueue {
	push(message: Uint8Array): void;
	/** At most `max` messages, oldest first. */
	take(max: number): Uint8Array[];
	readonly length: number;
	/** True from the moment when a limit is reached until half of it is left. */
	full(): boolean;
}

export interface QueueLimits {
	messagesMax: number;
	bytesMax: number;
}

export function createMessageQueue(limits: QueueLimits): MessageQueue {
	let messages: Uint8Array[] = [];
	let bytes = 0;
	let isFull = false;
	return {
		push(message) {
			messages.push(message);
			bytes += message.length;
			if (messages.length >= limits.messagesMax || bytes >= limits.bytesMax) isFull = true;
		},
		take(max) {
			const taken = messages.length <= max ? messages : messages.slice(0, max);
			messages = messages.length <= max ? [] : messages.slice(max);
			for (const message of taken) bytes -= message.length;
			if (messages.length * 2 <= limits.messagesMax && bytes * 2 <= limits.bytesMax) isFull = false;
			return taken;
		},
		get length() {
			return messages.length;
		},
		full: () => isFull,
	};
}
