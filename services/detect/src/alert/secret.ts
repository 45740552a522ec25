// The signing secret: from a file or the environment, checked, and in no message.
import { readFile } from 'node:fs/promises';

export type SecretResult = { kind: 'secret'; secret: string } | { kind: 'invalid'; message: string };

export interface SecretSource {
	file?: string | undefined;
	/** Name of an environment variable. */
	env?: string | undefined;
}

/** Standard Webhooks 1.0: 24 to 64 random bytes, base64, `whsec_` before them. */
const bytesMin = 24;
const bytesMax = 64;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const expected = `expected whsec_ and ${bytesMin} to ${bytesMax} bytes in base64`;

/** `origin` names where it came from; the value is never repeated. */
export function checkSecret(text: string, origin: string): SecretResult {
	const secret = text.trim();
	const encoded = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret;
	const bytes = base64.test(encoded) ? Buffer.from(encoded, 'base64').length : 0;
	return bytes >= bytesMin && bytes <= bytesMax
		? { kind: 'secret', secret }
		: { kind: 'invalid', message: `${origin}: ${expected}` };
}

export async function loadSecret(
	source: SecretSource,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<SecretResult> {
	if (source.env !== undefined) {
		const value = environment[source.env];
		return value === undefined
			? { kind: 'invalid', message: `environment variable ${source.env} is not set: ${expected}` }
			: checkSecret(value, `environment variable ${source.env}`);
	}
	if (source.file === undefined)
		return { kind: 'invalid', message: `no file and no environment variable: ${expected}` };
	try {
		return checkSecret(await readFile(source.file, 'utf8'), source.file);
	} catch (cause) {
		return { kind: 'invalid', message: `${source.file}: cannot be read: ${(cause as NodeJS.ErrnoException).code}` };
	}
}
