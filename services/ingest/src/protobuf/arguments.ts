// tetragon.KprobeArgument. The label may follow the value, so the value's place is kept until both are known.
import { type Argument, ArgumentType, addressText, emptyArgument, Label, labelCode } from '../event/argument.ts';
import { complain } from '../event/problem.ts';
import { maxPort } from '../event/range.ts';
import type { StringCache } from '../event/string-cache.ts';
import { takeBytes, takeText, takeVarint, textAt } from './fields.ts';
import { decimalText, nextField, signedValue, skipValue, unsignedValue, type Wire } from './wire.ts';

/** Numbers of KprobeArgument's fields. */
const variant = {
	string: 1,
	int: 2,
	size: 4,
	path: 6,
	file: 7,
	sock: 9,
	long: 11,
	uint: 15,
	label: 18,
	binprm: 26,
	sockaddr: 30,
	sockaddrun: 33,
} as const;

/** Key: number of the field. */
const names: readonly string[] = Array.from({ length: 34 }, (_, number) => {
	const found = Object.entries(variant).find((entry) => entry[1] === number)?.[0];
	if (found === undefined || found === 'label') return found ?? '';
	return found === 'binprm' ? 'linux_binprm_arg' : `${found}_arg`;
});

/** Reused for every event; hookEvent copies what it needs. */
export interface ArgumentList {
	/** Exactly the event's arguments. */
	readonly args: Argument[];
	readonly pool: Argument[];
}

export const createArgumentList = (): ArgumentList => ({ args: [], pool: [] });

/** Arguments beyond it are made anew for each event, and not kept. */
const poolMax = 32;

/** The next argument, emptied. */
function addArgument(list: ArgumentList): Argument {
	const index = list.args.length;
	let argument = list.pool[index];
	if (!argument) {
		argument = emptyArgument(ArgumentType.other, Label.none);
		if (index < poolMax) list.pool.push(argument);
	} else {
		argument.type = ArgumentType.other;
		argument.label = Label.none;
		argument.text = '';
		argument.fileType = '';
		argument.value = -1;
		argument.family = '';
		argument.port = -1;
	}
	list.args.push(argument);
	return argument;
}

/** Reads the argument at wire.start; leaves the wire after it. */
export function readArgument(wire: Wire, list: ArgumentList, cache: StringCache): void {
	const { end, pos: after } = wire;
	const argument = addArgument(list);
	wire.pos = wire.start;
	let kind = 0;
	let low = 0;
	let high = 0;
	let start = 0;
	let valueEnd = 0;
	while (nextField(wire, end)) {
		switch (wire.field) {
			case variant.label:
				argument.label = labelCode(takeText(wire, end, 'label', cache));
				break;
			case variant.int:
			case variant.size:
			case variant.long:
			case variant.uint:
				if (takeVarint(wire, end, names[wire.field] as string)) {
					kind = wire.field;
					low = wire.low;
					high = wire.high;
				}
				break;
			case variant.string:
			case variant.path:
			case variant.file:
			case variant.sock:
			case variant.binprm:
			case variant.sockaddr:
			case variant.sockaddrun:
				if (takeBytes(wire, end, names[wire.field] as string)) {
					kind = wire.field;
					start = wire.start;
					valueEnd = wire.end;
				}
				break;
			default:
				skipValue(wire, end);
		}
	}
	if (wire.first !== null) return;
	wire.low = low;
	wire.high = high;
	fillArgument(wire, argument, kind, start, valueEnd, cache);
	if (wire.first === null) wire.pos = after;
}

function fillArgument(
	wire: Wire,
	argument: Argument,
	kind: number,
	start: number,
	end: number,
	cache: StringCache,
): void {
	switch (kind) {
		case variant.string:
			argument.type = ArgumentType.text;
			argument.text = textAt(wire, start, end, cache);
			break;
		case variant.int:
			argument.type = ArgumentType.int;
			argument.value = wire.low | 0;
			break;
		case variant.uint:
			argument.type = ArgumentType.int;
			argument.value = wire.low >>> 0;
			break;
		case variant.size:
		case variant.long:
			argument.type = ArgumentType.long;
			if (argument.label === Label.ino) argument.text = decimalText(wire, kind === variant.long);
			else argument.value = kind === variant.long ? signedValue(wire) : unsignedValue(wire);
			break;
		case variant.path:
		case variant.file:
			readFile(wire, argument, start, end, 2, 4, cache);
			break;
		case variant.binprm:
			readFile(wire, argument, start, end, 1, 3, cache);
			break;
		case variant.sock:
			readSocket(wire, argument, start, end, 7, 9, cache);
			break;
		case variant.sockaddr:
			readSocket(wire, argument, start, end, 2, 3, cache);
			break;
		case variant.sockaddrun:
			readSocket(wire, argument, start, end, 2, 0, cache);
			break;
	}
}

function readFile(
	wire: Wire,
	argument: Argument,
	start: number,
	end: number,
	path: number,
	permission: number,
	cache: StringCache,
): void {
	argument.type = ArgumentType.file;
	wire.pos = start;
	while (nextField(wire, end))
		if (wire.field === path) argument.text = takeText(wire, end, 'path', cache);
		else if (wire.field === permission) argument.fileType = takeText(wire, end, 'permission', cache).slice(0, 1);
		else skipValue(wire, end);
}

function readSocket(
	wire: Wire,
	argument: Argument,
	start: number,
	end: number,
	address: number,
	port: number,
	cache: StringCache,
): void {
	argument.type = ArgumentType.socket;
	wire.pos = start;
	while (nextField(wire, end))
		if (wire.field === 1) argument.family = takeText(wire, end, 'family', cache);
		else if (wire.field === address) argument.text = addressText(takeText(wire, end, 'address', cache));
		else if (wire.field === port) {
			// Proto3 does not send a 0, so a 0 is an absent port.
			if (takeVarint(wire, end, 'port') && wire.low !== 0) argument.port = portOf(wire);
		} else skipValue(wire, end);
}

function portOf(wire: Wire): number {
	const port = wire.low >>> 0;
	if (port <= maxPort) return port;
	complain(wire, 'out-of-range', `port: expected a port from 0 to ${maxPort}, found ${port}`);
	return -1;
}
