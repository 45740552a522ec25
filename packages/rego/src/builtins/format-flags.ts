// What stands between % and the verb, and the padding that it asks for. After Go's package fmt.
import { codePointCount } from './text.ts';

export interface Flags {
	sharp: boolean;
	zero: boolean;
	plus: boolean;
	minus: boolean;
	space: boolean;
	/** %#v */
	sharpV: boolean;
	width: number | undefined;
	precision: number | undefined;
}

export const noFlags = (): Flags => ({
	sharp: false,
	zero: false,
	plus: false,
	minus: false,
	space: false,
	sharpV: false,
	width: undefined,
	precision: undefined,
});

/** To the width in code points; zeros only to the left. */
export function pad(text: string, flags: Flags, zero: boolean = flags.zero): string {
	if (flags.width === undefined) return text;
	const missing = flags.width - codePointCount(text);
	if (missing <= 0) return text;
	if (flags.minus) return text + ' '.repeat(missing);
	return (zero ? '0' : ' ').repeat(missing) + text;
}

/** Cut to the precision in code points. */
export function truncate(text: string, precision: number | undefined): string {
	if (precision === undefined || precision >= text.length) return text;
	let result = '';
	let left = precision;
	for (const character of text) {
		if (left-- <= 0) break;
		result += character;
	}
	return result;
}
