// What every encoded record begins with (Confluent's wire format): a zero byte and the id of the schema that wrote it, four bytes
// big-endian. Ids are the repository's own (schemas/history); a registry's are swapped in and out at the edge of the log.

export const frameBytes = 5;

/** Below zero in a frame: the schema is none of ours, and its id at the registry is the number without the sign. */
export const foreignId = (registryId: number): number => -registryId;

/** The id of the schema that wrote the bytes; null when they do not begin with a frame. */
export function frameIdOf(bytes: Uint8Array): number | null {
	if (bytes.length < frameBytes || bytes[0] !== 0) return null;
	return (
		((bytes[1] as number) << 24) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 8) | (bytes[4] as number)
	);
}

/** Writes a frame over the first bytes. `id`: a 32-bit signed integer. */
export function writeFrame(bytes: Uint8Array, id: number): void {
	bytes[0] = 0;
	bytes[1] = id >>> 24;
	bytes[2] = id >>> 16;
	bytes[3] = id >>> 8;
	bytes[4] = id;
}
