// A hook's argument as both decoders hand it to hook-event.ts: one fixed shape for all types, so that it can be refilled.

/** tetragon.KprobeArgument's variants, folded into what matters here. Small integers: they are compared per event. */
export const ArgumentType = {
	/** error_arg, and every variant that no field of a trace event comes from. */
	other: 0,
	/** string_arg. */
	text: 1,
	/** int_arg, uint_arg. */
	int: 2,
	/** size_arg, long_arg: 64 bit. */
	long: 3,
	/** file_arg, path_arg, linux_binprm_arg. */
	file: 4,
	/** sock_arg, sockaddr_arg, sockaddrun_arg. */
	socket: 5,
} as const;
export type ArgumentType = (typeof ArgumentType)[keyof typeof ArgumentType];

/** Labels that policies give (test/fixtures/policies and the shipped ones); 0 for none and for any other. */
const labelCodes = {
	ino: 1,
	dev: 2,
	size: 3,
	f_flags: 4,
	mask: 5,
	pos: 6,
	prot: 7,
	flags: 8,
	request: 9,
	pid: 10,
	dir: 11,
	dentry: 12,
	old_dir: 13,
	old: 14,
	new_dir: 15,
	new: 16,
	target: 17,
} as const;
export const Label = { none: 0, ...labelCodes } as const;
export type Label = (typeof Label)[keyof typeof Label];

const codeOfLabel: ReadonlyMap<string, Label> = new Map(Object.entries(labelCodes));
export const labelCode = (label: string): Label => codeOfLabel.get(label) ?? Label.none;

export interface Argument {
	type: ArgumentType;
	label: Label;
	/** text: the string; file: the path; socket: the address; long labelled ino: the decimal digits. */
	text: string;
	/** file: first character of the permission string. */
	fileType: string;
	/** int and long (not ino): the value; beyond 2^53 - 1 it is that bound, so that no event is lost to a huge number. */
	value: number;
	/** socket: address family. */
	family: string;
	/** socket: port of the peer; -1 when absent. */
	port: number;
}

export const emptyArgument = (type: ArgumentType, label: Label): Argument => ({
	type,
	label,
	text: '',
	fileType: '',
	value: -1,
	family: '',
	port: -1,
});

/** What Tetragon writes where a family has no address. */
const noAddress = 'invalid IP';
export const addressText = (address: string): string => (address === noAddress ? '' : address);

const maxUnsigned = 18446744073709551615n;
const minSigned = -9223372036854775808n;
const maxSigned = 9223372036854775807n;
const canonicalDecimal = /^(?:0|-?[1-9][0-9]{0,19})$/;

/** True for the canonical decimal of a 64-bit integer. */
export function isDecimal64(text: string, signed: boolean): boolean {
	if (!canonicalDecimal.test(text)) return false;
	if (text.length < 19 && !(text.startsWith('-') && !signed)) return true;
	const value = BigInt(text);
	return signed ? value >= minSigned && value <= maxSigned : value >= 0n && value <= maxUnsigned;
}

/** Value of a canonical 64-bit decimal, held within the safe integers. */
export function saturate(text: string): number {
	const value = Number(text);
	if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
	return Math.max(value, -Number.MAX_SAFE_INTEGER);
}

/** Fills a long argument in the one way that both decoders agree on. */
export function setLong(argument: Argument, text: string): void {
	if (argument.label === Label.ino) argument.text = text;
	else argument.value = saturate(text);
}
