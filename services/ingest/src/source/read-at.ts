import type { FileHandle } from 'node:fs/promises';

/** Bytes [position, position + length), fewer only at the end of the file. Not from the pool: lines keep parts of it alive. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
	const buffer = Buffer.allocUnsafeSlow(length);
	let filled = 0;
	while (filled < length) {
		const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
		if (bytesRead === 0) break;
		filled += bytesRead;
	}
	return buffer.subarray(0, filled);
}
